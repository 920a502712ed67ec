// Sends one stored file or generated text: type, ETag, ranges, caching; small objects from memory. Used by the routes that serve outputs.
import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BufferCache, LARGEST_KEPT } from '#api/buffer-cache.ts';
import { BufferPool } from '#api/buffer-pool.ts';
import { parseRange } from '#api/byte-range.ts';
import type { AnswerHeaders } from '#api/hot-answers.ts';
import type { Platform } from '#workflows/platform.ts';
import { bytesOf, fillFromDisk } from '#workflows/read-bytes.ts';
import type { ServedFile } from '#workflows/read-package.ts';

/** Bytes of hot segments kept in memory. */
const CACHE_BYTES = 64 * 1024 ** 2;
/** Bytes read at once from local disk. */
const STREAM_BUFFER = 1024 ** 2;
/** Bytes up to which an object is kept the first time: what every player asks for, like init segments. */
const SMALL = 64 * 1024;
const YEAR = 31_536_000;
const keepFor = (seconds = YEAR): string => `public, max-age=${seconds}, immutable`;
const FRESH = 'no-cache';

export type Sending = {
  readonly file: ServedFile;
  /** What a download is called; null where the URL's own name does. */
  readonly filename: string | null;
  /** Seconds that a segment's address surely means the same; left out, for ever. */
  readonly lifetime?: number;
  /** Asks the browser to save it instead of showing it. */
  readonly download: boolean;
  /** Told of a whole answer that is sent from memory. */
  readonly onWhole?: (headers: AnswerHeaders, body: Buffer) => void;
};
export type FileSender = (request: FastifyRequest, reply: FastifyReply, sending: Sending) => Promise<FastifyReply>;

/** What it answers beside the whole file, for the schema of a route. */
export const FILE_ANSWERS = {
  206: z.null().describe('The range that was asked for'),
  304: z.null().describe('Not changed since: If-None-Match'),
  416: z.null().describe('There is no such range; Content-Range says how long it is'),
} as const;

const digest = (text: string): string => hash('sha256', text, 'base64url').slice(0, 22);

export function createFileSender(platform: Platform): FileSender {
  const tools: Tools = { cache: new BufferCache(CACHE_BYTES), pool: new BufferPool() };
  return async (request, reply, { file, filename, lifetime, download, onWhole }) => {
    reply.header('X-Content-Type-Options', 'nosniff').header('Vary', 'Origin').header('Accept-Ranges', 'bytes');
    // Stored objects never change under their key; a name in a job may get another key when it is retried.
    const etag = `"${digest(file.kind === 'text' ? file.text : `${file.key} ${file.size}`)}"`;
    reply.header('ETag', etag);
    reply.header('Cache-Control', file.kind !== 'text' && isSegment(file.name) ? keepFor(lifetime) : FRESH);
    if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send();
    reply.type(withCharset(file.mediaType));
    if (filename !== null || download) reply.header('Content-Disposition', disposition(filename, download));
    const size = await sizeOf(tools.cache, file);
    const { 'if-range': ifRange, range: asked } = request.headers;
    const range = ifRange === undefined || ifRange === etag ? parseRange(asked, size) : null;
    if (range === 'unsatisfiable') return reply.code(416).header('Content-Range', `bytes */${size}`).send();
    const { start, end } = range ?? { start: 0, end: size - 1 };
    if (range) reply.code(206).header('Content-Range', `bytes ${start}-${end}/${size}`);
    reply.header('Content-Length', String(end - start + 1));
    if (request.method === 'HEAD') return reply.send();
    const passing = await readPassing(platform, tools, { file, start, end });
    if (passing) {
      // Until then the socket may send from it, also when the client has gone. Of one that went before, it is left to the garbage.
      reply.raw.once('close', () => tools.pool.give(passing));
      return reply.send(passing.subarray(0, end - start + 1));
    }
    const body = await bodyOf(platform, tools.cache, { file, start, end });
    if (!range && Buffer.isBuffer(body)) onWhole?.(reply.getHeaders(), body);
    return reply.send(body);
  };
}

async function sizeOf(cache: BufferCache, file: ServedFile): Promise<number> {
  if (file.kind === 'text') return Buffer.byteLength(file.text);
  if (file.kind !== 'made') return file.size;
  return file.size ?? (await cache.get(file.key, file.make)).length;
}

type Tools = { readonly cache: BufferCache; readonly pool: BufferPool };
type Wanted = { readonly file: ServedFile; readonly start: number; readonly end: number };

async function bodyOf(
  platform: Platform,
  cache: BufferCache,
  { file, start, end }: Wanted,
): Promise<Buffer | Readable> {
  if (file.kind === 'text') return Buffer.from(file.text).subarray(start, end + 1);
  if (file.kind === 'local') return createReadStream(file.path, { start, end, highWaterMark: STREAM_BUFFER });
  if (file.kind === 'made') return (await cache.get(file.key, file.make)).subarray(start, end + 1);
  const { storage } = platform;
  if (file.size > LARGEST_KEPT) return storage.read(file.key, { start, end });
  const whole = await cache.get(file.key, () => bytesOf(platform, file));
  return whole.subarray(start, end + 1);
}

/**
 * What is on this machine's disk and was not asked for lately, in a buffer of the pool; null where it is to be kept, or lies elsewhere. An
 * empty object, or one that is not as it was stored, goes the usual way.
 */
async function readPassing(
  { storage }: Platform,
  { cache, pool }: Tools,
  { file, start, end }: Wanted,
): Promise<Buffer | null> {
  if (file.kind !== 'object' || file.size <= SMALL || file.size > LARGEST_KEPT) return null;
  if (storage.kind !== 'disk' || cache.isWanted(file.key, file.size)) return null;
  const length = end - start + 1;
  const bytes = pool.take(length);
  const isFilled = await fillFromDisk(storage, file, { into: bytes.subarray(0, length), start });
  if (isFilled) return bytes;
  pool.give(bytes);
  return null;
}

const isSegment = (name: string): boolean => /\.(m4s|ts)$/.test(name) || /^init[^/]*\.mp4$/.test(name);

const withCharset = (mediaType: string): string =>
  mediaType.startsWith('text/') ? `${mediaType}; charset=utf-8` : mediaType;

/** If-None-Match (RFC 9110 §13.1.2): a list, or a star. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
}

/** RFC 6266: a plain name for the old, the real one in UTF-8. */
function disposition(filename: string | null, download: boolean): string {
  const kind = download ? 'attachment' : 'inline';
  if (filename === null) return kind;
  const plain = filename.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(filename.toWellFormed()).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)}`;
}
