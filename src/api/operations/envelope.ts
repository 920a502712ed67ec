// The envelope of the operations API: what every answer and every error below its prefix is wrapped in. Used by its routes.
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Api } from '#api/context.ts';
import { notThere, problemOf, retryAfterOf, sendError, understand } from '#api/errors.ts';
import { refuseWrongMethods } from '#api/wrong-method.ts';
import type { PlatformError } from '#domain/error.ts';

export const PREFIX = '/api/v1';

export const failureSchema = z
  .object({
    success: z.literal(false),
    error: z.object({
      code: z.string(),
      message: z.string(),
      details: z.object({
        errors: z.array(z.object({ path: z.string(), message: z.string() })),
        fault: z.string(),
        advice: z.string(),
        retry_after: z.number().optional(),
      }),
    }),
  })
  .meta({ id: 'OperationFailure', description: 'What went wrong, and which field is to be corrected' });

/** Of every call: its session may be none, and it is counted. */
const FAILURE = { type: 'application/json', schema: failureSchema, codes: ['400', '429'] };

export const successSchema = <T extends z.ZodType>(data: T) =>
  z.object({ success: z.literal(true), data, message: z.string() });

export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.object({
    success: z.literal(true),
    data: z.array(item),
    message: z.string(),
    pagination: z.object({ page: z.int(), page_size: z.int(), total: z.int(), total_pages: z.int() }),
  });

export const success = <T>(data: T, message: string) => ({ success: true as const, data, message });

export type Page = { readonly page: number; readonly pageSize: number; readonly total: number };

export const successPage = <T>(data: T[], { page, pageSize, total }: Page, message: string) => ({
  ...success(data, message),
  pagination: { page, page_size: pageSize, total, total_pages: Math.ceil(total / pageSize) },
});

function sendFailure(reply: FastifyReply, error: PlatformError, asked?: number): FastifyReply {
  const { status, code, detail: message, errors, fault, advice } = problemOf(error, asked);
  const retryAfter = retryAfterOf(error, status);
  const details = {
    errors,
    fault,
    advice,
    ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
  };
  const body = { success: false, error: { code, message, details } };
  return sendError(reply, { error, status, type: 'application/json', body });
}

/** For this prefix alone: errors of routes, of hooks before them, and of paths that are none. */
export function installEnvelope(app: Api): void {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, failure: FAILURE };
  });
  const refuseMethod = refuseWrongMethods(app);
  app.setErrorHandler((thrown, request, reply) => {
    const understood = understand(thrown);
    const [error, status] = (understood[1] === 404 && refuseMethod(request, reply)) || understood;
    // Who hung up hears no answer, and is no failure of ours.
    if (request.socket.destroyed) request.log.info({ err: thrown }, 'the client has gone');
    else if (status >= 500) request.log.error({ err: thrown }, 'request failed');
    return sendFailure(reply, error, status);
  });
  app.setNotFoundHandler((request, reply) => {
    const [error, status] = refuseMethod(request, reply) ?? [notThere(request), 404];
    return sendFailure(reply, error, status);
  });
}
