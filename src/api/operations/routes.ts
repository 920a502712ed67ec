// The operations API (seed of file conversions): wires its prefix with an envelope, limits and errors of its own. Called by server.ts.

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { drainRefused, untilGone } from '#api/client-gone.ts';
import { type Api, type ApiContext, baseUrl } from '#api/context.ts';
import { inlineBodyLimit } from '#api/inline-body.ts';
import { definitionRoutes } from '#api/operations/definition-routes.ts';
import { downloadRoute } from '#api/operations/download-route.ts';
import {
  failureSchema,
  installEnvelope,
  PREFIX,
  pageSchema,
  success,
  successPage,
  successSchema,
} from '#api/operations/envelope.ts';
import { eventRoute } from '#api/operations/event-route.ts';
import { limitCalls } from '#api/operations/limit-calls.ts';
import { listQuery, operationParams } from '#api/operations/schema.ts';
import { serviceRoutes } from '#api/operations/service-routes.ts';
import { createSessions, refOf, type Sessions } from '#api/operations/session.ts';
import { submitForm } from '#api/operations/submit-form.ts';
import { operationView, statusView, viewOperation, viewStatus } from '#api/operations/view.ts';
import { listOperations } from '#database/operations.ts';
import { cancelOperation, requireOperation, retryOperation } from '#workflows/operations/change-operation.ts';
import { deleteOperation } from '#workflows/operations/delete-operation.ts';

const tags = ['operations'];
const FORM = 'application/x-www-form-urlencoded';

/** Read part by part. */
const operationForm = {
  types: ['multipart/form-data'],
  body: z.object({
    operation: z.string().meta({ description: 'A name out of operation-definitions/', examples: ['image_resize'] }),
    parameters: z
      .string()
      .optional()
      .meta({ description: 'A JSON object', examples: ['{"width": 800}'] }),
    file: z.file(),
  }),
};

/** Everything below /api/v1. */
export async function operationsApi(app: Api, context: ApiContext): Promise<void> {
  await app.register(
    async (api: Api) => {
      installEnvelope(api);
      limitCalls(api, context.platform);
      if (!api.hasContentTypeParser(FORM))
        api.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, body, done) =>
          done(null, Object.fromEntries(new URLSearchParams(String(body)))),
        );
      keepPrivate(api);
      drainRefused(api);
      const sessions = createSessions(context.platform);
      operationRoutes(api, context, sessions);
      downloadRoute(api, context, sessions);
      eventRoute(api, context, sessions);
      definitionRoutes(api, context);
      serviceRoutes(api, context, sessions);
    },
    { prefix: PREFIX },
  );
}

/** What a session sees is for no shared cache. */
function keepPrivate(app: Api): void {
  app.addHook('onSend', async (_request, reply) => {
    const said = reply.getHeader('Cache-Control');
    if (said === undefined) reply.header('Cache-Control', 'no-store');
    else if (said === 'no-cache') reply.header('Cache-Control', 'private, no-cache');
  });
}

function operationRoutes(app: Api, context: ApiContext, sessions: Sessions): void {
  const { platform } = context;
  const { config } = platform;
  const { db } = platform.database;
  const keeping = { expiryHours: config.OPERATION_EXPIRY_HOURS };
  const prefixOf = (request: FastifyRequest) => `${baseUrl(context, request)}${PREFIX}`;
  const one = { 200: successSchema(operationView), 404: failureSchema };

  app.post(
    '/operations',
    {
      config: { scope: 'write', calls: 'uploads', takes: operationForm },
      bodyLimit: inlineBodyLimit(config),
      schema: {
        tags,
        summary: 'Create an operation: a multipart form of operation, parameters (JSON) and file, in any order',
        response: { 201: successSchema(operationView), 422: failureSchema, 507: failureSchema },
      },
    },
    async (request, reply) => {
      const session = sessions(request, reply);
      const from = { session, baseUrl: baseUrl(context, request), signal: untilGone(reply) };
      const id = await submitForm(platform, request, from);
      const created = await requireOperation(platform, refOf(session, id));
      return reply
        .code(201)
        .header('Location', `${PREFIX}/operations/${id}/`)
        .send(success(viewOperation(created, prefixOf(request)), 'Operation created and queued for processing'));
    },
  );

  app.get(
    '/operations',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: "The session's operations, newest first",
        querystring: listQuery,
        response: { 200: pageSchema(operationView), 400: failureSchema },
      },
    },
    async (request, reply) => {
      const session = sessions(request, reply);
      const { page, page_size: pageSize, status, operation } = request.query;
      const { operations, total } = await listOperations(
        db,
        {
          ...session,
          limit: pageSize,
          offset: (page - 1) * pageSize,
          ...(status ? { status } : {}),
          ...(operation ? { operation } : {}),
        },
        keeping,
      );
      const views = operations.map((found) => viewOperation(found, prefixOf(request)));
      return successPage(views, { page, pageSize, total }, `${total} operations`);
    },
  );

  app.get(
    '/operations/:id',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'An operation with its files', params: operationParams, response: one },
    },
    async (request, reply) => {
      const found = await requireOperation(platform, refOf(sessions(request, reply), request.params.id));
      return success(viewOperation(found, prefixOf(request)), `The operation is ${found.status}`);
    },
  );

  app.get(
    '/operations/:id/status',
    {
      config: { scope: 'read', calls: 'status' },
      schema: {
        tags,
        summary: 'Status, progress and time left alone, for polling',
        params: operationParams,
        response: { 200: successSchema(statusView), 404: failureSchema, 429: failureSchema },
      },
    },
    async (request, reply) => {
      const found = await requireOperation(platform, refOf(sessions(request, reply), request.params.id));
      return success(viewStatus(found), `The operation is ${found.status}`);
    },
  );

  const acts = [
    ['cancel', cancelOperation, 'Cancel: what runs stops within a second', 'Operation cancelled'],
    ['retry', retryOperation, 'Start a failed or cancelled operation again', 'Operation queued again'],
  ] as const;
  for (const [name, act, summary, message] of acts) {
    app.post(
      `/operations/:id/${name}`,
      {
        config: { scope: 'write' },
        schema: { tags, summary, params: operationParams, response: { ...one, 409: failureSchema } },
      },
      async (request, reply) => {
        const changed = await act(platform, refOf(sessions(request, reply), request.params.id));
        return success(viewOperation(changed, prefixOf(request)), message);
      },
    );
  }

  app.delete(
    '/operations/:id',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'Delete an operation and its files',
        params: operationParams,
        response: {
          200: successSchema(operationView.pick({ id: true })),
          404: failureSchema,
        },
      },
    },
    async (request, reply) => {
      const ref = refOf(sessions(request, reply), request.params.id);
      await deleteOperation(platform, ref);
      return success({ id: ref.id }, 'Operation and its files deleted');
    },
  );
}
