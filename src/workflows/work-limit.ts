// How long all the work of one operation or encoder job may take, whatever it is made of. Used by run-task.ts.
import type { Config } from '#config/settings.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job, JobLane } from '#domain/job.ts';
import type { Task } from '#domain/task.ts';
import { encodeConcurrency } from '#workflows/encode-concurrency.ts';

const SETTING = {
  'operation-video': 'OPERATION_VIDEO_TIME_LIMIT',
  'operation-image': 'OPERATION_IMAGE_TIME_LIMIT',
  'operation-audio': 'OPERATION_AUDIO_TIME_LIMIT',
} as const satisfies Readonly<Record<JobLane, keyof Config>>;

export type LimitedWork = {
  readonly job: Pick<Job, 'lane' | 'api'>;
  readonly task: Pick<Task, 'kind'>;
  /** What is done of the job: its time counts. */
  readonly done: readonly Pick<Task, 'kind' | 'result'>[];
  readonly signal: AbortSignal;
};

/**
 * Does a piece of a job's work within what is left of the job's time; jobs of no lane of their own have no such limit.
 * @throws PlatformError `encode_timeout` at the end of that time, though what cannot be stopped (the image library) goes on unheard
 */
export async function withinWorkLimit<T>(
  config: Config,
  limited: LimitedWork,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal } = limited;
  const time = timeLeft(config, limited);
  if (time === null) return work(signal);
  const { left, late } = time;
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

type TimeLeft = { readonly left: number; readonly late: PlatformError };

function timeLeft(config: Config, { job, task, done }: LimitedWork): TimeLeft | null {
  if (job.api === 'encoder') return encoderTimeLeft(config, { task, done });
  if (job.lane === null) return null;
  const limit = config[SETTING[job.lane]];
  const late = new PlatformError('encode_timeout', `The operation took longer than ${limit} s (${SETTING[job.lane]})`);
  return { left: limit - secondsOf(done), late };
}

/**
 * The service it comes from gave one FFmpeg so long for a whole video. Here many share it: what they took side by side
 * on this machine counts once, and waiting for a turn not at all.
 */
function encoderTimeLeft(config: Config, { task, done }: Pick<LimitedWork, 'task' | 'done'>): TimeLeft | null {
  const limit = config.ENCODER_TIME_LIMIT_SECONDS;
  if (limit === 0 || task.kind === 'upload' || task.kind === 'output') return null;
  const late = new PlatformError('encode_timeout', `FFmpeg timeout after ${limit} seconds`);
  const spent = secondsOf(done.filter(({ kind }) => kind === 'chunk')) / encodeConcurrency(config);
  return { left: limit - spent, late };
}

const secondsOf = (done: readonly Pick<Task, 'result'>[]): number =>
  done.reduce((sum, { result }) => sum + (result?.seconds ?? 0), 0);
