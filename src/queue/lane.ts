// The lanes of the queue, what an entry of each carries, and the order in which entries are taken. Pure.
import type { JobLane } from '#domain/job.ts';
import type { PlannedTask } from '#domain/plan.ts';

/** The lanes of the jobs' own work: they age, can be paused, and are shared out among projects. */
export const WORK_LANES = [
  'run',
  'encode',
  'audio',
  'image',
  'deliver',
  'run-image',
  'operation-video',
  'operation-image',
  'operation-audio',
] as const;

/**
 * run: a job to fetch, probe and plan · encode: chunks · audio: sound, text tracks, copied streams · image: pictures ·
 * deliver: finished outputs · run-image: a picture to fetch, probe and plan, which waits behind no film · operation-*: all
 * tasks of the operations of one kind of media · notify: webhooks · housekeeping: cleaning · dead: entries whose workers
 * died too often.
 */
export const LANES = [...WORK_LANES, 'notify', 'housekeeping', 'dead'] as const;
export type Lane = (typeof LANES)[number];

export type JobEntry = {
  readonly projectId: string;
  readonly jobId: number;
  /** 0–100, as asked for: what ageing starts from. Entries without it do not age. */
  readonly priority?: number;
};
export type TaskEntry = JobEntry & { readonly taskId: number };
/** Those of WORK_LANES whose entries begin a job. */
export const RUN_LANES = ['run', 'run-image'] as const satisfies readonly Lane[];
export type RunLane = (typeof RUN_LANES)[number];

export type LaneData = {
  readonly run: JobEntry;
  readonly encode: TaskEntry;
  readonly audio: TaskEntry;
  readonly image: TaskEntry;
  readonly deliver: TaskEntry;
  readonly 'run-image': JobEntry;
  readonly 'operation-video': TaskEntry;
  readonly 'operation-image': TaskEntry;
  readonly 'operation-audio': TaskEntry;
  /** Entries of one receiver share its slots. */
  readonly notify: { readonly deliveryId: string; readonly receiver: string };
  readonly housekeeping:
    | { readonly chore: 'sweep' | 'expire' | 'age' | 'count-storage' }
    | ({ readonly chore: 'remove-leftovers' | 'remove-delivered' } & JobEntry)
    | { readonly chore: 'finish-upload' | 'encode-arriving'; readonly projectId: string; readonly uploadId: string };
  /** Whatever the dead entry carried. */
  readonly dead: Readonly<Record<string, unknown>>;
};

/** The notification channel that wakes the lane's workers. */
export const laneChannel = (lane: Lane): string => `queue_${lane.replaceAll('-', '_')}`;

/** More chunks than any job has; keeps a job's chunks within its own priority step. Fits a 32-bit integer: 100 · 100,000. */
const STEP = 100_000;
/** Points of priority that an entry gains at the most by waiting, one a minute. */
const MOST_AGE = 50;

/** A job's place in the lane `run`; equal ones go by age. */
export const jobPriority = (priority: number): number => priority * STEP;

/**
 * A task's place in its lane. The chunk's number lowers it, so that among jobs of equal priority a new job's first
 * chunk goes before an old job's later ones: nobody waits for the end of another's film to see a first picture.
 */
export function taskPriority(priority: number, task: Pick<PlannedTask, 'kind' | 'index'>): number {
  if (task.kind === 'first-light') return priority * STEP + 1;
  return priority * STEP - Math.min(task.index, STEP - 1);
}

/**
 * The same in a lane that holds whole jobs: the oldest job is done to its end before the next one's work begins, for
 * nobody looks at half a file. Entries of equal priority go by age.
 */
export const wholeJobPriority = (
  priority: number,
  { kind }: Pick<PlannedTask, 'kind'> | { readonly kind: 'output' },
): number => priority * STEP + (kind === 'output' ? 1 : 0);

/** Where a job begins to wait. */
export const runLaneOf = (lane: JobLane | null): RunLane => (lane === 'operation-image' ? 'run-image' : 'run');

/** What an entry's waiting is worth: `step` more of its lane's priority each minute, up to `most`. Fits the 32 bits as well. */
export const AGEING = { step: STEP, most: MOST_AGE * STEP } as const;

/** Whose slots an entry takes where slots are shared out: a project's, a receiver's; null for nobody's. */
export function groupOf(data: LaneData[Lane]): string | null {
  if ('receiver' in data && typeof data.receiver === 'string') return data.receiver;
  return 'projectId' in data && typeof data.projectId === 'string' ? data.projectId : null;
}
