// The jobs API: submit, list, look, cancel, pause, resume, retry, delete, follow. Wired by server.ts.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readAway } from '#api/client-gone.ts';
import { type Api, type ApiContext, baseUrl, callerOf } from '#api/context.ts';
import { invalid, problems } from '#api/errors.ts';
import { inlineBodyLimit } from '#api/inline-body.ts';
import { jobOf } from '#api/jobs/find-job.ts';
import { followJob } from '#api/jobs/follow-job.ts';
import { receivedFile, receiveMultipart } from '#api/jobs/receive-multipart.ts';
import { jobParams, jobSchema, listQuery, toJobRequest } from '#api/jobs/schema.ts';
import { jobView } from '#api/jobs/view.ts';
import { listJobLog } from '#database/job-log.ts';
import type { JobRef } from '#database/jobs.ts';
import { listJobs } from '#database/jobs.ts';
import { listOutputs, listOutputsOf } from '#database/outputs.ts';
import { JOB_STATUSES, type Job, type JobRequest } from '#domain/job.ts';
import { viewJob } from '#domain/view-job.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import { deleteJob } from '#workflows/delete-job.ts';
import { pauseJob } from '#workflows/pause-job.ts';
import type { Platform } from '#workflows/platform.ts';
import { removeUpload } from '#workflows/receive-upload.ts';
import { resumeJob } from '#workflows/resume-job.ts';
import { retryJob } from '#workflows/retry-job.ts';
import { type SubmittedJob, submitJob } from '#workflows/submit-job.ts';

const submitted = z.object({ id: z.int(), uuid: z.string(), status: z.enum(JOB_STATUSES) });
const page = z.object({ jobs: z.array(jobView), nextCursor: z.string().nullable() });
const tags = ['jobs'];
const KEY = /^[\x21-\x7e]{1,255}$/;

const CHANGES: Readonly<Record<string, { act: (platform: Platform, ref: JobRef) => Promise<Job>; summary: string }>> = {
  cancel: { act: cancelJob, summary: 'Cancel: nothing of it waits or runs any longer' },
  pause: { act: pauseJob, summary: 'Pause: finished chunks are kept, FFmpeg stops' },
  resume: { act: resumeJob, summary: 'Resume a paused job' },
  retry: { act: retryJob, summary: 'Start a failed or canceled job again, with what it lacks' },
};

export function jobRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const { db } = platform.database;
  const body = jobSchema(platform.config);
  const show = async (request: FastifyRequest, job: Job) =>
    viewJob(
      job,
      await listOutputs(db, { projectId: job.projectId, jobId: job.id }, platform.showing),
      baseUrl(context, request),
    );

  app.post(
    '/jobs',
    {
      config: { scope: 'write', reads: z.object({ 'Idempotency-Key': z.string().max(255).optional() }) },
      bodyLimit: inlineBodyLimit(platform.config),
      preValidation: (request) => receiveMultipart(platform, request, body),
      onSend: readAway,
      schema: {
        tags,
        summary: 'Submit a job; as multipart/form-data: spec (this JSON without source) and file',
        body,
        response: { 202: submitted, ...problems(404, 409, 422, 507) },
      },
    },
    async (request, reply) => {
      const request_ = toJobRequest(request.body, {
        projectId: callerOf(request).projectId,
        idempotencyKey: idempotencyKey(request),
      });
      const { job } = await submitReceived(platform, { ...request_, baseUrl: baseUrl(context, request) }, request);
      return reply
        .code(202)
        .header('Location', `/jobs/${job.uuid}`)
        .send({ id: job.id, uuid: job.uuid, status: job.status });
    },
  );

  app.get(
    '/jobs',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Jobs, newest first', querystring: listQuery, response: { 200: page } },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const { status, limit, cursor, search } = request.query;
      // One more than asked for says whether there is a further page.
      const found = await listJobs(
        db,
        {
          projectId,
          limit: limit + 1,
          ...(status ? { status } : {}),
          ...(search ? { search } : {}),
          ...(cursor ? { before: cursor } : {}),
        },
        platform.showing,
      );
      const jobs = found.slice(0, limit);
      const outputs = await listOutputsOf(db, { projectId, jobIds: jobs.map(({ id }) => id) }, platform.showing);
      return {
        jobs: jobs.map((job) =>
          viewJob(
            job,
            outputs.filter(({ jobId }) => jobId === job.id),
            baseUrl(context, request),
          ),
        ),
        nextCursor: found.length > limit ? String(jobs.at(-1)?.id) : null,
      };
    },
  );

  app.get(
    '/jobs/:id',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A job with its outputs',
        params: jobParams,
        response: { 200: jobView },
      },
    },
    async (request) => show(request, await jobOf(platform, request, request.params.id)),
  );

  for (const [name, { act, summary }] of Object.entries(CHANGES)) {
    app.post(
      `/jobs/:id/${name}`,
      {
        config: { scope: 'write' },
        schema: {
          tags,
          summary,
          params: jobParams,
          response: { 200: jobView, ...problems(409) },
        },
      },
      async (request) => {
        const { id, projectId } = await jobOf(platform, request, request.params.id);
        return show(request, await act(platform, { projectId, jobId: id }));
      },
    );
  }

  app.delete(
    '/jobs/:id',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Delete a job; what it delivered elsewhere stays',
        params: jobParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { id, projectId } = await jobOf(platform, request, request.params.id);
      await deleteJob(platform, { projectId, jobId: id });
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/jobs/:id/log',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'The FFmpeg command lines and what FFmpeg said, as text', params: jobParams },
    },
    async (request, reply) => {
      const { id, projectId } = await jobOf(platform, request, request.params.id);
      const lines = await listJobLog(db, { projectId, jobId: id });
      const text = lines.map(({ at, task, line }) => `${at.toISOString()} ${task}: ${line}\n`).join('');
      return reply.type('text/plain; charset=utf-8').header('Cache-Control', 'no-store').send(text);
    },
  );

  app.get(
    '/jobs/:id/events',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Server-sent events: status, progress, log; deleting the job ends them',
        params: jobParams,
      },
    },
    async (request, reply) => {
      const job = await jobOf(platform, request, request.params.id);
      await followJob(context, { request, reply, job });
      return reply;
    },
  );
}

/** A file that came with a request and makes no new job, because it was refused or had made one before, is of no use to anybody. */
async function submitReceived(platform: Platform, asked: JobRequest, request: FastifyRequest): Promise<SubmittedJob> {
  const file = receivedFile(request);
  if (!file) return submitJob(platform, asked);
  let isKept = false;
  try {
    const submitted = await submitJob(platform, { ...asked, sourceDigest: file.sha256 });
    isKept = submitted.isNew;
    return submitted;
  } finally {
    if (!isKept) await removeUpload(platform, file.upload);
  }
}

function idempotencyKey({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw invalid([{ path: 'Idempotency-Key', message: 'one header of 1 to 255 visible ASCII characters' }]);
}
