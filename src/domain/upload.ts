// Uploads: how they come and how far they are, what a client asks for, what a token allows, and where a chunk belongs. Pure.
import { PlatformError } from '#domain/error.ts';
import type { Encryption, PlaybackPolicy } from '#domain/video.ts';

/** finishing: all is there and is being joined and checked. */
export const UPLOAD_STATUSES = ['receiving', 'finishing', 'received', 'failed'] as const;
export type UploadStatus = (typeof UPLOAD_STATUSES)[number];
export const UPLOAD_PROTOCOLS = ['request', 'chunks', 'tus', 'presigned'] as const;
export type UploadProtocol = (typeof UPLOAD_PROTOCOLS)[number];

/** What an upload token lets its bearer do: make the one upload of this id. */
export type UploadGrant = {
  readonly projectId: string;
  readonly uploadId: string;
  readonly maxBytes: number;
  /** seconds since 1970 */
  readonly expiresAt: number;
};

/** What a client says about the video that its upload becomes. */
export type VideoWish = {
  readonly title: string | null;
  readonly description: string;
  readonly tags: readonly string[];
  readonly qualities: readonly string[] | null;
  readonly transcode: boolean;
  readonly playbackPolicy: PlaybackPolicy;
  readonly encryption: Encryption;
  readonly posterTime: number | null;
  readonly notificationUrl: string | null;
};

/** Chunks of one upload at the most. */
export const MOST_CHUNKS = 100_000;
/** bytes of a chunk where the client says nothing of the size */
const USUAL_CHUNK = 8 * 1024 ** 2;

/** bytes that each chunk but the last should have */
export function chunkSizeOf({
  size,
  totalChunks,
}: {
  readonly size: number | null;
  readonly totalChunks: number;
}): number {
  return size === null ? USUAL_CHUNK : Math.max(1, Math.ceil(size / totalChunks));
}

/** Indexes from 0 that have not come. */
export function missingChunks(totalChunks: number, received: readonly number[]): number[] {
  const have = new Set(received);
  return Array.from({ length: totalChunks }, (_, index) => index).filter((index) => !have.has(index));
}

/** `0-3, 7`: short enough for a message. */
export function describeChunks(indexes: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const index of indexes) {
    const run = runs.at(-1);
    if (run && run[1] === index - 1) run[1] = index;
    else runs.push([index, index]);
  }
  const shown = runs.slice(0, 20).map(([first, last]) => (first === last ? String(first) : `${first}-${last}`));
  return `${shown.join(', ')}${runs.length > shown.length ? ', …' : ''}`;
}

/** Whether chunks laid one after another are at index · chunkSize each: then nothing has to be joined. */
export function isRegular(sizes: readonly number[], chunkSize: number | null): boolean {
  return sizes.length <= 1 || (chunkSize !== null && sizes.slice(0, -1).every((size) => size === chunkSize));
}

type ArrivedPart = { readonly index: number; readonly size: number; readonly storageKey: string | null };

/** Bytes from the beginning that lie in their places in the growing file, without a gap. @param parts in their order */
export function arrivedBytes(
  {
    protocol,
    received,
    chunkSize,
  }: { readonly protocol: string; readonly received: number; readonly chunkSize: number | null },
  parts: readonly ArrivedPart[],
): number {
  if (protocol === 'tus') return received;
  let bytes = 0;
  for (const [place, { index, size, storageKey }] of parts.entries()) {
    if (index !== place || storageKey !== null) break;
    bytes += size;
    if (size !== chunkSize) break;
  }
  return bytes;
}

/** Pieces from the beginning without a gap, where each is an object of its own. @param parts in their order */
export function arrivedPieces(parts: readonly ArrivedPart[]): { readonly key: string; readonly size: number }[] {
  const pieces: { readonly key: string; readonly size: number }[] = [];
  for (const [place, { index, size, storageKey: key }] of parts.entries()) {
    if (index !== place || key === null) break;
    pieces.push({ key, size });
  }
  return pieces;
}

/** The last part of a path that a browser or a phone gives as the name; never a path, never empty. */
export function plainFilename(name: string): string {
  const last = name.split(/[\\/]/).at(-1)?.trim() ?? '';
  // Control characters, and those that turn the direction of what is behind them: `gpj.exe` would read as `exe.jpg`.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is dropped.
  const plain = last.replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, '').slice(0, 255);
  return plain === '' || plain === '.' || plain === '..' ? 'upload' : plain;
}

/** SHA-256 as hex, from hex or base64. @throws PlatformError `invalid_request` */
export function readSha256(text: string, path = 'sha256'): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length === 32) return bytes.toString('hex');
  }
  const message = '64 hex digits, or the same 32 bytes as base64';
  throw new PlatformError('invalid_request', `${path}: ${message}`, { errors: [{ path, message }] });
}
