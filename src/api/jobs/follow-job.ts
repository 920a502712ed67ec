// One job as it goes on: `status`, `progress` and `log` events. Used by GET /jobs/:id/events.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiContext } from '#api/context.ts';
import { EventStream, follow } from '#api/event-stream.ts';
import { followEvents } from '#api/system/event-routes.ts';
import { findLastEventId } from '#database/events.ts';
import { listJobLogAfter } from '#database/job-log.ts';
import { findJob, type JobRef } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { PlatformError } from '#domain/error.ts';
import { isFinished, type Job } from '#domain/job.ts';
import { JOB_PROGRESS, type JobProgressNote } from '#workflows/notification-channels.ts';

/** Lines of the past that a follower is shown, and lines sent at once. */
const LOG_LINES = 500;
/** Log lines are written twice a second and announced by nobody. */
const LOG_MS = 1000;

type Following = { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly job: Job };

/**
 * Sends the present state, then what changes, until the client leaves or the job is deleted.
 * @throws PlatformError `not_found` where it was deleted before it could be followed
 */
export async function followJob(context: ApiContext, { request, reply, job }: Following): Promise<void> {
  const { db } = context.platform.database;
  const ref = { projectId: job.projectId, jobId: job.id };
  const lastSeen = Number(request.headers['last-event-id']);
  // First where the events stand, then the state: what changes in between is told twice rather than never.
  const after = lastSeen > 0 && Number.isSafeInteger(lastSeen) ? lastSeen : await findLastEventId(db, job.projectId);
  const now = await findJob(db, ref, context.platform.showing);
  if (!now) throw new PlatformError('not_found', `Job ${job.id} was deleted just now`);
  const { id, uuid, status, progress, speed, etaSeconds, error } = now;
  const stream = new EventStream(reply, context.streams);
  stream.send({ event: 'status', data: { id, uuid, status, error } });
  stream.send({
    event: 'progress',
    data: { progress, speed, etaSeconds, outputs: await outputProgress(context, ref) },
  });
  await Promise.all([followEvents(context, stream, { ...ref, after }), followProgress(context, stream, ref)]);
  followLog(context, stream, { ...ref, isOver: isFinished(status) });
}

async function outputProgress({ platform }: ApiContext, ref: JobRef) {
  const outputs = await listOutputs(platform.database.db, ref, platform.showing);
  return outputs.map(({ index, status, progress }) => ({ index, status, progress }));
}

function followProgress(context: ApiContext, stream: EventStream, ref: JobRef): Promise<void> {
  let latest: Omit<JobProgressNote, keyof JobRef> | null = null;
  return follow(context.platform, stream, {
    channels: [JOB_PROGRESS],
    hear: (note) => {
      if (note === null || !('progress' in note) || note.jobId !== ref.jobId || note.projectId !== ref.projectId)
        return false;
      const { progress, speed, etaSeconds, stage } = note;
      latest = { progress, speed, etaSeconds, stage };
      return true;
    },
    tell: async () => {
      const outputs = await outputProgress(context, ref);
      if (latest) stream.send({ event: 'progress', data: { ...latest, outputs } });
    },
  });
}

function followLog(
  { platform }: ApiContext,
  stream: EventStream,
  { isOver, ...ref }: JobRef & { readonly isOver: boolean },
): void {
  let after: number | null = null;
  let reading = false;
  const read = async () => {
    if (reading || stream.signal.aborted) return;
    reading = true;
    try {
      const { lines, last } = await listJobLogAfter(platform.database.db, { ...ref, after, limit: LOG_LINES });
      after = last;
      for (const { at, task, line } of lines) stream.send({ event: 'log', data: { at, task, line } });
    } catch (error) {
      platform.log.warn({ err: error }, 'log stream failed');
      stream.end();
    } finally {
      reading = false;
    }
  };
  // The client may have left while the rest was prepared: then nothing would ever end the timer.
  if (stream.signal.aborted) return;
  void read();
  // A finished job's log grows no more, but it may be retried: then the page asks again.
  const timer = isOver ? undefined : setInterval(() => void read(), LOG_MS);
  stream.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
