// An upload as its client sees it: what has come, what is missing. Used by the upload routes.
import { z } from 'zod';
import { listUploadParts } from '#database/upload-parts.ts';
import type { Upload } from '#database/uploads.ts';
import { chunkSizeOf, missingChunks, UPLOAD_PROTOCOLS, UPLOAD_STATUSES } from '#domain/upload.ts';
import type { Platform } from '#workflows/platform.ts';
import { listDirectParts } from '#workflows/uploads/presign-upload.ts';

export const uploadView = z.object({
  upload_id: z.string(),
  filename: z.string(),
  protocol: z.enum(UPLOAD_PROTOCOLS),
  status: z.enum(UPLOAD_STATUSES),
  size: z.int().nullable(),
  bytes_received: z.int(),
  total_chunks: z.int().nullable(),
  chunk_size: z.int().nullable(),
  received: z.array(z.int()),
  missing: z.array(z.int()),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  expires_at: z.iso.datetime(),
});

export async function showUpload(platform: Platform, upload: Upload): Promise<z.output<typeof uploadView>> {
  const { totalChunks, expectedSize, error } = upload;
  const isWhole = upload.status === 'received';
  const parts = await partsOf(platform, upload);
  const received = isWhole
    ? Array.from({ length: totalChunks ?? 0 }, (_, index) => index)
    : parts.map(({ index }) => index);
  const sum = upload.protocol !== 'tus' ? parts.reduce((bytes, part) => bytes + part.size, 0) : upload.received;
  return {
    upload_id: upload.id,
    filename: upload.filename,
    protocol: upload.protocol,
    status: upload.status,
    size: isWhole ? upload.size : expectedSize,
    bytes_received: isWhole ? upload.size : sum,
    total_chunks: totalChunks,
    chunk_size: totalChunks === null ? null : (upload.chunkSize ?? chunkSizeOf({ size: expectedSize, totalChunks })),
    received,
    missing: totalChunks === null ? [] : missingChunks(totalChunks, received),
    error: error && { code: error.code, message: error.message },
    expires_at: upload.expiresAt.toISOString(),
  };
}

async function partsOf(
  platform: Platform,
  upload: Upload,
): Promise<readonly { readonly index: number; readonly size: number }[]> {
  if (upload.status !== 'receiving' || upload.protocol !== 'presigned')
    return listUploadParts(platform.database.db, upload);
  const parts = await listDirectParts(platform, upload);
  return parts.map(({ number, size }) => ({ index: number - 1, size }));
}
