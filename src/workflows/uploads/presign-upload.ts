// Uploads whose parts the client sends to S3 itself, by addresses signed for a while. Called by the presign routes.
import { v7 as uuidv7 } from 'uuid';
import type { Upload } from '#database/uploads.ts';
import { findUpload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import type { DirectUploads, UploadedPart } from '#storage/piecewise.ts';
import { uploadKey } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';
import { beginUpload, checkSame, type UploadWish } from '#workflows/uploads/begin-upload.ts';
import { checkOpen } from '#workflows/uploads/receive-chunk.ts';

/** Seconds that the address of a part lives. */
export const SIGNED_SECONDS = 3600;
/** S3's own limit. */
export const MOST_PARTS = 10_000;
/** bytes of every part but the last: S3's own limit as well */
export const LEAST_PART = 5 * 1024 ** 2;
const USUAL_PART = 8 * 1024 ** 2;

export type PresignWish = Omit<UploadWish, 'protocol' | 'totalChunks' | 'chunkSize' | 'multipartId'> & {
  readonly contentType: string | null;
  /** bytes; null takes what fits the size */
  readonly partSize: number | null;
};

/** @throws PlatformError `conflict` where the storage is no S3, `invalid_request`, and what beginUpload throws */
export async function presignUpload(
  platform: Platform,
  { contentType, partSize, ...wish }: PresignWish,
): Promise<Upload> {
  const direct = directOf(platform);
  const id = wish.grant?.uploadId ?? wish.id ?? uuidv7();
  const known = await findUpload(platform.database.db, { projectId: wish.projectId, id });
  const chunkSize = choosePartSize(wish.size, partSize);
  const totalChunks = wish.size === null ? null : Math.max(1, Math.ceil(wish.size / chunkSize));
  if (known) {
    checkSame(known, {
      protocol: 'presigned',
      totalChunks: wish.size === null ? known.totalChunks : totalChunks,
      size: wish.size,
    });
    return known;
  }
  const key = uploadKey(id);
  const multipartId = await direct.begin(key, contentType);
  try {
    return await beginUpload(platform, { ...wish, id, protocol: 'presigned', totalChunks, chunkSize, multipartId });
  } catch (error) {
    await direct.abort(key, multipartId);
    throw error;
  }
}

function choosePartSize(size: number | null, asked: number | null): number {
  const least = size === null ? LEAST_PART : Math.max(LEAST_PART, Math.ceil(size / MOST_PARTS));
  if (asked === null) return Math.max(USUAL_PART, least);
  if (asked >= least) return asked;
  const message = `at least ${least}`;
  throw new PlatformError('invalid_request', `part_size: ${message}`, { errors: [{ path: 'part_size', message }] });
}

/** The address that takes one part by PUT. Numbers begin with 1. @throws PlatformError `conflict`, `invalid_request` */
export async function signPart(platform: Platform, upload: Upload, number: number): Promise<string> {
  checkOpen(upload);
  const most = upload.totalChunks ?? MOST_PARTS;
  if (number < 1 || number > most) {
    const message = `1 to ${most}`;
    throw new PlatformError('invalid_request', `part_number: ${message}`, {
      errors: [{ path: 'part_number', message }],
    });
  }
  const part = { id: multipartOf(upload), number, seconds: SIGNED_SECONDS };
  return directOf(platform).sign(upload.storageKey, part);
}

/** What S3 has of it. */
export async function listDirectParts(platform: Platform, upload: Upload): Promise<UploadedPart[]> {
  return directOf(platform).parts(upload.storageKey, multipartOf(upload));
}

function directOf({ storage }: Platform): DirectUploads {
  if (storage.direct) return storage.direct;
  throw new PlatformError('conflict', 'The storage here is a folder: send chunks to /upload/chunk, or use tus');
}

function multipartOf({ id, multipartId }: Upload): string {
  if (multipartId !== null) return multipartId;
  throw new PlatformError('conflict', `Upload ${id} is not sent to S3 directly`);
}
