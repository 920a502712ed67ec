// How long all the work of one operation may take, whatever it is made of. Used by run-task.ts.
import type { Config } from '#config/settings.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job, JobLane } from '#domain/job.ts';
import type { Task } from '#domain/task.ts';

const SETTING = {
  'operation-video': 'OPERATION_VIDEO_TIME_LIMIT',
  'operation-image': 'OPERATION_IMAGE_TIME_LIMIT',
  'operation-audio': 'OPERATION_AUDIO_TIME_LIMIT',
} as const satisfies Readonly<Record<JobLane, keyof Config>>;

export type LimitedWork = {
  readonly job: Pick<Job, 'lane'>;
  /** What is done of the job: its time counts. */
  readonly done: readonly Pick<Task, 'result'>[];
  readonly signal: AbortSignal;
};

/**
 * Does a piece of a job's work within what is left of the job's time; jobs of no lane of their own have no such limit.
 * @throws PlatformError `encode_timeout` at the end of that time, though what cannot be stopped (the image library) goes on unheard
 */
export async function withinWorkLimit<T>(
  config: Config,
  { job, done, signal }: LimitedWork,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (job.lane === null) return work(signal);
  const limit = config[SETTING[job.lane]];
  const late = new PlatformError('encode_timeout', `The operation took longer than ${limit} s (${SETTING[job.lane]})`);
  const left = limit - done.reduce((sum, { result }) => sum + (result?.seconds ?? 0), 0);
  if (left <= 0) throw late;
  const control = new AbortController();
  const { promise: end, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(late);
    control.abort(late);
  }, left * 1000);
  try {
    return await Promise.race([work(AbortSignal.any([signal, control.signal])), end]);
  } finally {
    clearTimeout(timer);
  }
}
