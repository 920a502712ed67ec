// A real server on a fresh database and a folder of its own, with a worker where a test wants one. Used by the tests of this room.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pino from 'pino';
import type { Api } from '#api/context.ts';
import { createServer } from '#api/server.ts';
import { loadConfig } from '#config/load.ts';
import { type OpenPlatform, openPlatform } from '#platform.ts';
import { startWorker } from '#workflows/start-worker.ts';
import { freshDatabase } from '../kit/postgres.ts';
import { watchAnswers } from './documented-answers.ts';

export type TestServer = AsyncDisposable & {
  readonly base: string;
  readonly app: Api;
  readonly platform: OpenPlatform;
  readonly folder: string;
  /** JSON in, status, headers and parsed body out. */
  call(
    method: string,
    path: string,
    options?: { readonly body?: unknown; readonly headers?: Record<string, string> },
  ): Promise<Answer>;
};
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  readonly text: string;
};

export type ServerOptions = { readonly settings?: Record<string, string>; readonly works?: boolean };

/** Of a server that works: quick to encode, and not behind everything else that a busy machine does. What the defaults make is the matter of the tests of test/road. */
const WORKING = { ENCODE_PRESET: 'ultrafast', CHILD_NICENESS: '0' };

export async function openServer({ settings = {}, works = false }: ServerOptions = {}): Promise<TestServer> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'rendition-test-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const { url, drop } = await freshDatabase();
  stack.defer(drop);
  const config = loadConfig({
    DATABASE_URL: url,
    DATA_DIR: folder,
    PORT: '0',
    LOG_LEVEL: 'silent',
    ...(works && WORKING),
    ...settings,
  });
  const platform = stack.use(await openPlatform(config, { log: pino({ level: config.LOG_LEVEL }), works }));
  const app = await createServer(platform);
  stack.defer(() => app.close());
  const unlisted = watchAnswers(app);
  await app.listen({ host: config.HOST, port: 0 });
  if (works) {
    const worker = await startWorker(platform);
    stack.defer(() => worker.stop());
  }
  const [address] = app.addresses();
  const base = `http://127.0.0.1:${typeof address === 'object' ? address.port : 0}`;
  const parts = stack.move();
  return {
    base,
    app,
    platform,
    folder,
    call: async (method, target, { body, headers = {} } = {}) => {
      const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const response = await fetch(base + target, { method, headers: { ...type, ...headers }, ...sent });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') ?? false;
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text, text };
    },
    [Symbol.asyncDispose]: async () => {
      await parts.disposeAsync();
      assert.deepEqual(unlisted(), [], 'answers that /openapi.json does not list');
    },
  };
}

const run = promisify(execFile);

/** A small film with sound, in base64: 320x180, 24 frames/s, a tone. */
export async function makeFilm(folder: string, seconds: number): Promise<string> {
  const file = path.join(folder, `film-${seconds}.mp4`);
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=320x180:r=24:d=${seconds}`];
  const sound = ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:d=${seconds}`];
  await run('ffmpeg', [
    '-v',
    'error',
    '-y',
    ...picture,
    ...sound,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    '-c:a',
    'aac',
    '-shortest',
    file,
  ]);
  return (await readFile(file)).toString('base64');
}

/** Streams of a file or URL as ffprobe counts them. */
export async function probe(
  place: string,
  /** A stream alone, as ffprobe names it: FFmpeg's reader of DASH ends all where the first of several ends. */
  stream?: string,
): Promise<{ codec_name: string; width?: number; height?: number; nb_read_frames?: string }[]> {
  const { stdout } = await run('ffprobe', [
    '-v',
    'error',
    '-count_frames',
    ...(stream === undefined ? [] : ['-select_streams', stream]),
    '-show_entries',
    'stream=codec_name,width,height,nb_read_frames',
    '-of',
    'json',
    place,
  ]);
  return (JSON.parse(stdout) as { streams: { codec_name: string }[] }).streams;
}
