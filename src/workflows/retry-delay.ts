// How often and after which pauses work whose failure may pass is tried again. Pure; used by settle-*.ts.
import type { Config } from '#config/settings.ts';
import type { PlatformError } from '#domain/error.ts';
import type { Job } from '#domain/job.ts';

const LONGEST_SECONDS = 60;
/** Storage that is back is not to wait for: asking it costs little. */
const LONGEST_AWAY = 15;

/** Seconds before the try after the given one: 2, 4, 8, … up to a minute, with up to a quarter more so that not all come back at once. */
export function retryDelay(tries: number, longest: number = LONGEST_SECONDS): number {
  const delay = Math.min(longest, 2 ** Math.max(1, tries));
  return Math.ceil(delay * (1 + Math.random() / 4));
}

/** Another try of work that failed. */
export type Retry = {
  /** Seconds from now. */
  readonly startAfter: number;
  /** Whether the failed one counts. */
  readonly burnt: boolean;
};

export type FailedTry = {
  readonly error: PlatformError;
  /** That count, this one included. */
  readonly tries: number;
  /** All there were, those given back included. */
  readonly attempt: number;
  /** Managed storage does not answer: work waits for it, however long it is away, as it waits for the database. */
  readonly isStorageAway: boolean;
};

/** Null where it has failed for good. */
export function planRetry(
  config: Pick<Config, 'QUEUE_MAX_ATTEMPTS' | 'OPERATION_RETRY_DELAYS'>,
  job: Pick<Job, 'api'>,
  { error, tries, attempt, isStorageAway }: FailedTry,
): Retry | null {
  if (!error.retryable) return null;
  if (isStorageAway) return { startAfter: retryDelay(attempt - tries + 1, LONGEST_AWAY), burnt: false };
  const rule = retryRule(config, job);
  return tries < rule.tries ? { startAfter: rule.delay(tries), burnt: true } : null;
}

export type RetryRule = {
  /** Tries at the most, the first one included. */
  readonly tries: number;
  /** Seconds before the try after the given one, counted from 1. */
  readonly delay: (tries: number) => number;
};

export function retryRule(
  config: Pick<Config, 'QUEUE_MAX_ATTEMPTS' | 'OPERATION_RETRY_DELAYS'>,
  { api }: Pick<Job, 'api'>,
): RetryRule {
  if (api !== 'operations') return { tries: config.QUEUE_MAX_ATTEMPTS, delay: retryDelay };
  const delays = config.OPERATION_RETRY_DELAYS;
  return { tries: delays.length + 1, delay: (tries) => delays[tries - 1] ?? 0 };
}
