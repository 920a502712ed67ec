// Serves outputs that lie in managed storage, while they grow and when they are whole. Wired by server.ts.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { problems } from '#api/errors.ts';
import { jobOf } from '#api/jobs/find-job.ts';
import { outputParams } from '#api/jobs/schema.ts';
import { createOutputCache } from '#api/output-cache.ts';
import { createFileSender, FILE_ANSWERS } from '#api/send-file.ts';
import { PlatformError } from '#domain/error.ts';
import { isUuid } from '#domain/uuid.ts';

const INDEX = /^(0|[1-9]\d{0,3})$/;

export function outputRoutes(app: Api, context: ApiContext): void {
  const { platform } = context;
  const outputs = createOutputCache(app, platform);
  const sendFile = createFileSender(platform);
  app.route({
    method: ['GET', 'HEAD'],
    url: '/jobs/:id/outputs/:index/*',
    config: { scope: 'read' },
    exposeHeadRoute: false,
    schema: {
      tags: ['jobs'],
      summary: 'A file of an output: master.m3u8, 720p/segment_00000.m4s, poster.jpg, output.mp4, …',
      params: outputParams,
      response: { ...FILE_ANSWERS, ...problems(422) },
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { id, index, '*': name } = request.params as z.output<typeof outputParams>;
      const { projectId } = callerOf(request);
      const found = INDEX.test(index)
        ? await outputs.find({ projectId, id, index: Number(index) }, () => jobOf(platform, request, id))
        : null;
      const file = found?.output.find(name) ?? null;
      if (!found || !file) {
        const yet = found && !found.output.settled ? ' yet' : '';
        throw new PlatformError('not_found', `Output ${index} of job ${id} has no ${JSON.stringify(name)}${yet}`);
      }
      // A uuid can't be guessed: knowing it is the permission to play. A number says nothing, and CORS_ALLOWED_ORIGINS decides.
      if (isUuid(id)) reply.header('Access-Control-Allow-Origin', '*');
      const download = typeof request.query === 'object' && request.query !== null && 'download' in request.query;
      return sendFile(request, reply, { file, filename: downloadName(found.name, name), download });
    },
  });
}

/** `holiday.mp4` for the output.mp4 of holiday.mov; null for whatever is not the one file of its output. */
function downloadName(source: string | null, name: string): string | null {
  const extension = /^output(\.[a-z0-9]+)$/.exec(name)?.[1];
  return extension && source ? source.replace(/\.[^.]*$/, '') + extension : null;
}
