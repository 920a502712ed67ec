// What a client of the upload service does, and a film of any size. Used by the tests of uploads.
import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { uploadKey } from '#workflows/job-storage.ts';
import { makeFilm, type TestServer } from './open-server.ts';

/** A film with a box of noise behind it, which players skip: `bytes` in all. */
export async function bigFilm(folder: string, bytes: number): Promise<Buffer> {
  const film = Buffer.from(await makeFilm(folder, 2), 'base64');
  const noise = randomBytes(Math.max(8, bytes - film.length));
  noise.writeUInt32BE(noise.length, 0);
  noise.write('free', 4, 'latin1');
  return Buffer.concat([film, noise]);
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export type Init = { readonly upload_id: string; readonly chunk_size: number; readonly received: readonly number[] };

export async function init(server: TestServer, fields: Readonly<Record<string, unknown>>): Promise<Init> {
  const answer = await server.call('POST', '/upload/init', { body: { filename: 'film.mp4', ...fields } });
  if (answer.status !== 201) throw new Error(`init: ${answer.status} ${answer.text}`);
  return answer.body as Init;
}

export type Chunk = {
  readonly id: string;
  readonly index: number;
  readonly bytes: Uint8Array;
  /** The order of the form's parts. */
  readonly order?: readonly ('upload_id' | 'index' | 'file' | 'sha256')[];
  readonly sha256?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export async function sendChunk(
  base: string,
  { id, index, bytes, order = ['upload_id', 'index', 'file'], headers = {}, ...rest }: Chunk,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const form = new FormData();
  for (const name of rest.sha256 === undefined || order.includes('sha256') ? order : ['sha256' as const, ...order]) {
    if (name === 'upload_id') form.append(name, id);
    else if (name === 'index') form.append(name, String(index));
    else if (name === 'sha256') form.append(name, rest.sha256 ?? '');
    else form.append('file', new Blob([new Uint8Array(bytes)]), 'blob');
  }
  const response = await fetch(`${base}/upload/chunk`, { method: 'POST', body: form, headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** In pieces of these lengths; the last takes the rest. */
export function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  pieces.push(bytes.subarray(at));
  return pieces;
}

/** `count` pieces of equal length, the last one shorter. */
export function evenly(bytes: Buffer, count: number): Buffer[] {
  const length = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * length, (index + 1) * length));
}

/** What managed storage has as the original of a video. */
export const storedOriginal = async ({ platform }: TestServer, id: string): Promise<Buffer> =>
  buffer(await platform.storage.read(uploadKey(id)));

/** Everything that lies below an upload. */
export async function storedKeys({ platform }: TestServer, prefix = 'uploads/'): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of platform.storage.list(prefix)) keys.push(key);
  return keys.sort();
}
