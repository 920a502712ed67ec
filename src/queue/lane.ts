// The lanes of the queue, what an entry of each carries, and the order in which entries are taken. Pure.
import type { PlannedTask } from '#domain/plan.ts';

/**
 * run: a job to fetch, probe and plan · encode: chunks · audio: sound, text tracks, copied streams · image: pictures ·
 * deliver: finished outputs · notify: webhooks · housekeeping: cleaning · dead: entries whose workers died too often.
 */
export const LANES = ['run', 'encode', 'audio', 'image', 'deliver', 'notify', 'housekeeping', 'dead'] as const;
export type Lane = (typeof LANES)[number];

export type JobEntry = {
  readonly projectId: string;
  readonly jobId: number;
  /** 0–100, as asked for: what ageing starts from. Entries without it do not age. */
  readonly priority?: number;
};
export type TaskEntry = JobEntry & { readonly taskId: number };
/** The lanes of the jobs' own work: they age, can be paused, and are shared out among projects. */
export const WORK_LANES = ['run', 'encode', 'audio', 'image', 'deliver'] as const satisfies readonly Lane[];

export type LaneData = {
  readonly run: JobEntry;
  readonly encode: TaskEntry;
  readonly audio: TaskEntry;
  readonly image: TaskEntry;
  readonly deliver: TaskEntry;
  /** Entries of one receiver share its slots. */
  readonly notify: { readonly deliveryId: string; readonly receiver: string };
  readonly housekeeping:
    | { readonly chore: 'sweep' | 'expire' | 'age' }
    | ({ readonly chore: 'remove-leftovers' } & JobEntry);
  /** Whatever the dead entry carried. */
  readonly dead: Readonly<Record<string, unknown>>;
};

/** The notification channel that wakes the lane's workers. */
export const laneChannel = (lane: Lane): string => `queue_${lane}`;

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

/** What an entry's waiting is worth: `step` more of its lane's priority each minute, up to `most`. Fits the 32 bits as well. */
export const AGEING = { step: STEP, most: MOST_AGE * STEP } as const;

/** Whose slots an entry takes where slots are shared out: a project's, a receiver's; null for nobody's. */
export function groupOf(data: LaneData[Lane]): string | null {
  if ('receiver' in data && typeof data.receiver === 'string') return data.receiver;
  return 'projectId' in data && typeof data.projectId === 'string' ? data.projectId : null;
}
