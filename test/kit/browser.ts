// A real Chromium with hls.js, playing what a server gives out. Used by tests of streams.
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { chromium } from 'playwright-core';

export const CHROMIUM = '/usr/bin/chromium';
/** How it is started. */
export const BROWSER = {
  executablePath: CHROMIUM,
  args: [
    '--no-sandbox',
    '--disable-dev-shm-usage',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--autoplay-policy=no-user-gesture-required',
  ],
  headless: true,
};
const PAGE =
  '<!doctype html><title>player</title><video id="video" playsinline></video><script src="/hls.js"></script>';

/** What a player saw. */
export type Playback = {
  /** Every miss as a sentence; none where it plays well. */
  readonly misses: readonly string[];
  readonly width: number;
  readonly height: number;
  /** seconds */
  readonly duration: number;
  readonly audioBytes: number;
  readonly levels: number;
};

export type PlaybackWish = {
  /** Master playlist on loopback. */
  readonly url: string;
  /** width ÷ height; null for sound alone */
  readonly aspect: number | null;
  readonly hasAudio: boolean;
  /** seconds */
  readonly duration: number;
};

export type Player = AsyncDisposable & { readonly play: (wish: PlaybackWish) => Promise<Playback> };

/** Starts one browser and the page's server. An empty profile of its own; nothing but loopback is asked for. */
export async function startPlayer(): Promise<Player> {
  const library = await readFile(createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js'));
  let origin = '';
  const server = createServer((request, response) => {
    answer(request, response, { library, origin }).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502);
      response.end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // playwright makes a new profile folder for each launch and removes it.
  const browser = await chromium.launch(BROWSER);
  return {
    play: async (wish) => {
      origin = new URL(wish.url).origin;
      const { pathname, search } = new URL(wish.url);
      const page = await browser.newPage();
      try {
        await page.goto(`http://127.0.0.1:${portOf(server)}/`, { timeout: 0 });
        const seen = await page.evaluate(playInPage, {
          url: pathname + search,
          hasAudio: wish.hasAudio,
          hasVideo: wish.aspect !== null,
          duration: wish.duration,
        });
        return { ...seen, misses: [...seen.misses, ...aspectMiss(seen, wish.aspect)] };
      } finally {
        await page.close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the page server does not listen');
  return address.port;
}

/** The page and its library; everything else comes from the server under test, so that page and media have one origin. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { library, origin }: { library: Buffer; origin: string },
): Promise<void> {
  const path = request.url ?? '/';
  if (path === '/') return void response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
  if (path === '/hls.js') return void response.writeHead(200, { 'content-type': 'text/javascript' }).end(library);
  const { range } = request.headers;
  const upstream = await fetch(origin + path, { headers: range === undefined ? {} : { range } });
  const headers = [...upstream.headers].filter(
    ([name]) => !['content-encoding', 'content-length', 'transfer-encoding', 'connection'].includes(name),
  );
  response.writeHead(upstream.status, Object.fromEntries(headers));
  if (!upstream.body) return void response.end();
  await pipeline(Readable.fromWeb(upstream.body), response);
}

/** Pixels of a small picture are rounded: two of them are forgiven. */
function aspectMiss({ width, height }: { width: number; height: number }, aspect: number | null): string[] {
  if (aspect === null) return [];
  const off =
    Math.abs(width - height * aspect) > 2 + 2 * Math.max(1, aspect) && Math.abs(width / height / aspect - 1) > 0.02;
  return off ? [`the browser shows ${width}x${height}, which is not ${aspect.toFixed(3)}`] : [];
}

type InPage = {
  readonly url: string;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  readonly duration: number;
};

// Runs in the page: nothing of this file's other names exists there.
async function playInPage({ url, hasAudio, hasVideo, duration }: InPage): Promise<Playback> {
  type Library = {
    new (options: object): Library;
    Events: Record<string, string>;
    on(event: string, listener: (event: string, data: { fatal: boolean; type: string; details: string }) => void): void;
    loadSource(url: string): void;
    attachMedia(video: object): void;
    destroy(): void;
    levels: unknown[];
    currentLevel: number;
    nextLevel: number;
  };
  type Video = {
    currentTime: number;
    duration: number;
    readyState: number;
    ended: boolean;
    videoWidth: number;
    videoHeight: number;
    error: { code: number; message: string } | null;
    muted: boolean;
    webkitAudioDecodedByteCount: number;
    play(): Promise<void>;
    pause(): void;
    seeking: boolean;
  };
  const scope = globalThis as unknown as { Hls: Library; document: { getElementById(id: string): Video } };
  const video = scope.document.getElementById('video');
  const misses: string[] = [];
  const fatal: string[] = [];
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const until = async (seconds: number, holds: () => boolean) => {
    const end = Date.now() + seconds * 1000;
    while (!holds() && fatal.length === 0 && Date.now() < end) await wait(25);
    return holds();
  };
  const hls = new scope.Hls({ enableWorker: true });
  hls.on(scope.Hls.Events.ERROR ?? 'hlsError', (_event, data) => {
    if (data.fatal) fatal.push(`${data.type} ${data.details}`);
  });
  hls.attachMedia(video);
  hls.loadSource(url);
  await until(120, () => video.readyState >= 2);
  video.play().catch((error: unknown) => fatal.push(String(error)));
  // A second of playing, or to the end of what is shorter.
  const goal = Math.min(1, duration * 0.8);
  if (!(await until(120, () => video.ended || video.currentTime >= goal)))
    misses.push(`playing stops at ${video.currentTime.toFixed(2)} s (state ${video.readyState})`);
  if (Math.abs(video.duration - duration) > 0.15)
    misses.push(`the browser says ${video.duration.toFixed(3)} s instead of ${duration.toFixed(3)}`);
  const [width, height] = [video.videoWidth, video.videoHeight];
  if (hasVideo && width === 0) misses.push('the browser shows no picture');
  const isLong = duration >= 3;
  if (isLong) {
    const place = duration * 0.6;
    video.currentTime = place;
    const played = await until(
      120,
      () => !video.seeking && (video.ended || video.currentTime >= Math.min(place + 0.5, duration - 0.1)),
    );
    if (!played) misses.push(`after seeking to ${place.toFixed(1)} s it stops at ${video.currentTime.toFixed(2)}`);
  }
  if (isLong && hls.levels.length > 1) {
    const other = hls.currentLevel > 0 ? 0 : hls.levels.length - 1;
    const sizes = hls.levels as { height: number }[];
    let switched = false;
    // A flush that meets the end of a short stream's loading is now and then lost by hls.js: a viewer would choose again.
    for (let tries = 0; tries < 2 && !switched; tries++) {
      // Standing still meanwhile: playing on, a short stream would be at its end before the other level came.
      video.pause();
      video.currentTime = duration * 0.2;
      await until(120, () => !video.seeking && video.readyState >= 2);
      hls.currentLevel = other;
      await until(5, () => video.videoHeight === sizes[other]?.height && video.readyState >= 3);
      video.play().catch(() => undefined);
      const shown = () => video.videoHeight === sizes[other]?.height && video.currentTime >= duration * 0.2 + 0.3;
      await until(120, () => video.ended || shown());
      switched = shown();
    }
    if (!switched)
      misses.push(
        `switching to ${sizes[other]?.height}p does not play: ${video.videoHeight} lines at ${video.currentTime.toFixed(2)} s, level ${hls.currentLevel}, state ${video.readyState}${video.ended ? ', ended' : ''}${video.seeking ? ', seeking' : ''}`,
      );
  }
  const audioBytes = video.webkitAudioDecodedByteCount;
  if (hasAudio && !(audioBytes > 0)) misses.push('the browser decodes no sound');
  if (video.error) misses.push(`the browser says: ${video.error.message}`);
  misses.push(...fatal.map((text) => `hls.js gave up: ${text}`));
  const result = { misses, width, height, duration: video.duration, audioBytes, levels: hls.levels.length };
  hls.destroy();
  return result;
}
