// The one place where an error becomes HTTP: RFC 9457 problem documents for every API without an envelope of its own. Wired by server.ts.
import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { HOUSE_WORDS } from '#api/field-words.ts';
import { refuseWrongMethods } from '#api/wrong-method.ts';
import {
  type ErrorCode,
  FAULTS,
  type Fault,
  type FieldError,
  isNodeError,
  PlatformError,
  toPlatformError,
} from '#domain/error.ts';

/** Fields of a form: a list may come as one for each of its members. */
export const MOST_FORM_FIELDS = 100;

/** Codes whose status does not follow from whose fault they are. */
const STATUS_BY_CODE: Partial<Record<ErrorCode, number>> = {
  not_found: 404,
  conflict: 409,
  canceled: 409,
  idempotency_conflict: 409,
  unauthorized: 401,
  forbidden: 403,
  playback_denied: 403,
  playback_expired: 403,
  too_large: 413,
  rate_limited: 429,
  unsupported_codec: 422,
  limit_exceeded: 422,
  source_too_large: 413,
  disk_full: 507,
  storage_failed: 503,
  database_unreachable: 503,
  ffmpeg_missing: 503,
  shutting_down: 503,
};
/** Seconds that a database, a storage or another instance needs to be there again, mostly. */
const COMES_BACK = 5;
const STATUS_BY_FAULT: Readonly<Record<Fault, number>> = {
  caller: 400,
  source: 422,
  destination: 422,
  media: 422,
  platform: 500,
};

/** The HTTP status of an error. */
export const statusOf = ({ code, fault }: Pick<PlatformError, 'code' | 'fault'>): number =>
  STATUS_BY_CODE[code] ?? STATUS_BY_FAULT[fault];

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    fault: z.enum(FAULTS),
    advice: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem document' });
export type Problem = z.output<typeof problemSchema>;

/** Why something failed that was accepted, as views of it say it. */
export const failureSchema = z.object({
  code: z.string(),
  message: z.string(),
  fault: z.enum(FAULTS),
  retryable: z.boolean(),
  advice: z.string(),
});

/** What a route may fail with beside what any may (openapi.ts), for its schema. */
export const problems = <C extends number>(...codes: readonly C[]) =>
  Object.fromEntries(codes.map((code) => [code, problemSchema])) as Readonly<Record<C, typeof problemSchema>>;

/** @param status overrides the table where HTTP itself knows better: 415, 405 */
export function problemOf(error: PlatformError, status = statusOf(error)): Problem {
  const hidden = error.code === 'internal';
  return {
    type: `urn:rendition:error:${error.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: hidden
      ? 'Something went wrong here that is not your doing; the log of the server has the details.'
      : error.message,
    code: error.code,
    fault: error.fault,
    advice: error.advice,
    errors: [...error.errors],
  };
}

/** Issues of zod as fields with what is allowed. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  return issues.flatMap((issue) => {
    const path = issue.path.join('.');
    const below = path === '' ? '' : `${path}.`;
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: below + key, message: 'is no field that is known here' }));
    if (issue.code === 'invalid_type' && issue.expected === 'object' && path === '')
      return [{ path, message: 'a JSON object is needed as the body' }];
    if (issue.code === 'invalid_union') {
      // The branch that got furthest is the one that was meant.
      const meant = issue.errors.find((branch) =>
        branch.some((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
      );
      if (meant) return fieldErrors(meant).map(({ path: inner, message }) => ({ path: below + inner, message }));
    }
    return [{ path, message: issue.message }];
  });
}

/** What a schema makes of a value, or `invalid_request` or `unsupported_codec`, naming each field and what is allowed. */
export function checkWith<T extends z.ZodType>(
  schema: T,
  value: unknown,
): { readonly value: z.output<T> } | { readonly error: PlatformError } {
  const parsed = schema.safeParse(value, HOUSE_WORDS);
  return parsed.success ? { value: parsed.data } : { error: invalid(fieldErrors(parsed.error.issues)) };
}

/** The same. @throws PlatformError */
export function parseWith<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const checked = checkWith(schema, value);
  if ('error' in checked) throw checked.error;
  return checked.value;
}

export function invalid(errors: readonly FieldError[]): PlatformError {
  const [first, ...rest] = errors;
  const more = rest.length > 0 ? ` (and ${rest.length} more)` : '';
  const detail = first ? `${first.path || 'The request'}: ${first.message}${more}` : 'The request is not valid';
  return new PlatformError(codeOf(errors), detail, { errors });
}

/** A codec that is none has a code of its own, where nothing else is wrong. */
const codeOf = (errors: readonly FieldError[]): 'unsupported_codec' | 'invalid_request' =>
  errors.length > 0 && errors.every(({ path }) => /(^|\.)(video|audio)Codec$/.test(path))
    ? 'unsupported_codec'
    : 'invalid_request';

export function installErrors(app: FastifyInstance): void {
  const refuseMethod = refuseWrongMethods(app);
  app.setErrorHandler((thrown, request, reply) => {
    const understood = understand(thrown);
    const [error, status] = (understood[1] === 404 && refuseMethod(request, reply)) || understood;
    // Whose line broke gets no answer, and nothing is wrong here.
    if (isNodeError(thrown) && thrown.code === 'ECONNRESET' && !request.raw.complete)
      request.log.info({ err: thrown }, 'the client has gone before its request was whole');
    else if (status >= 500) request.log.error({ err: thrown }, 'request failed');
    return sendProblem(reply, error, status);
  });
  app.setNotFoundHandler((request, reply) => {
    const [error, status] = refuseMethod(request, reply) ?? [notThere(request), 404];
    return sendProblem(reply, error, status);
  });
}

/** Of addresses that no route can be asked about: `/%zz`, or a part longer than any name. */
export function refuseAddress(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const isLong = isNodeError(thrown) && thrown.code === 'FST_ERR_MAX_PARAM_LENGTH';
  const [error, status] = isLong ? [notThere(request), 404] : understand(thrown);
  sendProblem(reply, error, status);
}

export function notThere(request: Pick<FastifyRequest, 'method' | 'url'>): PlatformError {
  const path = request.url.split('?', 1)[0];
  return new PlatformError('not_found', `There is nothing at ${request.method} ${path}; /openapi.json lists what is`);
}

export function sendProblem(reply: FastifyReply, error: PlatformError, status?: number): FastifyReply {
  const problem = problemOf(error, status);
  return sendError(reply, { error, status: problem.status, type: 'application/problem+json', body: problem });
}

type ErrorAnswer = {
  readonly error: PlatformError;
  readonly status: number;
  readonly type: string;
  /** In the envelope of its API. */
  readonly body: object;
};

/** Seconds after which another try makes sense: said by the error, or that the platform will soon be itself again. */
export const retryAfterOf = ({ retryAfter, retryable }: PlatformError, status: number): number | undefined =>
  retryAfter === undefined ? (status === 503 && retryable ? COMES_BACK : undefined) : Math.ceil(retryAfter);

/** What every error says besides its body. */
export function sendError(reply: FastifyReply, { error, status, type, body }: ErrorAnswer): FastifyReply {
  const retryAfter = retryAfterOf(error, status);
  if (retryAfter !== undefined) reply.header('Retry-After', String(retryAfter));
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer realm="rendition"');
  return (
    reply
      .code(status)
      .header('Cache-Control', 'no-store')
      .header('Content-Type', `${type}; charset=utf-8`)
      // A route's own response schema does not fit an error.
      .serializer(JSON.stringify)
      .send(body)
  );
}

const OTHER_TYPE =
  'The Content-Type of the body is none that this call takes; most take application/json, /openapi.json names them all';

/** Limits of a form (server.ts, and of the call), by the code of the plugin that reads it. */
const FORM_LIMITS: Readonly<Record<string, string>> = {
  FST_FIELDS_LIMIT: `The form has too many fields; at most ${MOST_FORM_FIELDS} are read`,
  FST_FILES_LIMIT: 'The form has more files than this call takes; /openapi.json says which it takes',
};
/** What the reader of forms says of one that is none: plain errors, without a status of their own. */
const BROKEN_FORM = /unexpected end of multipart data$|^Multipart: |^Malformed part header/i;

/** What Fastify and its plugins throw, in our words. */
export function understand(thrown: unknown): [PlatformError, number] {
  if (thrown instanceof PlatformError) return [thrown, statusOf(thrown)];
  if (thrown instanceof Error && BROKEN_FORM.test(thrown.message)) {
    const message = `The form cannot be read: ${thrown.message}. It needs a boundary, and an end behind its last part`;
    return [new PlatformError('invalid_request', message, { cause: thrown }), 400];
  }
  const limit = isNodeError(thrown) ? FORM_LIMITS[thrown.code ?? ''] : undefined;
  if (isHttpError(thrown) && thrown.statusCode < 500) {
    const code: ErrorCode =
      thrown.statusCode === 413 ? 'too_large' : thrown.statusCode === 404 ? 'not_found' : 'invalid_request';
    const message = limit ?? (thrown.statusCode === 415 ? OTHER_TYPE : thrown.message);
    return [new PlatformError(code, message, { cause: thrown }), thrown.statusCode];
  }
  const error = toPlatformError(thrown);
  return [error, statusOf(error)];
}

const isHttpError = (thrown: unknown): thrown is Error & { readonly statusCode: number } =>
  thrown instanceof Error &&
  'statusCode' in thrown &&
  typeof thrown.statusCode === 'number' &&
  thrown.statusCode >= 400;
