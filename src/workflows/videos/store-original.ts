// The original of a video is whole and good: the video has it from now on, and its job waits, in one transaction. Called by finish-upload.ts.
import type { Kysely } from 'kysely';
import type { Schema } from '#database/schema.ts';
import { changeUpload, type Upload } from '#database/uploads.ts';
import { changeVideo, findVideo, lockVideo } from '#database/videos.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import type { Platform } from '#workflows/platform.ts';
import { completeArrival } from '#workflows/videos/complete-arrival.ts';
import { recordVideoEvent } from '#workflows/videos/record-video-event.ts';
import { submitVideo } from '#workflows/videos/submit-video.ts';

export type WholeUpload = {
  readonly upload: Upload;
  /** bytes */
  readonly size: number;
  readonly facts: SourceFacts | null;
};

export async function storeOriginal(platform: Platform, { upload, size, facts }: WholeUpload): Promise<void> {
  const { db } = platform.database;
  const ref = { projectId: upload.projectId, id: upload.id };
  const video = upload.isVideo ? await findVideo(db, ref, platform.sealer) : null;
  /** False where somebody else was quicker. */
  const settle = async (transaction: Kysely<Schema>): Promise<boolean> => {
    const mine = await changeUpload(
      transaction,
      { ...ref, status: 'finishing' },
      { status: 'received', size, error: null },
    );
    if (!mine || !video) return mine;
    await changeVideo(transaction, ref, { size, storageKey: upload.storageKey, error: null });
    await recordVideoEvent(platform, transaction, { ref, type: 'video.uploaded', data: { size } });
    return true;
  };
  // It may have begun while the file arrived; also one that was stopped since then goes on from there.
  if (video && facts && (await completeArrival(platform, { video, storageKey: upload.storageKey, facts, settle })))
    return;
  if (video?.transcode && !video.stopped) {
    await submitVideo(platform, {
      video,
      storageKey: upload.storageKey,
      qualities: video.qualities,
      isFurther: false,
      facts,
      alongside: settle,
    });
    return;
  }
  await db.transaction().execute(async (transaction) => {
    if (video) await lockVideo(transaction, ref);
    await settle(transaction);
  });
}
