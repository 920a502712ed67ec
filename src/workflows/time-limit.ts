// How long one FFmpeg may work on a source. Used by run-task.ts and prepare-burn.ts.
import type { Config } from '#config/settings.ts';
import type { SourceFacts } from '#domain/source-facts.ts';

/** Seconds: JOB_TIME_LIMIT_SECONDS, or twenty times the source's length, ten minutes at least. */
export const timeLimit = (
  config: Pick<Config, 'JOB_TIME_LIMIT_SECONDS'>,
  { duration }: Pick<SourceFacts, 'duration'>,
): number => config.JOB_TIME_LIMIT_SECONDS || Math.max(600, 20 * duration);
