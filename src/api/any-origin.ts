// Addresses that pages of every origin may ask for, whatever CORS_ALLOWED_ORIGINS says: what lies there is opened by its address alone. Used by routes that players ask.
import type { Api } from '#api/context.ts';

/** Neither cookies nor keys of a browser open it, so none are let along. */
const ANY_ORIGIN = { cors: { origin: '*', credentials: false, methods: ['GET', 'HEAD'] } } as object;

/**
 * Answers the preflights of browsers below `url`: a player that sends a header of its own, or asks for a range, asks first.
 * The answers themselves carry `Access-Control-Allow-Origin: *` by their routes.
 */
export function allowAnyOrigin(app: Api, url: string): void {
  app.options(url, { config: { scope: 'open', ...ANY_ORIGIN }, schema: { hide: true } }, async (_request, reply) =>
    reply.callNotFound(),
  );
}
