// Takes the file of an operation in: its row first, then its bytes, straight into managed storage, within its kind's limit. Called by the operations API.
import { Readable } from 'node:stream';
import { v7 as uuidv7 } from 'uuid';
import type { Config } from '#config/settings.ts';
import { deleteUpload, findUpload, insertUpload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import { safeFileName } from '#domain/operation.ts';
import type { MediaType } from '#domain/operations/definition.ts';
import { type Content, HEAD_BYTES, sniffContent } from '#media/sniff.ts';
import { limitBytes } from '#workflows/fetch-source.ts';
import type { Platform } from '#workflows/platform.ts';

/** Hours after which a file goes that no operation was made of: the process died in between. */
const KEPT_HOURS = 24;

const SIZE_SETTINGS = {
  video: 'MAX_VIDEO_BYTES',
  image: 'MAX_IMAGE_BYTES',
  audio: 'MAX_AUDIO_BYTES',
} as const satisfies Readonly<Record<MediaType, keyof Config>>;

export const sizeLimits = (config: Config): Readonly<Record<MediaType, number>> => ({
  video: config.MAX_VIDEO_BYTES,
  image: config.MAX_IMAGE_BYTES,
  audio: config.MAX_AUDIO_BYTES,
});

export type IncomingFile = {
  readonly projectId: string;
  readonly filename: string;
  readonly body: Readable;
  /** Whose limit it has; null where the operation is not known yet, because the file was sent first. */
  readonly mediaType: MediaType | null;
  /** Asked when the body has ended: true where it was cut at a limit of the HTTP layer. */
  readonly isTruncated?: () => boolean;
};

/** Stored, and owned by a row of `upload` until an operation takes it over. */
export type ReceivedFile = {
  readonly projectId: string;
  readonly id: string;
  readonly storageKey: string;
  readonly filename: string;
  /** bytes */
  readonly size: number;
};

/**
 * What is surely no media is refused by its first bytes, what is too large by the first byte too many; then nothing is left of it.
 * @throws PlatformError `not_media`, `too_large`, `empty_source`, `storage_failed`
 */
export async function receiveFile(platform: Platform, incoming: IncomingFile): Promise<ReceivedFile> {
  const { config, storage, database } = platform;
  const { projectId, mediaType } = incoming;
  const { head, body } = await peek(incoming.body);
  if (head.length === 0) throw new PlatformError('empty_source', 'The file is empty: it has no bytes');
  const content = sniffContent(head, Number.MAX_SAFE_INTEGER);
  if (content.kind === 'foreign') throw new PlatformError('not_media', `The file is ${content.what}.`);
  const id = uuidv7();
  const storageKey = `operations/${id}/input`;
  const filename = safeFileName(incoming.filename);
  await insertUpload(database.db, {
    id,
    projectId,
    filename,
    storageKey,
    expiresAt: new Date(Date.now() + KEPT_HOURS * 3_600_000),
  });
  const received = { projectId, id, storageKey, filename };
  const type = mediaType ?? likelyType(content, config);
  try {
    const size = await storage.write(
      storageKey,
      limitBytes(body, config[SIZE_SETTINGS[type]], () => tooLarge(config, type)),
    );
    if (incoming.isTruncated?.()) throw tooLarge(config, type);
    return { ...received, size };
  } catch (error) {
    await dropFile(platform, received);
    throw error;
  }
}

/** @throws PlatformError `too_large` where the file came before it was known what for */
export function checkSize(config: Config, { size }: Pick<ReceivedFile, 'size'>, type: MediaType): void {
  if (size > config[SIZE_SETTINGS[type]]) throw tooLarge(config, type);
}

function tooLarge(config: Config, type: MediaType): PlatformError {
  const message = `at most ${config[SIZE_SETTINGS[type]]} bytes (${SIZE_SETTINGS[type]})`;
  return new PlatformError('too_large', `The file is too large: ${type} files have ${message}`, {
    errors: [{ path: 'file', message }],
  });
}

/** Before the operation is known: pictures are known by their first bytes, the rest may be films or sound. */
function likelyType(content: Content, config: Config): MediaType {
  if (content.kind === 'still' || (content.kind === 'media' && ['GIF', 'APNG'].includes(content.what))) return 'image';
  return config.MAX_AUDIO_BYTES > config.MAX_VIDEO_BYTES ? 'audio' : 'video';
}

/** The first bytes, and a stream that still has them. */
async function peek(body: Readable): Promise<{ readonly head: Buffer; readonly body: Readable }> {
  const chunks: Buffer[] = [];
  const source = body.iterator({ destroyOnReturn: false });
  let bytes = 0;
  while (bytes < HEAD_BYTES) {
    const { value, done } = (await source.next()) as IteratorResult<Buffer, undefined>;
    if (done || value === undefined) break;
    chunks.push(value);
    bytes += value.length;
  }
  const head = Buffer.concat(chunks).subarray(0, HEAD_BYTES);
  async function* all() {
    yield* chunks;
    yield* source;
  }
  return { head, body: Readable.from(all(), { objectMode: false, highWaterMark: 1 << 20 }) };
}

/** Takes back a file of which no operation was made; one that an operation owns by now is left alone. */
export async function dropFile(
  { storage, database }: Platform,
  { projectId, id, storageKey }: Pick<ReceivedFile, 'projectId' | 'id' | 'storageKey'>,
): Promise<void> {
  // A commit may have succeeded although its answer never came.
  if (!(await findUpload(database.db, { projectId, id }))) return;
  await storage.remove(storageKey);
  await deleteUpload(database.db, { projectId, id });
}
