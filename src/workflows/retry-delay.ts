// How often and after which pauses work whose failure may pass is tried again. Pure; used by settle-*.ts.
import type { Config } from '#config/settings.ts';
import type { Job } from '#domain/job.ts';

const LONGEST = 60;

/** Seconds before the try after the given one: 2, 4, 8, … up to a minute, with up to a quarter more so that not all come back at once. */
export function retryDelay(tries: number): number {
  const delay = Math.min(LONGEST, 2 ** Math.max(1, tries));
  return Math.ceil(delay * (1 + Math.random() / 4));
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
