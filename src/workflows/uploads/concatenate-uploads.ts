// Makes one upload of several partial ones of tus, each whole. Called by the tus routes.
import { changeUpload, type Upload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';
import { beginUpload, findOwnUpload, type UploadWish } from '#workflows/uploads/begin-upload.ts';

export type Concatenation = Omit<UploadWish, 'protocol' | 'size' | 'totalChunks' | 'chunkSize' | 'concatenates'> & {
  /** In their order. */
  readonly ids: readonly string[];
};

/** @throws PlatformError `not_found`, `conflict` where a part is not whole, `invalid_request` where one is none */
export async function concatenateUploads(platform: Platform, { ids, ...wish }: Concatenation): Promise<Upload> {
  let size = 0;
  for (const id of ids) {
    const part = await findOwnUpload(platform, { ...wish, id });
    if (!part.isPartial) throw new PlatformError('invalid_request', `Upload ${id} is no partial one`);
    if (part.received !== part.expectedSize)
      throw new PlatformError('conflict', `Part ${id} has ${part.received} of ${part.expectedSize ?? 'unknown'} bytes`);
    size += part.received;
  }
  const upload = await beginUpload(platform, {
    ...wish,
    protocol: 'tus',
    size,
    totalChunks: null,
    chunkSize: null,
    concatenates: ids,
  });
  await changeUpload(platform.database.db, { projectId: upload.projectId, id: upload.id }, { received: size });
  return { ...upload, received: size };
}
