// Whether work failed while managed storage does not answer: then it waits, and its try does not count. Called by settle-*.ts.
import type { ErrorCode, PlatformError } from '#domain/error.ts';
import { storageProblem } from '#workflows/check-health.ts';
import type { JobLogger } from '#workflows/job-logger.ts';
import type { Platform } from '#workflows/platform.ts';

/** No failures: the work is wanted elsewhere. */
const GIVEN_BACK: ReadonlySet<ErrorCode> = new Set(['shutting_down', 'lease_lost']);

/** Asks storage where the failure may pass, and says in the job's log what is wrong with it. */
export async function isStorageAway(
  platform: Pick<Platform, 'storage'>,
  { error, logger }: { readonly error: PlatformError; readonly logger: JobLogger },
): Promise<boolean> {
  if (!error.retryable || GIVEN_BACK.has(error.code)) return false;
  const problem = await storageProblem(platform);
  if (problem !== null) logger.log(`managed storage is away, which counts as no try: ${problem}`);
  return problem !== null;
}
