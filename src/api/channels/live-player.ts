// The script of the page that plays a live channel, and hls.js beside it. Wired by server.ts through api.ts.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Api } from '#api/context.ts';
import { PlatformError } from '#domain/error.ts';

const HLS = path.resolve(import.meta.dirname, '../../../node_modules/hls.js/dist/hls.light.min.mjs');
const page = { config: { scope: 'open' as const }, schema: { hide: true } };
const DAY = 86_400;

const SCRIPT = `const video = document.querySelector('video');
const status = document.querySelector('[role=status]');
const { source } = video.dataset;
const wait = () => new Promise((resolve) => setTimeout(resolve, 3000));
// A channel that is just starting has no playlist yet.
while (!(await fetch(source).catch(() => null))?.ok) { status.textContent = 'The channel is not on air yet.'; await wait(); }
status.textContent = '';
// Some browsers claim HLS of their own and play only part of it: theirs is the second choice.
const { default: Hls } = await import('/live-player/hls.js').catch(() => ({ default: null }));
if (!Hls?.isSupported()) video.src = source;
else {
  let player;
  const begin = () => {
    player?.destroy();
    player = new Hls({ liveSyncDurationCount: 2, backBufferLength: 30 });
    player.on(Hls.Events.ERROR, async (_, { fatal, type }) => {
      if (!fatal) return;
      if (type === Hls.ErrorTypes.MEDIA_ERROR) return player.recoverMediaError();
      status.textContent = 'The channel is interrupted.';
      await wait();
      begin();
    });
    player.on(Hls.Events.FRAG_BUFFERED, () => { status.textContent = ''; });
    player.loadSource(source);
    player.attachMedia(video);
  };
  begin();
}
`;

export function livePlayer(app: Api): void {
  app.get('/live-player.js', page, (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').header('Cache-Control', 'no-cache').send(SCRIPT),
  );
  app.get('/live-player/hls.js', page, async (_request, reply) => {
    if (!existsSync(HLS)) throw new PlatformError('not_found', 'hls.js is not installed');
    return reply
      .type('text/javascript; charset=utf-8')
      .header('Cache-Control', `public, max-age=${DAY}`)
      .send(await readFile(HLS));
  });
}
