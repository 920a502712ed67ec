// How many chunks this process encodes at once. Used by start-worker.ts and work-limit.ts.
import { availableParallelism } from 'node:os';
import type { Config } from '#config/settings.ts';

/** One ladder chunk fills two cores. */
export const encodeConcurrency = ({ WORKER_CONCURRENCY }: Pick<Config, 'WORKER_CONCURRENCY'>): number =>
  WORKER_CONCURRENCY || Math.max(1, Math.floor(availableParallelism() / 2));
