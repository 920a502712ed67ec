// Encodes what has come of an upload while the rest arrives, as long as nothing else waits: the job of its video begins, and is given one chunk after another. Called by the queue, again and again until the upload ends.
import { findNextChunk } from '#database/arriving-tasks.ts';
import { findJob, lockJob } from '#database/jobs.ts';
import type { ReadyTask } from '#database/tasks.ts';
import { findUpload, lockUpload, type Upload } from '#database/uploads.ts';
import { findVideo } from '#database/videos.ts';
import type { Job } from '#domain/job.ts';
import type { Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { mainJob, type Video } from '#domain/video.ts';
import { type ArrivingSource, openArriving } from '#media/arriving-source.ts';
import { frameTime, ONE_CHUNK_SECONDS } from '#media/grid.ts';
import { growsFromFront } from '#media/growing-source.ts';
import { probeArriving } from '#media/probe.ts';
import type { MediaInput } from '#media/tool.ts';
import type { Platform } from '#workflows/platform.ts';
import { sendTask } from '#workflows/send-tasks.ts';
import { findArrived } from '#workflows/uploads/arrived-object.ts';
import { growJob, lookAtGrowing } from '#workflows/uploads/encode-growing.ts';
import { followArrival } from '#workflows/uploads/follow-arrival.ts';
import { growingKey } from '#workflows/uploads/upload-storage.ts';
import { submitVideo } from '#workflows/videos/submit-video.ts';

/** Seconds of film behind a chunk that must have come too: decoders read ahead of what they show. */
const AHEAD = 2;
/** Seconds behind a chunk at a keyframe: which one ends a segment is decided by the next. */
const GROUP = 10;
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
  const { database, ranges, storage } = platform;
  const video = await findVideo(database.db, upload, platform.sealer);
  if (!video?.transcode || video.stopped) return;
  const { store, key, size: arrived } = await findArrived(platform, upload);
  if (arrived === 0 || !(await isIdle(platform))) return;
  const path = storage.localPath(key);
  const served = path === null ? ranges.serve(store, key, { size: arrived }) : null;
  try {
    const input: MediaInput = served ? { kind: 'loopback', url: served.url } : { kind: 'file', path: path ?? '' };
    await using indexed = await openArriving(input, arrived);
    const arriving = { upload, video, input, arrived };
    if (indexed) await advance(platform, arriving, byIndex(platform, indexed, arriving));
    // Looking reads all that has come, again and again: that is for files on a disk.
    else if (path !== null && (await growsFromFront(input, arrived)))
      await advance(platform, arriving, byLooking(platform, arriving));
  } finally {
    served?.close();
  }
}

type Arriving = {
  readonly upload: Upload;
  readonly video: Video;
  readonly input: MediaInput;
  /** bytes from the beginning */
  readonly arrived: number;
};

/** How a kind of file tells what it is and how far it reaches. */
type Arrival = {
  /** Null where it is not known yet, or not so much has come as the first chunk needs. */
  examine(): Promise<SourceFacts | null>;
  /** Whether all pictures of a chunk have come. */
  reaches(facts: SourceFacts, chunk: Chunk): boolean;
  /** Has a job take in how much more has come; false where that changes nothing. */
  grow(job: Job): Promise<boolean>;
};

function byIndex({ tool, limits }: Platform, source: ArrivingSource, { input, arrived }: Arriving): Arrival {
  return {
    examine: async () => (arrived < source.bytesUntil(FIRST) ? null : probeArriving({ tool, limits, input }, source)),
    reaches: (_, { end }) => arrived >= source.bytesUntil(end + AHEAD),
    grow: async () => false,
  };
}

function byLooking(platform: Platform, arriving: Arriving): Arrival {
  return {
    examine: async () => {
      const facts = await lookAtGrowing(platform, arriving);
      return facts?.video && facts.video.endTime - facts.startTime >= FIRST + AHEAD ? facts : null;
    },
    reaches: ({ video }, { end, isGrouped }) =>
      video !== null && video.endTime >= end + (isGrouped ? AHEAD + GROUP : AHEAD),
    grow: (job) => growJob(platform, job, arriving),
  };
}

async function isIdle({ queue }: Platform): Promise<boolean> {
  const { run, encode } = await queue.counts();
  return run.waiting === 0 && encode.waiting === 0;
}

async function advance(platform: Platform, arriving: Arriving, arrival: Arrival): Promise<void> {
  if (!mainJob(arriving.video)) return begin(platform, arriving, arrival);
  const next = await findNext(platform, arriving.video);
  if (!next) return;
  if (next.chunk && arrival.reaches(next.facts, next.chunk)) return sendNext(platform, next.job, next.chunk);
  const hasChunks = next.job.plan?.tasks.some(({ kind }) => kind === 'chunk');
  if (!hasChunks || !(await arrival.grow(next.job))) return;
  const grown = await findNext(platform, arriving.video);
  if (grown?.chunk && arrival.reaches(grown.facts, grown.chunk)) await sendNext(platform, grown.job, grown.chunk);
}

async function begin(platform: Platform, { upload, video, arrived }: Arriving, arrival: Arrival): Promise<void> {
  const facts = await arrival.examine();
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
      return (await findArrived(platform, now, db)).size >= arrived;
    },
  });
}

type Chunk = {
  readonly plan: Plan;
  readonly task: ReadyTask;
  /** seconds on the source's own clock */
  readonly end: number;
  /** Its segments follow the source's own keyframes. */
  readonly isGrouped: boolean;
};
type Next = {
  readonly job: Job;
  readonly facts: SourceFacts;
  /** Null where only the last one is left, which ends with the film. */
  readonly chunk: Chunk | null;
};

async function findNext(platform: Platform, video: Video): Promise<Next | null> {
  const { db } = platform.database;
  const ref = { projectId: video.projectId, jobId: mainJob(video)?.jobId ?? 0 };
  const job = await findJob(db, ref, platform.sealer);
  if (job?.status !== 'processing' || job.arrival !== 'arriving' || !job.plan || !job.facts) return null;
  const { plan, facts } = job;
  const task = await findNextChunk(db, ref);
  const timeline = plan.timelines[task?.subject ?? 0];
  const chunk = timeline?.chunks[task?.index ?? 0];
  if (!task || !timeline || !chunk || chunk.index === timeline.chunks.length - 1) return { job, facts, chunk: null };
  const end = timeline.sourceStart - timeline.videoShift + frameTime(chunk.endFrame, timeline.fps);
  return { job, facts, chunk: { plan, task, end, isGrouped: timeline.keyframes !== null } };
}

async function sendNext(platform: Platform, job: Job, { plan, task }: Chunk): Promise<void> {
  await platform.database.db.transaction().execute(async (transaction) => {
    const locked = await lockJob(transaction, { projectId: job.projectId, jobId: job.id });
    if (locked?.status === 'processing' && locked.arrival === 'arriving')
      await sendTask(platform, transaction, { job, plan, task });
  });
}
