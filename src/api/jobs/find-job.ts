// Finds the job a route names, by its number or its uuid, within the caller's project. Used by the routes of the jobs API.
import type { FastifyRequest } from 'fastify';
import { callerOf } from '#api/context.ts';
import { findJob, findJobByUuid } from '#database/jobs.ts';
import { PlatformError } from '#domain/error.ts';
import type { Job } from '#domain/job.ts';
import { isUuid } from '#domain/uuid.ts';
import type { Platform } from '#workflows/platform.ts';

/** Ids are 64-bit in the database; what does not fit a number exactly cannot be one. */
const NUMBER = /^[1-9]\d{0,14}$/;

/** @throws PlatformError `not_found`, for another project's just as well */
export async function jobOf(platform: Platform, request: FastifyRequest, id: string): Promise<Job> {
  const { projectId } = callerOf(request);
  const { db } = platform.database;
  const job = isUuid(id)
    ? await findJobByUuid(db, { projectId, uuid: id.toLowerCase() }, platform.showing)
    : NUMBER.test(id)
      ? await findJob(db, { projectId, jobId: Number(id) }, platform.showing)
      : null;
  if (!job) throw new PlatformError('not_found', `There is no job ${JSON.stringify(id)}`);
  return job;
}
