// A job, its outputs and its tasks: states as data, and the rules between them. Pure.
import type { Failure } from '#domain/error.ts';
import type { Finding } from '#domain/finding.ts';
import type { Location } from '#domain/location.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';

export const JOB_STATUSES = ['queued', 'processing', 'paused', 'completed', 'failed', 'canceled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export const OUTPUT_STATUSES = ['pending', 'processing', 'uploading', 'uploaded', 'failed', 'canceled'] as const;
export type OutputStatus = (typeof OUTPUT_STATUSES)[number];

/** A task is the unit of queueing, checkpointing and retry: a chunk of all renditions, the sound, one finished output. */
export const TASK_STATUSES = ['pending', 'processing', 'done', 'failed', 'canceled'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** Which API owns a job; the engine does not care. */
const JOB_APIS = ['jobs', 'encoder', 'videos', 'operations', 'cli'] as const;
export type JobApi = (typeof JOB_APIS)[number];

/** Lanes of the queue that hold all tasks of a job, whatever their kind: how many are worked on at once is set for each. */
const JOB_LANES = ['operation-video', 'operation-image', 'operation-audio'] as const;
export type JobLane = (typeof JOB_LANES)[number];

/** Of a job whose caller names none; 0–100, higher first. */
export const USUAL_PRIORITY = 50;

/** What a caller wants done; every API maps its own words to this. */
export type JobRequest = {
  readonly projectId: string;
  readonly api: JobApi;
  readonly source: Location;
  readonly outputs: readonly OutputSpec[];
  /** 0–100, higher first */
  readonly priority: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly notificationUrl: string | null;
  readonly idempotencyKey: string | null;
  /** SHA-256 (hex) of a source that came with the request: with an Idempotency-Key it counts instead of where the source was put. */
  readonly sourceDigest?: string;
  /** `https://host` that the caller reached us under, for links in webhooks where PUBLIC_URL is not set. */
  readonly baseUrl?: string;
  /** Left out, each task waits in the lane of its kind. */
  readonly lane?: JobLane;
};

export type Job = {
  readonly id: number;
  readonly uuid: string;
  readonly projectId: string;
  readonly api: JobApi;
  /** null: each task waits in the lane of its kind. */
  readonly lane: JobLane | null;
  readonly status: JobStatus;
  readonly source: Location;
  readonly priority: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly notificationUrl: string | null;
  readonly baseUrl: string | null;
  /** 0–100, one decimal */
  readonly progress: number;
  /** media seconds encoded per second, while it runs */
  readonly speed: number | null;
  readonly etaSeconds: number | null;
  /** The fencing number: grows each time run-job takes the job. */
  readonly attempt: number;
  /** Storage key of the fetched source; null until fetched, or where it is read in place. */
  readonly sourceKey: string | null;
  readonly arrival: SourceArrival | null;
  readonly facts: SourceFacts | null;
  readonly findings: readonly Finding[];
  readonly plan: Plan | null;
  readonly error: Failure | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
};

export type Output = {
  readonly id: number;
  readonly jobId: number;
  readonly index: number;
  readonly spec: OutputSpec;
  readonly status: OutputStatus;
  readonly progress: number;
  readonly result: OutputResult | null;
  readonly error: Failure | null;
};

/** What a delivered output is: shown as `result`. */
export type OutputResult = {
  /** URL that plays or downloads it, or the place it was delivered to. */
  readonly url: string;
  readonly container: string;
  /** bytes, everything of this output together */
  readonly size: number;
  /** seconds */
  readonly duration: number;
  readonly width: number | null;
  readonly height: number | null;
  readonly videoCodec: string | null;
  readonly audioCodec: string | null;
  readonly frames: number | null;
  readonly renditions: readonly {
    readonly name: string;
    readonly width: number;
    readonly height: number;
    readonly codecs: string;
    readonly averageBitrate: number;
    readonly peakBitrate: number;
  }[];
  readonly files: readonly { readonly name: string; readonly size: number; readonly mediaType: string }[];
  readonly thumbnails: readonly string[];
};

/**
 * arriving: only the beginning of the source has come; tasks are sent as far as it reaches, and a failure says nothing ·
 * arrived: it is whole, and the job is to be planned anew, keeping what is done. Null where it is, or always was, whole.
 */
export type SourceArrival = 'arriving' | 'arrived';

export const isFinished = (status: JobStatus): boolean =>
  status === 'completed' || status === 'failed' || status === 'canceled';

/** What an output is doing, of which its row says how far it had come: nobody works for a job that waits. */
export const outputStatus = (reached: OutputStatus, job: JobStatus): OutputStatus =>
  (job === 'queued' || job === 'paused') && (reached === 'processing' || reached === 'uploading') ? 'pending' : reached;
