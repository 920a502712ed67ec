// Why a page plays nothing, as a page: whoever opens the link of a video that is gone reads a sentence, not JSON. Used by the routes of player pages.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { retryAfterOf, understand } from '#api/errors.ts';
import { sendPage } from '#api/player-page.ts';

/** What viewers are told apart; the page has the words (dashboard/watch/text). */
type Trouble = 'missing' | 'expired' | 'denied' | 'away';

/** Browsers name HTML when they open a page; programs and `fetch` do not. */
const wantsPage = ({ headers }: FastifyRequest): boolean => headers.accept?.includes('text/html') ?? false;

/** The `errorHandler` of the route of a page. Programs are told as everywhere. */
export const tellOnPage =
  (isEmbedded: boolean) =>
  async (thrown: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    if (!wantsPage(request)) return reply.send(thrown);
    const [error, status] = understand(thrown);
    if (status >= 500) request.log.error({ err: thrown }, 'request failed');
    const retryAfter = retryAfterOf(error, status);
    if (retryAfter !== undefined) reply.header('Retry-After', String(retryAfter));
    const trouble: Trouble =
      error.code === 'playback_expired'
        ? 'expired'
        : status === 404
          ? 'missing'
          : status === 401 || status === 403
            ? 'denied'
            : 'away';
    const head = [
      '<title>Rendition</title>',
      '<meta name="robots" content="noindex">',
      `<script type="application/json" id="video">${JSON.stringify({ trouble, isEmbedded })}</script>`,
    ].join('\n    ');
    return sendPage(reply.code(status).header('Cache-Control', 'no-store'), { head, isEmbedded });
  };
