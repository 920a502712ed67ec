// What is to be done where a client leaves, or is refused, before its request is over. Used by routes whose work or body is long.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from '#api/context.ts';
import { PlatformError } from '#domain/error.ts';

/** Aborted when the connection closes: whoever has gone needs no answer. */
export function untilGone(reply: FastifyReply): AbortSignal {
  const control = new AbortController();
  reply.raw.once('close', () => control.abort(new PlatformError('canceled', 'The client has gone')));
  return control.signal;
}

/** What was not read of a refused body is read away: the connection serves the next request, and a browser looks at no answer before its file is sent. */
export function drainRefused(app: Api): void {
  app.addHook('onSend', readAway);
}

/** The same for one route: its `onSend`. */
export async function readAway({ raw }: Pick<FastifyRequest, 'raw'>): Promise<void> {
  if (raw.complete) return;
  raw.unpipe();
  raw.resume();
}
