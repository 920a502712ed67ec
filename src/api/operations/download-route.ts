// `GET operations/{id}/download/`: the result, with its type, a name to save it under, ranges. Wired by routes.ts.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Api, ApiContext } from '#api/context.ts';
import { failureSchema } from '#api/operations/envelope.ts';
import { operationParams } from '#api/operations/schema.ts';
import { refOf, type Sessions } from '#api/operations/session.ts';
import { createFileSender, FILE_ANSWERS } from '#api/send-file.ts';
import { PlatformError } from '#domain/error.ts';
import { outputOf } from '#domain/operation.ts';
import { requireOperation } from '#workflows/operations/change-operation.ts';

export function downloadRoute(app: Api, { platform }: ApiContext, sessions: Sessions): void {
  const sendFile = createFileSender(platform);
  app.route({
    method: ['GET', 'HEAD'],
    url: '/operations/:id/download',
    config: { scope: 'read' },
    exposeHeadRoute: false,
    schema: {
      tags: ['operations'],
      summary: 'The result; from Cloudinary by a redirect',
      params: operationParams,
      response: { ...FILE_ANSWERS, 302: z.null().describe('To Cloudinary'), 404: failureSchema, 409: failureSchema },
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { id } = request.params as z.output<typeof operationParams>;
      const operation = await requireOperation(platform, refOf(sessions(request, reply), id));
      const file = outputOf(operation);
      if (operation.status !== 'completed' || !file) {
        throw new PlatformError(
          'conflict',
          `The operation is ${operation.status}; only one that is completed has a result to download`,
        );
      }
      if (file.cloudinaryUrl !== null) return reply.redirect(file.cloudinaryUrl, 302);
      const { path: key, name, size, mimeType: mediaType } = file;
      if (key === null || size === null) throw new PlatformError('internal', `Operation ${id} has a result nowhere`);
      return sendFile(request, reply, {
        file: { kind: 'object', key, size, mediaType, name },
        filename: name,
        download: true,
      });
    },
  });
}
