// What other sites need to show a video or a channel in their pages (oembed.com). Wired by server.ts with what its APIs play.
import { z } from 'zod';
import { type Api, type ApiContext, baseUrl } from '#api/context.ts';
import { problemSchema } from '#api/errors.ts';
import { escapeText, type FrameSize, type Playable } from '#api/player-page.ts';
import { PlatformError } from '#domain/error.ts';

/** What stands behind the address of a page; null where it is none of this API's, or none that anybody may see. */
export type FindPlayable = (context: ApiContext, address: URL, base: string) => Promise<Playable | null>;

/** Where the page itself says that its description is. */
export const oembedUrl = (base: string, watchUrl: string): string =>
  `${base}/oembed?format=json&url=${encodeURIComponent(watchUrl)}`;

const querystring = z.object({
  url: z.string().max(2000),
  format: z.string().optional(),
  maxwidth: z.coerce.number().int().min(1).optional(),
  maxheight: z.coerce.number().int().min(1).optional(),
});
const view = z.object({
  version: z.string(),
  type: z.string(),
  provider_name: z.string(),
  provider_url: z.string(),
  title: z.string(),
  width: z.int(),
  height: z.int(),
  thumbnail_url: z.string().optional(),
  thumbnail_width: z.int().optional(),
  thumbnail_height: z.int().optional(),
  html: z.string(),
});

export function oembedRoute(app: Api, context: ApiContext, finders: readonly FindPlayable[]): void {
  app.get(
    '/oembed',
    {
      config: { scope: 'open' },
      schema: {
        tags: ['players'],
        summary: 'How to show a video or a channel in a page (oembed.com)',
        querystring,
        response: { 200: view, 404: problemSchema, 501: z.string() },
      },
    },
    async (request, reply) => {
      const { url, format = 'json', ...bounds } = request.query;
      reply.header('Access-Control-Allow-Origin', '*');
      if (format !== 'json') return reply.code(501).type('text/plain').send('json is the only format');
      const base = baseUrl(context, request);
      const found = await find(url, base);
      const { title, posterUrl, embedUrl } = found;
      const { width, height } = fitted(found.size, bounds);
      return reply.send({
        version: '1.0',
        type: 'video',
        provider_name: 'Rendition',
        provider_url: base,
        title,
        width,
        height,
        // All three or none (§2.3.4).
        ...(posterUrl === null ? {} : { thumbnail_url: posterUrl, thumbnail_width: width, thumbnail_height: height }),
        html: `<iframe src="${escapeText(embedUrl)}" width="${width}" height="${height}" title="${escapeText(title)}" frameborder="0" allow="fullscreen; picture-in-picture; autoplay" allowfullscreen></iframe>`,
      });
    },
  );

  async function find(url: string, base: string): Promise<Playable> {
    const address = URL.parse(url, base);
    if (address?.host === new URL(base).host)
      for (const finder of finders) {
        const found = await finder(context, address, base);
        if (found) return found;
      }
    throw new PlatformError('not_found', `${JSON.stringify(url)} is no page here that anybody may see`);
  }
}

type Bounds = { readonly maxwidth?: number | undefined; readonly maxheight?: number | undefined };

function fitted(size: FrameSize, { maxwidth, maxheight }: Bounds): FrameSize {
  const scale = Math.min(1, (maxwidth ?? size.width) / size.width, (maxheight ?? size.height) / size.height);
  return { width: Math.max(1, Math.round(size.width * scale)), height: Math.max(1, Math.round(size.height * scale)) };
}
