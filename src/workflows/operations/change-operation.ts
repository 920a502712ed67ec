// Cancels and retries operations: what happens to one happens to its job. Called by the operations API.
import { findOperation, type OperationRef } from '#database/operations.ts';
import { PlatformError } from '#domain/error.ts';
import type { OperationRecord, OperationStatus } from '#domain/operation.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import type { Platform } from '#workflows/platform.ts';
import { retryJob } from '#workflows/retry-job.ts';

/** @throws PlatformError `not_found`, for another session's just as well */
export async function requireOperation(platform: Platform, ref: OperationRef): Promise<OperationRecord> {
  const { config, database } = platform;
  const found = await findOperation(database.db, ref, { expiryHours: config.OPERATION_EXPIRY_HOURS });
  if (!found) throw new PlatformError('not_found', `There is no operation ${JSON.stringify(ref.id)}`);
  return found;
}

function requireStatus({ status }: OperationRecord, act: string, allowed: readonly OperationStatus[]): void {
  if (allowed.includes(status)) return;
  throw new PlatformError(
    'conflict',
    `The operation is ${status}; only one that is ${allowed.join(' or ')} can be ${act}`,
  );
}

/** Running work stops within a second. @throws PlatformError `not_found`, `conflict` */
export async function cancelOperation(platform: Platform, ref: OperationRef): Promise<OperationRecord> {
  const operation = await requireOperation(platform, ref);
  requireStatus(operation, 'cancelled', ['pending', 'queued', 'processing']);
  await cancelJob(platform, { projectId: ref.projectId, jobId: operation.jobId });
  return requireOperation(platform, ref);
}

/** What was done already is not done again. @throws PlatformError `not_found`, `conflict` */
export async function retryOperation(platform: Platform, ref: OperationRef): Promise<OperationRecord> {
  const operation = await requireOperation(platform, ref);
  requireStatus(operation, 'retried', ['failed', 'cancelled']);
  await retryJob(platform, { projectId: ref.projectId, jobId: operation.jobId });
  return requireOperation(platform, ref);
}
