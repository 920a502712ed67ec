// Soak of the encoder: two workers, one of them killed with -9 again and again, until a film is in the bucket. `npm run test:encoder-soak`; some minutes.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openServer } from '../api/open-server.ts';
import { makeBucket, openBucket } from '../kit/bucket.ts';
import { needTool, readMaster } from '../kit/decode.ts';
import { eventually } from '../kit/eventually.ts';
import { startSwift, swiftMissing } from '../kit/swift.ts';
import { startReceiver } from '../kit/webhook-receiver.ts';
import { makeFilm } from '../road/film.ts';
import { killTree, startWorkerProcess, type WorkerProcess } from '../road/processes.ts';

const SECONDS = 180;
const FPS = 25;
const KILLS = 6;
const BETWEEN_MS = 6000;
const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

test('workers are killed while they encode and upload: the bucket holds the film, whole and once', {
  skip: swiftMissing(),
}, async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'rendition-soak-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const swift = await startSwift();
  stack.defer(() => swift.stop());
  const receiver = await startReceiver(SECRET);
  stack.defer(() => receiver.stop());
  await makeBucket(swift, 'media');
  const store = openBucket(swift, 'media');
  stack.defer(() => store.close());
  const path = join(folder, 'film.mp4');
  await makeFilm({
    path,
    width: 426,
    height: 240,
    fps: String(FPS),
    seconds: SECONDS,
    output: ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-c:a', 'aac'],
  });
  await store.write('v/film.mp4', await readFile(path));
  const settings = {
    S3_ENDPOINT: swift.endpoint,
    AWS_ACCESS_KEY_ID: swift.accessKeyId,
    AWS_SECRET_ACCESS_KEY: swift.accessKeySecret,
    AWS_STORAGE_BUCKET_NAME: 'media',
    MAIN_BACKEND_URL: receiver.origin,
    WEBHOOK_SECRET: SECRET,
    SECRET_KEY: 'ab'.repeat(32),
    SEGMENT_SECONDS: '2',
    QUEUE_MAX_ATTEMPTS: '20',
    QUEUE_VISIBILITY_TIMEOUT_MS: '10000',
    SCRATCH_RESERVE_BYTES: '0',
  };
  const server = stack.use(await openServer({ settings }));
  const { DATABASE_URL = '' } = server.platform.config;
  const start = () =>
    startWorkerProcess({ ...settings, DATABASE_URL, DATA_DIR: server.folder, WORKER_CONCURRENCY: '1' });
  const workers: WorkerProcess[] = [await start(), await start()];
  stack.defer(async () => void (await Promise.all(workers.map(({ pid }) => killTree(pid)))));
  const wish = {
    video_id: 'film',
    s3_original_key: 'v/film.mp4',
    s3_hls_folder_key: 'v/hls',
    quality_presets: ['240p'],
    preset: 'slower',
  };
  const { id } = (await server.call('POST', '/api/encoder/jobs/submit_job/', { body: wish })).body as { id: string };
  const look = async () =>
    (await server.call('GET', `/api/encoder/jobs/${id}/`)).body as { status: string; error_message: string | null };
  let killed = 0;
  while (killed < KILLS && ['pending', 'processing'].includes((await look()).status)) {
    await sleep(BETWEEN_MS);
    const victim = workers[killed % 2];
    if (victim) await killTree(victim.pid);
    workers[killed % 2] = await start();
    killed += 1;
  }
  console.log(`${killed} workers killed`);
  const job = await eventually(look, { until: ({ status }) => status === 'completed' || status === 'failed' });
  assert.deepEqual([job.status, job.error_message], ['completed', null]);

  const names: string[] = [];
  for await (const { key } of store.list('v/hls/')) names.push(key.slice('v/hls/'.length));
  const segments = Array.from({ length: SECONDS / 2 }, (_, i) => `240p/segment_${String(i).padStart(5, '0')}.ts`);
  assert.deepEqual(names.sort(), ['240p/playlist.m3u8', ...segments, 'master.m3u8']);
  const web = createServer(async (request, response) => {
    const key = (request.url ?? '/').slice(1);
    await pipeline(await store.read(key), response.writeHead(200)).catch((error: unknown) =>
      response.destroy(error as Error),
    );
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void web.close());
  const address = web.address();
  const master = await readMaster(
    `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v/hls/master.m3u8`,
  );
  const count = `-v error -count_frames -select_streams v:0 -show_entries stream=nb_read_frames -of csv=p=0`;
  const { stdout } = await needTool('ffprobe', [...count.split(' '), master.variants[0]?.url ?? '']);
  assert.equal(Number.parseInt(String(stdout), 10), SECONDS * FPS);

  // Told in order; a sender that was killed may have told twice, but never an older one after a later one.
  const told = await eventually(
    async () =>
      receiver.received.map(({ body }) => JSON.parse(body) as { status: string; progress_percentage: number }),
    { until: (all) => all.at(-1)?.status === 'completed' },
  );
  const steps = told.map(({ progress_percentage }) => progress_percentage);
  assert.deepEqual(
    steps,
    [...steps].sort((a, b) => a - b),
  );
});
