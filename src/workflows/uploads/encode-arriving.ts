// Encodes what has come of an upload while the rest arrives, as long as nothing else waits: the job of its video begins, and is given one chunk after another. Called by the queue, again and again until the upload ends.
import { findNextChunk } from '#database/arriving-tasks.ts';
import { findJob, lockJob } from '#database/jobs.ts';
import { listUploadParts } from '#database/upload-parts.ts';
import { findUpload, lockUpload, type Upload } from '#database/uploads.ts';
import { findVideo } from '#database/videos.ts';
import { arrivedBytes } from '#domain/upload.ts';
import { mainJob, type Video } from '#domain/video.ts';
import { type ArrivingSource, openArriving } from '#media/arriving-source.ts';
import { frameTime, ONE_CHUNK_SECONDS } from '#media/grid.ts';
import { probeArriving } from '#media/probe.ts';
import type { Platform } from '#workflows/platform.ts';
import { sendTask } from '#workflows/send-tasks.ts';
import { followArrival } from '#workflows/uploads/follow-arrival.ts';
import { growingKey } from '#workflows/uploads/upload-storage.ts';
import { submitVideo } from '#workflows/videos/submit-video.ts';

/** Seconds of film behind a chunk that must have come too: decoders read ahead of what they show. */
const AHEAD = 2;
/** Seconds of film that the first chunk needs: see makeChunks. */
const FIRST = 14;

export async function encodeArriving(
  platform: Platform,
  { projectId, uploadId }: { readonly projectId: string; readonly uploadId: string },
): Promise<void> {
  const ref = { projectId, id: uploadId };
  const upload = await findUpload(platform.database.db, ref);
  if (upload?.status !== 'receiving') return;
  try {
    await goOn(platform, upload);
  } catch (error) {
    // Nothing depends on it: what cannot be begun now is done when the file is whole.
    platform.log.warn({ err: error, uploadId }, 'nothing was encoded of what has come of an upload');
  }
  // The longer nothing came, the less often it is looked after.
  const idle = platform.config.UPLOAD_EXPIRY_HOURS * 3600 - (upload.expiresAt.getTime() - Date.now()) / 1000;
  await followArrival(platform, ref, { seconds: idle / 4 });
}

async function goOn(platform: Platform, upload: Upload): Promise<void> {
  const { database, storage } = platform;
  const path = storage.localPath(growingKey(upload.id));
  const video = await findVideo(database.db, upload, platform.sealer);
  if (path === null || !video?.transcode || video.stopped) return;
  const arrived = arrivedBytes(upload, await listUploadParts(database.db, upload));
  if (arrived === 0 || !(await isIdle(platform))) return;
  await using source = await openArriving({ kind: 'file', path }, arrived);
  if (!source) return;
  const arriving = { upload, video, arrived, source, path };
  if (mainJob(video)) await sendNext(platform, arriving);
  else await begin(platform, arriving);
}

type Arriving = {
  readonly upload: Upload;
  readonly video: Video;
  /** bytes from the beginning */
  readonly arrived: number;
  readonly source: ArrivingSource;
  readonly path: string;
};

async function isIdle({ queue }: Platform): Promise<boolean> {
  const { run, encode } = await queue.counts();
  return run.waiting === 0 && encode.waiting === 0;
}

async function begin(platform: Platform, { upload, video, arrived, source, path }: Arriving): Promise<void> {
  if (arrived < source.bytesUntil(FIRST)) return;
  const { tool, limits } = platform;
  const options = { tool, limits, input: { kind: 'file', path } as const };
  const facts = await probeArriving(options, source);
  // A short film is one chunk, and that needs its end.
  if (!facts?.video || facts.duration <= ONE_CHUNK_SECONDS) return;
  await submitVideo(platform, {
    video,
    storageKey: upload.storageKey,
    qualities: video.qualities,
    isFurther: false,
    facts,
    arrivingKey: growingKey(upload.id),
    alongside: async (db) => {
      // With both rows locked: from here on whoever ends, changes or gives up the upload sees the job.
      const now = await lockUpload(db, upload);
      const then = await findVideo(db, video, platform.sealer);
      if (now?.status !== 'receiving' || !then || then.stopped || mainJob(then)) return false;
      return arrivedBytes(now, await listUploadParts(db, now)) >= arrived;
    },
  });
}

async function sendNext(platform: Platform, { video, arrived, source }: Arriving): Promise<void> {
  const { db } = platform.database;
  const ref = { projectId: video.projectId, jobId: mainJob(video)?.jobId ?? 0 };
  const job = await findJob(db, ref, platform.sealer);
  if (job?.status !== 'processing' || job.arrival !== 'arriving' || !job.plan) return;
  const { plan } = job;
  const task = await findNextChunk(db, ref);
  const timeline = plan.timelines[task?.subject ?? 0];
  const chunk = timeline?.chunks[task?.index ?? 0];
  // The last one ends with the film.
  if (!task || !timeline || !chunk || chunk.index === timeline.chunks.length - 1) return;
  const end = timeline.sourceStart - timeline.videoShift + frameTime(chunk.endFrame, timeline.fps);
  if (arrived < source.bytesUntil(end + AHEAD)) return;
  await db.transaction().execute(async (transaction) => {
    const locked = await lockJob(transaction, ref);
    if (locked?.status === 'processing' && locked.arrival === 'arriving')
      await sendTask(platform, transaction, { job, plan, task });
  });
}
