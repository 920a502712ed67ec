// Sources and destinations as callers write them, mapped to the domain's locations. Used by the job schema.
import { z } from 'zod';
import { DESTINATION_KINDS, type Location, OWN_HEADERS, SOURCE_KINDS } from '#domain/location.ts';

/** Longest URL, path or name that is taken. */
const LONGEST = 4096;
const text = (what: string) => z.string({ error: what }).min(1, { error: what }).max(LONGEST);
// No control characters: a line end inside a header or an FTP command would begin another.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
const CONTROL = /[\u0000-\u001f\u007f]/;
// What is stored has no place for them: it would be another name.
const WHOLE = 'without halves of surrogate pairs';
const plain = (what: string) =>
  text(what)
    .refine((value) => !CONTROL.test(value), { error: `${what}, without control characters` })
    .refine((value) => value.isWellFormed(), { error: `${what}, ${WHOLE}` });

const webUrl = plain('an http or https URL').refine((value) => /^https?:\/\/[^/]/i.test(value) && URL.canParse(value), {
  error: 'an http or https URL, such as https://example.com/film.mp4',
});
/** RFC 9110 §5.1. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** RFC 9110 §5.5: what is not Latin-1 cannot be sent. */
const HEADER_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
const headers = z
  .record(z.string(), z.string({ error: 'a header value' }).max(LONGEST))
  .superRefine((value, context) => {
    const refuse = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
    for (const [name, text] of Object.entries(value)) {
      if (!HEADER_NAME.test(name)) refuse(name, 'a header name: letters, digits and dashes, at most 100');
      else if (OWN_HEADERS.has(name.toLowerCase())) refuse(name, 'left out: the platform sets this header itself');
      if (!HEADER_VALUE.test(text)) refuse(name, 'a header value of Latin-1, without control characters');
    }
  })
  .default({});

/** The URL's own scheme decides: `kind: "http"` with an https URL is https. */
const webKind = (url: string): 'http' | 'https' => (/^https:/i.test(url) ? 'https' : 'http');

const web = z
  .strictObject({
    kind: z.literal(['http', 'https']),
    url: webUrl,
    headers,
    method: z.enum(['PUT', 'POST']).default('PUT'),
  })
  .transform(({ url, headers: sent, method }): Location => ({ kind: webKind(url), url, headers: sent, method }));

const s3 = z
  .strictObject({
    kind: z.literal('s3'),
    bucket: plain('the name of a bucket'),
    path: plain('the key of an object').transform((path) => path.replace(/^\/+/, '')),
    region: plain('a region').optional(),
    endpoint: webUrl.optional(),
    forcePathStyle: z.boolean().optional(),
    access_key_id: plain('an access key id').optional(),
    access_key_secret: plain('an access key secret').optional(),
    session_token: plain('a session token').optional(),
    acl: z
      .enum([
        'private',
        'public-read',
        'public-read-write',
        'authenticated-read',
        'aws-exec-read',
        'bucket-owner-read',
        'bucket-owner-full-control',
      ])
      .optional(),
  })
  .refine((value) => (value.access_key_id === undefined) === (value.access_key_secret === undefined), {
    error: 'access_key_id and access_key_secret go together',
    path: ['access_key_secret'],
  })
  .transform(
    (value): Location => ({
      kind: 's3',
      bucket: value.bucket,
      path: value.path,
      region: value.region ?? null,
      endpoint: value.endpoint ?? null,
      forcePathStyle: value.forcePathStyle ?? null,
      accessKeyId: value.access_key_id ?? null,
      accessKeySecret: value.access_key_secret ?? null,
      sessionToken: value.session_token ?? null,
      acl: value.acl ?? null,
    }),
  );

const ftp = z
  .strictObject({
    kind: z.literal(['ftp', 'ftps']),
    host: plain('a host name'),
    port: z.int().min(1).max(65535).default(21),
    user: plain('a user name').default('anonymous'),
    password: z
      .string()
      .max(LONGEST)
      .refine((value) => !CONTROL.test(value), { error: 'a password without control characters' })
      .refine((value) => value.isWellFormed(), { error: `a password ${WHOLE}` })
      .default(''),
    path: plain('a path'),
    secure: z.boolean().default(false),
  })
  .transform(({ kind, secure, ...rest }): Location => ({ ...rest, kind: secure ? 'ftps' : kind }));

const file = z
  .strictObject({ kind: z.literal('file'), path: plain('a path under FILE_ROOTS') })
  .transform((value): Location => value);

const upload = z
  .strictObject({ kind: z.literal('upload'), uploadId: z.uuid({ error: 'the id of an upload' }) })
  .transform((value): Location => value);

const inline = (maxBytes: number) =>
  z
    .strictObject({
      kind: z.literal('inline'),
      // Four letters carry three bytes; the rest is for line ends and a data: prefix.
      data: z.string({ error: 'base64' }).max(Math.ceil((maxBytes * 4) / 3) + Math.ceil(maxBytes / 40) + 256, {
        error: `base64 of at most ${maxBytes} bytes (MAX_INLINE_BYTES)`,
      }),
      filename: plain('a file name').optional(),
    })
    .transform(({ data, filename }): Location => ({ kind: 'inline', data, filename: filename ?? null }));

const oneOf = (kinds: readonly string[]) => ({
  error: ({ code }: { readonly code?: string | undefined }) =>
    `${code === 'invalid_union' ? '' : 'an object whose kind is '}one of ${kinds.join(', ')}`,
});

/** A source. @param maxInlineBytes MAX_INLINE_BYTES */
export const sourceSchema = (maxInlineBytes: number) =>
  z.discriminatedUnion('kind', [web, s3, ftp, file, upload, inline(maxInlineBytes)], oneOf(SOURCE_KINDS));

/** A destination; `managed` is the platform's own storage, the same as leaving it out. */
export const destinationSchema = z.discriminatedUnion(
  'kind',
  [web, s3, ftp, file, z.strictObject({ kind: z.literal('managed') }).transform((): null => null)],
  oneOf(DESTINATION_KINDS),
);
