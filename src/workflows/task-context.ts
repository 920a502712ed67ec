// What a task's executor is given by run-task.ts, and what it must answer. Executors live in workflows/tasks/.
import type { Job, Output } from '#domain/job.ts';
import type { Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import type { Task, TaskResult, TrackPart } from '#domain/task.ts';
import type { MediaInput } from '#media/tool.ts';
import type { Platform } from '#workflows/platform.ts';

export type TaskContext = {
  readonly job: Job;
  readonly plan: Plan;
  readonly facts: SourceFacts;
  readonly outputs: readonly Output[];
  readonly task: Task;
  /** Results of the tasks of this job that are done, for tasks that build on them. */
  readonly done: readonly Task[];
  readonly input: MediaInput;
  /** An empty folder of this attempt's own on local disk; removed afterwards, whatever happens. */
  readonly scratch: string;
  /** Prefix in managed storage of this attempt's own, without a slash at its end: `jobs/UUID/12-1`. Removed if the attempt loses. */
  readonly prefix: string;
  readonly signal: AbortSignal;
  readonly timeLimit: number;
  /** To the job's log: command lines and what FFmpeg says. */
  readonly log: (line: string) => void;
  /** 0–1 of this task, with media seconds per second. Throttled by the receiver. */
  readonly progress: (done: number, speed: number | null) => void;
  /** What earlier attempts, interrupted ones, made visible: it stays, and is built on. */
  readonly published: readonly TrackPart[];
  /** Makes segments visible while the task still runs: fenced by the attempt. */
  readonly publish: (parts: readonly TrackPart[]) => Promise<void>;
};

export type TaskExecutor = (platform: Platform, context: TaskContext) => Promise<TaskResult>;
