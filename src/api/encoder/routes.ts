// The encoder API: submit, look, list, the state of the queue, the log, and what external workers report. Wired by server.ts.
import type { FastifyRequest } from 'fastify';
import { type Api, type ApiContext, baseUrl, callerOf } from '#api/context.ts';
import { viewCountedPage } from '#api/counted-page.ts';
import {
  completedBody,
  encoderJobView,
  failedBody,
  idParams,
  jobPage,
  listQuery,
  logPage,
  pageQuery,
  progressBody,
  queueStatus,
} from '#api/encoder/schema.ts';
import { viewEncoderJob, viewLog } from '#api/encoder/view.ts';
import { problemSchema, problems } from '#api/errors.ts';
import { countEncoderJobs, findEncoderJob, listEncoderJobs } from '#database/encoder-jobs.ts';
import { countEncoderLog, listEncoderLog } from '#database/encoder-logs.ts';
import type { EncoderJob } from '#domain/encoder-job.ts';
import { PlatformError } from '#domain/error.ts';
import { isUuid } from '#domain/uuid.ts';
import { reportCompleted, reportFailed, reportProgress } from '#workflows/encoder/report-external.ts';
import { submissionSchema, toEncoderRequest } from '#workflows/encoder/submission.ts';
import { submitEncoderJob } from '#workflows/encoder/submit-encoder-job.ts';

const JOBS = '/api/encoder/jobs';
const tags = ['encoder'];
const found = { 200: encoderJobView, 404: problemSchema };
const changed = { 200: encoderJobView, 400: problemSchema, 404: problemSchema, 409: problemSchema };

export function encoderRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const { config } = platform;
  const { db } = platform.database;
  const show = (job: EncoderJob) => viewEncoderJob(job, config);
  const jobOf = async (request: FastifyRequest, id: string): Promise<EncoderJob> => {
    const job = isUuid(id) ? await findEncoderJob(db, { projectId: callerOf(request).projectId, id }) : null;
    if (job) return job;
    throw new PlatformError('not_found', `There is no encoder job ${id}`);
  };
  const addressOf = (request: FastifyRequest): string => baseUrl(context, request) + request.url;

  app.post(
    `${JOBS}/submit_job`,
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Submit a video of the bucket; the same video and key, still unfinished, is the job there is',
        body: submissionSchema,
        response: { 201: encoderJobView, ...problems(409, 422) },
      },
    },
    async (request, reply) => {
      const { projectId } = callerOf(request);
      const job = await submitEncoderJob(platform, { projectId, request: toEncoderRequest(request.body) });
      return reply.code(201).header('Location', `${JOBS}/${job.id}/`).send(show(job));
    },
  );

  app.get(
    JOBS,
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Encoder jobs, newest first', querystring: listQuery, response: { 200: jobPage } },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const { page, page_size: size, status, video_id: videoId } = request.query;
      const listing = { projectId, status, videoId };
      const counts = await countEncoderJobs(db, listing);
      const count = status ? counts[status] : sum(counts);
      const jobs = await listEncoderJobs(db, { ...listing, offset: (page - 1) * size, limit: size });
      return viewCountedPage(jobs.map(show), { count, page, size, url: addressOf(request), isPaged: true });
    },
  );

  app.get(
    `${JOBS}/queue_status`,
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'How many jobs stand where', response: { 200: queueStatus } },
    },
    async (request) => {
      const counts = await countEncoderJobs(db, { projectId: callerOf(request).projectId, videoId: undefined });
      return {
        pending_jobs: counts.pending,
        processing_jobs: counts.processing,
        completed_jobs: counts.completed,
        failed_jobs: counts.failed,
        total_jobs: sum(counts),
      };
    },
  );

  app.get(
    `${JOBS}/:id`,
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'An encoder job', params: idParams, response: found },
    },
    async (request) => show(await jobOf(request, request.params.id)),
  );

  app.get(
    `${JOBS}/:id/logs`,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What happened to a job, oldest first',
        params: idParams,
        querystring: pageQuery,
        response: { 200: logPage, 404: problemSchema },
      },
    },
    async (request) => {
      const job = await jobOf(request, request.params.id);
      const { page, page_size: size } = request.query;
      const count = await countEncoderLog(db, job);
      const lines = await listEncoderLog(db, { ...job, offset: (page - 1) * size, limit: size });
      return viewCountedPage(lines.map(viewLog), { count, page, size, url: addressOf(request), isPaged: true });
    },
  );

  app.post(
    `${JOBS}/:id/log_progress`,
    {
      config: { scope: 'worker' },
      schema: {
        tags,
        summary: 'An external worker reports how far it is',
        params: idParams,
        body: progressBody,
        response: changed,
      },
    },
    async (request) => {
      const { projectId, jobId } = await jobOf(request, request.params.id);
      const { progress_percentage: progress, message = null, worker_id: workerId = null } = request.body;
      return show(await reportProgress(platform, { projectId, jobId, progress, message, workerId }));
    },
  );

  app.post(
    `${JOBS}/:id/mark_completed`,
    {
      config: { scope: 'worker' },
      schema: {
        tags,
        summary: 'An external worker has delivered the video',
        params: idParams,
        body: completedBody,
        response: changed,
      },
    },
    async (request) => {
      const { projectId, jobId } = await jobOf(request, request.params.id);
      const { output_file_size: outputFileSize = null, worker_id: workerId = null } = request.body ?? {};
      return show(await reportCompleted(platform, { projectId, jobId, outputFileSize, workerId }));
    },
  );

  app.post(
    `${JOBS}/:id/mark_failed`,
    {
      config: { scope: 'worker' },
      schema: {
        tags,
        summary: 'An external worker gives a video up',
        params: idParams,
        body: failedBody,
        response: changed,
      },
    },
    async (request) => {
      const { projectId, jobId } = await jobOf(request, request.params.id);
      const { error_message: errorMessage, worker_id: workerId = null } = request.body;
      return show(await reportFailed(platform, { projectId, jobId, errorMessage, workerId }));
    },
  );
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((all, one) => all + one, 0);
