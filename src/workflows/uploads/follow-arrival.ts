// Has somebody look after an upload again in a while: whether something of it can be encoded already. Called by begin-upload.ts and encode-arriving.ts.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import type { UploadRef } from '#database/upload-parts.ts';
import type { Platform } from '#workflows/platform.ts';

/** Seconds: an upload that is whole sooner needs nobody to look after it. */
const LEAST = 2;
const MOST = 60;

export async function followArrival(
  { queue }: Platform,
  { projectId, id }: UploadRef,
  { db, seconds }: { readonly db?: Kysely<Schema>; readonly seconds: number },
): Promise<void> {
  const startAfter = Math.min(MOST, Math.max(LEAST, Math.round(seconds)));
  const entry = { chore: 'encode-arriving', projectId, uploadId: id } as const;
  await queue.send('housekeeping', entry, { startAfter, ...(db ? { transaction: db } : {}) });
}
