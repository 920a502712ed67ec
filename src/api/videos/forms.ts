// Bodies of the videos API: multipart/form-data, application/x-www-form-urlencoded and JSON alike. Used by api.ts and its routes.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { drainRefused } from '#api/client-gone.ts';
import { type Api, callerOf } from '#api/context.ts';
import { invalid } from '#api/errors.ts';
import { notificationUrl } from '#api/notification-url.ts';
import type { VideoRef } from '#database/videos.ts';
import { PlatformError } from '#domain/error.ts';
import { isUuid } from '#domain/uuid.ts';
import { ENCRYPTIONS, PLAYBACK_POLICIES, VIDEO_QUALITIES } from '#domain/video.ts';

const FORM = 'application/x-www-form-urlencoded';
const BYTES = 'application/octet-stream';
/** What a body of fields may come as, for the OpenAPI document. */
const FIELD_TYPES = ['application/json', FORM, 'multipart/form-data'];
/** A body that is bytes and nothing else, for the OpenAPI document. */
export const takesBytes = { types: [BYTES], body: z.file() };

/** Reads forms of all routes that are added to `app` afterwards; one that says what it takes reads its body itself. */
export function acceptForms(app: Api): void {
  app.addHook('onRoute', ({ schema }) => {
    if (schema?.body) schema.consumes ??= FIELD_TYPES;
  });
  if (!app.hasContentTypeParser(FORM))
    app.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, text, done) =>
      done(null, readPairs(String(text))),
    );
  app.addHook('preValidation', async (request) => {
    if (request.routeOptions.config.takes) return;
    if (request.isMultipart()) request.body = await readFields(request);
    // PUT and POST without a body at all.
    else request.body ??= {};
  });
  drainRefused(app);
}

/** Bodies of bytes alone arrive as streams. */
export function acceptBytes(app: Api): void {
  for (const type of [BYTES, 'application/offset+octet-stream', /^(video|audio)\//])
    app.addContentTypeParser(type, (_request, payload, done) => done(null, payload));
}

/** Whatever its type, the body is bytes: of an app whose every route takes nothing else. */
export function acceptBytesAlone(app: Api): void {
  app.removeAllContentTypeParsers();
  acceptAnyBytes(app);
}

/** The same where a multipart form, which the route reads, may hold them. */
export function acceptBytesOrFile(app: Api): void {
  app.removeContentTypeParser(['application/json', 'text/plain', FORM]);
  acceptAnyBytes(app);
}

const acceptAnyBytes = (app: Api): void => {
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
};

function readPairs(text: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  for (const [name, value] of new URLSearchParams(text)) addField(fields, name, value);
  return fields;
}

async function readFields(request: FastifyRequest): Promise<Record<string, string | string[]>> {
  const fields: Record<string, string | string[]> = {};
  for await (const part of request.parts()) {
    if (part.type === 'file') throw invalid([{ path: part.fieldname, message: 'no file here' }]);
    addField(fields, part.fieldname, String(part.value));
  }
  return fields;
}

/** A name that comes twice, or ends with [], is a list. */
export function addField(fields: Record<string, string | string[]>, written: string, value: string): void {
  const isList = written.endsWith('[]');
  const name = isList ? written.slice(0, -2) : written;
  // A form's own names, never those of Object.
  const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
  const next = known === undefined ? (isList ? [value] : value) : [...(Array.isArray(known) ? known : [known]), value];
  Object.defineProperty(fields, name, { value: next, enumerable: true, configurable: true, writable: true });
}

/** What is said of a number that is none, and of one out of range. */
function wordsOf(min: number, max: number) {
  const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`;
  return { none: { error: `a whole number, ${range}` }, out: { error: range } };
}

/** A whole number, as JSON or as a form writes it: in digits, so that an empty field is none. */
export function whole(min: number, max: number) {
  const { none, out } = wordsOf(min, max);
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value),
    z.int(none).min(min, out).max(max, out),
  );
}

/** The same where nothing need be said. Without a preprocessing, for beside one the default would not stand in the OpenAPI document. */
export function wholeOr(usual: number, min: number, max: number) {
  const { none, out } = wordsOf(min, max);
  return z.coerce.number(none).int(none).min(min, out).max(max, out).default(usual);
}

export const flag = z.union([z.boolean(), z.stringbool({ error: 'true or false' })]);

/** A list, or a string of its members with commas between. */
const listOf = <T extends z.ZodType>(member: T) =>
  z.preprocess((value) => {
    if (typeof value !== 'string') return value;
    return value
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  }, z.array(member));

export const tags = listOf(z.string().min(1).max(100)).pipe(z.array(z.string()).max(50, { error: 'at most 50' }));
export const qualities = listOf(z.enum(VIDEO_QUALITIES, { error: `of ${VIDEO_QUALITIES.join(', ')}` }));
export const title = z.string().trim().min(1, { error: 'not empty' }).max(500, { error: 'at most 500 characters' });
export const description = z.string().max(20_000, { error: 'at most 20000 characters' });
/** seconds; an empty field of a form is none */
export const posterTime = z.preprocess(
  (value) => (value === '' ? null : value),
  z.coerce.number({ error: 'seconds' }).min(0, { error: 'seconds, not below 0' }).nullable(),
);
export const playbackPolicy = z.enum(PLAYBACK_POLICIES, { error: `one of ${PLAYBACK_POLICIES.join(', ')}` });

/** What a client may say of a video when it is made. */
export const videoFields = {
  title: title.optional(),
  description: description.default(''),
  tags: tags.default([]),
  qualities: qualities.optional(),
  transcode: flag.default(true),
  playback_policy: playbackPolicy.default('public'),
  encryption: z.enum(ENCRYPTIONS, { error: `one of ${ENCRYPTIONS.join(', ')}` }).default('none'),
  poster_time: posterTime.optional(),
  notification_url: notificationUrl.optional(),
};
const videoFieldsSchema = z.object(videoFields);

/** The same as the workflows take it. */
export const toVideoWish = (fields: z.output<typeof videoFieldsSchema>) => ({
  title: fields.title ?? null,
  description: fields.description,
  tags: fields.tags,
  qualities: fields.qualities && fields.qualities.length > 0 ? fields.qualities : null,
  transcode: fields.transcode,
  playbackPolicy: fields.playback_policy,
  encryption: fields.encryption,
  posterTime: fields.poster_time ?? null,
  notificationUrl: fields.notification_url ?? null,
});

/** An id as clients send it. */
export const videoId = z.string().max(100);

/** @throws PlatformError `not_found`: what is no UUID is an id of nothing */
export function toId(text: string): string {
  if (isUuid(text)) return text.toLowerCase();
  throw new PlatformError('not_found', `There is nothing of the id ${JSON.stringify(text)}`);
}

/** The video a route names, within the caller's project. */
export const videoRef = (request: FastifyRequest, id: string): VideoRef => ({
  projectId: callerOf(request).projectId,
  id: toId(id),
});
