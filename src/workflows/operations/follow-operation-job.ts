// What an operation hears of its job, in the transaction of the change: its result becomes a file of its own; without its job it is gone. In the table of job-owners.ts.
import type { Kysely } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { findJob, type JobRef } from '#database/jobs.ts';
import { findOperationOfJob, hideOperationOfJob, saveOperationFile } from '#database/operations.ts';
import { listOutputs } from '#database/outputs.ts';
import type { Schema } from '#database/schema.ts';
import { listTasks } from '#database/tasks.ts';
import { outputName } from '#domain/operation.ts';
import type { JobOwner } from '#workflows/job-owners.ts';
import { resultMetadata } from '#workflows/operations/file-metadata.ts';
import type { Platform } from '#workflows/platform.ts';

export const followOperationJob: JobOwner = async (platform, db, { projectId, jobId, type }) => {
  if (type === 'job.completed') await saveResult(platform, db, { projectId, jobId });
  else if (type === 'job.deleted') await hideOperationOfJob(db, { projectId, jobId });
};

async function saveResult(platform: Platform, db: Kysely<Schema>, ref: JobRef): Promise<void> {
  const operation = await findOperationOfJob(db, ref);
  if (!operation) return;
  const job = await findJob(db, ref, platform.sealer);
  const [output] = await listOutputs(db, ref, platform.sealer);
  const done = await listTasks(db, { ...ref, status: 'done' });
  const [file] = done.find(({ kind, subject }) => kind === 'output' && subject === 0)?.result?.files ?? [];
  if (!job || !output?.result || !file) return;
  const extension = /\.([a-z0-9]+)$/.exec(file.name)?.[1] ?? output.spec.container;
  const { destination } = output.spec;
  const account = destination?.kind === 'cloudinary' ? destination : null;
  await saveOperationFile(db, {
    projectId: ref.projectId,
    operationId: operation.id,
    file: {
      id: uuidv7(),
      type: 'output',
      path: account ? null : file.key,
      name: outputName(operation.input?.name ?? operation.id, extension),
      size: file.size,
      mimeType: file.mediaType,
      cloudinaryPublicId: account?.path ?? null,
      cloudinaryUrl: account && (platform.cloudinary?.urlOf(account, extension) ?? null),
      metadata: resultMetadata(output.result, job.plan, job.facts),
    },
  });
}
