// A bucket of a real S3 with a film, Redis, a server that encodes, and a backend that is down at first. Used by the tests of the encoder's road.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before } from 'node:test';
import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import type { Store } from '#storage/store.ts';
import { openServer, type TestServer } from '../api/open-server.ts';
import { makeBucket, openBucket, openClient } from '../kit/bucket.ts';
import { eventually } from '../kit/eventually.ts';
import { redisMissing, startRedis, type TestRedis } from '../kit/redis.ts';
import { freePort } from '../kit/server-process.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';
import { type Receiver, startReceiver } from '../kit/webhook-receiver.ts';
import { makeFilm } from './film.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const JOBS = '/api/encoder/jobs';
export const BUCKET = 'media';
export const SECONDS = 12;
/** Of SEGMENT_SECONDS. */
export const SEGMENTS = 6;

export type Shown = Record<string, unknown> & { id: string; status: string; error_message: string | null };
export type Told = {
  video_id: string;
  job_id: string;
  status: string;
  progress_percentage: number;
  hls_master_key: string | null;
  qualities: string[];
  duration: number;
  output_file_size: number | null;
  error_message: string | null;
};

const missing = swiftMissing() || redisMissing();
export const skip = missing ? { skip: missing } : {};

export let folder: string;
let swift: Swift;
export let redis: TestRedis;
export let client: S3Client;
export let store: Store;
export let film: Buffer;
let backendPort: number;
export let server: TestServer;
let receiver: Receiver | undefined;

export const settings = (): Record<string, string> => ({
  S3_ENDPOINT: swift.endpoint,
  AWS_ACCESS_KEY_ID: swift.accessKeyId,
  AWS_SECRET_ACCESS_KEY: swift.accessKeySecret,
  AWS_STORAGE_BUCKET_NAME: BUCKET,
  MAIN_BACKEND_URL: `http://127.0.0.1:${backendPort}/api/`,
  MAIN_BACKEND_API_KEY: 'backend-key-1',
  WEBHOOK_SECRET: SECRET,
  WORKER_ID: 'worker-1',
  SEGMENT_SECONDS: '2',
  SCRATCH_RESERVE_BYTES: '0',
});

/** Opens all of it before the tests of the file that imports this, and closes it behind them. */
before(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), 'rendition-encoder-'));
  const path = join(folder, 'film.mp4');
  const output = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '48', '-c:a', 'aac', '-movflags', '+faststart'];
  [swift, redis, backendPort] = await Promise.all([startSwift(), startRedis(), freePort()]);
  await makeFilm({ path, width: 640, height: 360, fps: '24', seconds: SECONDS, output });
  film = await readFile(path);
  await makeBucket(swift, BUCKET);
  client = openClient(swift);
  store = openBucket(swift, BUCKET);
  server = await openServer({ works: true, settings: { ...settings(), REDIS_URL: redis.url } });
});
after(async () => {
  if (missing) return;
  await server?.[Symbol.asyncDispose]();
  await receiver?.stop();
  await redis?.[Symbol.asyncDispose]();
  await store?.close();
  client?.destroy();
  await swift?.stop();
  await rm(folder, { recursive: true, force: true });
});

export const submission = (videoId: string, more: object = {}) => ({
  video_id: videoId,
  s3_original_key: `videos/${videoId}/original/video.mp4`,
  s3_hls_folder_key: `videos/${videoId}/hls`,
  input_file_size: film.length,
  duration: SECONDS,
  quality_presets: ['720p', '360p', '240p'],
  ...more,
});
export const put = (videoId: string, bytes: Buffer = film) =>
  store.write(`videos/${videoId}/original/video.mp4`, bytes);
export async function submit(videoId: string, more: object = {}, to: TestServer = server): Promise<string> {
  const answer = await to.call('POST', `${JOBS}/submit_job/`, { body: submission(videoId, more) });
  assert.equal(answer.status, 201, answer.text);
  return (answer.body as Shown).id;
}
const look = async (id: string, at: TestServer = server) => (await at.call('GET', `${JOBS}/${id}/`)).body as Shown;
export const ended = (id: string, at: TestServer = server): Promise<Shown> =>
  eventually(() => look(id, at), { until: ({ status }) => status === 'completed' || status === 'failed' });
export async function logs(id: string, at: TestServer = server): Promise<string[]> {
  const { results } = (await at.call('GET', `${JOBS}/${id}/logs/`)).body as {
    results: { level: string; message: string }[];
  };
  return results.map(({ level, message }) => `${level}: ${message}`);
}
export const told = (videoId: string): Told[] =>
  (receiver?.received ?? []).map(({ body }) => JSON.parse(body) as Told).filter(({ video_id }) => video_id === videoId);

/** Everything below a folder of the bucket. */
export async function listed(prefix: string): Promise<string[]> {
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: BUCKET,
        Prefix: `${prefix}/`,
        ...(token ? { ContinuationToken: token } : {}),
      }),
    );
    names.push(...(page.Contents ?? []).map(({ Key = '' }) => Key.slice(prefix.length + 1)));
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token);
  return names.sort();
}
export const numbered = (name: string, count: number, end: string) =>
  Array.from({ length: count }, (_, i) => `${name}/segment_${String(i).padStart(5, '0')}.${end}`);

/** The bucket as a web server, with the headers that its objects were given. */
export async function serveBucket(): Promise<AsyncDisposable & { readonly origin: string }> {
  const web = createServer(async (request, response) => {
    try {
      const key = decodeURIComponent(new URL(request.url ?? '/', 'http://bucket').pathname).slice(1);
      const { size, contentType } = await store.stat(key);
      response.writeHead(200, { 'content-type': contentType ?? '', 'content-length': size ?? 0 });
      await pipeline(await store.read(key), response);
    } catch (error) {
      if (!response.headersSent) response.writeHead(404);
      response.end(String(error));
    }
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const address = web.address();
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    [Symbol.asyncDispose]: async () => {
      web.closeAllConnections();
      await new Promise((resolve) => web.close(resolve));
    },
  };
}

/** The backend comes up, if it is not; what it hears is what `told` gives. */
export async function startBackend(): Promise<Receiver> {
  receiver ??= await startReceiver(SECRET, undefined, backendPort);
  return receiver;
}
