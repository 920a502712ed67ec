// The speed test: random bytes out, bytes counted that come in. Wired by api.ts.
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Api } from '#api/context.ts';
import { acceptBytesOrFile, takesBytes, wholeOr } from '#api/videos/forms.ts';

const tags = ['videos: upload'];
/** bytes of one answer of the speed test at the most, and where nothing is said */
const MOST_SPEED_BYTES = 1024 ** 3;
const USUAL_SPEED_BYTES = 10 * 1024 ** 2;
/** Random, so that nothing on the way compresses it; sent again and again, so that it costs nothing. */
const SPEED_BLOCK = 1024 ** 2;

export function speedTestRoutes(app: Api): void {
  void app.register(async (room: Api) => {
    // A browser's Blob has no type, and curl calls everything a form.
    acceptBytesOrFile(room);
    addRoutes(room);
  });
}

function addRoutes(app: Api): void {
  const block = randomBytes(SPEED_BLOCK);
  const config = { scope: 'read' as const };
  app.get(
    '/api/speedtest',
    {
      config,
      schema: {
        tags,
        summary: 'So many random bytes',
        querystring: z.object({ bytes: wholeOr(USUAL_SPEED_BYTES, 0, MOST_SPEED_BYTES) }),
      },
    },
    async (request, reply) => {
      const { bytes } = request.query;
      return reply
        .header('Cache-Control', 'no-store')
        .header('Content-Length', String(bytes))
        .type('application/octet-stream')
        .send(request.method === 'HEAD' ? undefined : Readable.from(blocks(block, bytes), { objectMode: false }));
    },
  );
  app.post(
    '/api/speedtest',
    {
      config: { ...config, takes: takesBytes },
      schema: {
        tags,
        summary: 'Counts what it is sent',
        response: { 200: z.object({ bytes: z.int(), seconds: z.number() }) },
      },
    },
    async (request, reply) => {
      const started = performance.now();
      let bytes = 0;
      if (request.isMultipart()) {
        for await (const part of request.parts()) {
          if (part.type === 'file') for await (const piece of part.file) bytes += (piece as Buffer).length;
        }
      } else if (request.body instanceof Readable) {
        for await (const piece of request.body) bytes += (piece as Buffer).length;
      }
      reply.header('Cache-Control', 'no-store');
      return { bytes, seconds: Math.round(performance.now() - started) / 1000 };
    },
  );
}

function* blocks(block: Buffer, bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block;
}
