// Whole jobs with the real FFmpeg and real executors: sources of every kind, failures by name, cancel, dry run.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { listJobLog } from '#database/job-log.ts';
import { findJob } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { listTasks } from '#database/tasks.ts';
import { PlatformError } from '#domain/error.ts';
import type { JobRequest } from '#domain/job.ts';
import type { Location } from '#domain/location.ts';
import { detectTool } from '#media/capabilities.ts';
import { RUN_MARK } from '#media/ffmpeg.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import { sourceKey } from '#workflows/job-storage.ts';
import { planJob } from '#workflows/plan-job.ts';
import { runMark } from '#workflows/run-mark.ts';
import { startWorker, type Worker } from '#workflows/start-worker.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { eventually } from '../kit/eventually.ts';
import { startFaultProxy } from '../kit/fault-proxy.ts';
import { type FileServer, startFileServer } from '../kit/http-server.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type MadeMedia, openMadeMedia } from '../media/made-media.ts';
import { LIMITS } from '../media/sample-facts.ts';
import { jobRequest, openTestPlatform, streamSpec, type TestPlatform } from './test-platform.ts';

let fresh: FreshDatabase;
let opened: TestPlatform;
let worker: Worker;
let server: FileServer;
let media: MadeMedia;
let film = '';

before(async () => {
  [fresh, media] = await Promise.all([freshDatabase(), openMadeMedia()]);
  server = await startFileServer({
    behave: (request, response) => {
      // Sends for ever, and says no length.
      if (request.url !== '/endless') return false;
      response.writeHead(200);
      if (request.method === 'HEAD') return Boolean(response.end());
      const timer = setInterval(() => response.write(Buffer.alloc(1 << 20)), 1);
      response.on('close', () => clearInterval(timer));
      return true;
    },
  });
  film = await media.make(
    'film.mp4',
    '-f lavfi -i testsrc2=size=320x240:rate=25:duration=8 -f lavfi -i sine=440:duration=8 -c:v libx264 -preset ultrafast -c:a aac -shortest',
  );
  await media.make('picture.png', '-f lavfi -i testsrc2=size=321x241 -frames:v 1');
  for (const name of ['film.mp4', 'picture.png']) {
    server.files.set(`/${name}`, {
      bytes: await readFile(media.path(name)),
      type: 'application/octet-stream',
      etag: `"${name}"`,
      modified: new Date(0).toUTCString(),
    });
  }
  server.files.set('/words.mp4', {
    bytes: Buffer.from('these are words, no film'),
    type: 'video/mp4',
    etag: '"w"',
    modified: new Date(0).toUTCString(),
  });
  const tool = await detectTool({
    ffmpegPath: 'ffmpeg',
    ffprobePath: 'ffprobe',
    limits: LIMITS.child,
    hwaccel: 'none',
  });
  const settings = {
    MAX_SOURCE_BYTES: '20000000',
    FILE_ROOTS: media.folder,
    WORKER_CONCURRENCY: '1',
    VIDEO_QUALITY_PRESETS: '240p,360p',
  };
  opened = await openTestPlatform(fresh.database, { tool, settings });
  worker = await startWorker(opened.platform);
});
after(async () => {
  await worker.stop();
  await opened.close();
  await server.stop();
  await fresh.drop();
  await media[Symbol.asyncDispose]();
});

const http = (path: string, port = server.port): Location => ({
  kind: 'http',
  url: `http://127.0.0.1:${port}${path}`,
  headers: {},
  method: 'PUT',
});

async function submit(changes: Partial<JobRequest>) {
  const { job } = await submitJob(opened.platform, jobRequest(changes));
  return { projectId: 'default', jobId: job.id };
}
type Ref = Awaited<ReturnType<typeof submit>>;

async function find(ref: Ref) {
  const job = await findJob(fresh.database.db, ref, opened.platform.sealer);
  assert.ok(job);
  return job;
}

async function finished(ref: Ref) {
  await eventually(async () => assert.ok((await find(ref)).completedAt));
  return { job: await find(ref), outputs: await listOutputs(fresh.database.db, ref, opened.platform.sealer) };
}

async function completed(ref: Ref) {
  const { job, outputs } = await finished(ref);
  const said = await listJobLog(fresh.database.db, ref);
  assert.equal(job.status, 'completed', `${job.error?.message}\n${said.map(({ line }) => line).join('\n')}`);
  return { job, outputs };
}

async function ourChildren(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    const environment =
      /^\d+$/.test(pid) && Number(pid) !== process.pid
        ? await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
        : '';
    if (environment.split('\0').includes(`${RUN_MARK}=${runMark()}`)) found.push(pid);
  }
  return found;
}

test('a film from the web becomes a stream, a file and its sound', async () => {
  const ref = await submit({
    source: http('/film.mp4'),
    outputs: [
      streamSpec({ storyboard: true, instant: true }),
      streamSpec({ container: 'mp4', height: 240 }),
      streamSpec({ container: 'mp3' }),
    ],
  });
  const { job, outputs } = await completed(ref);
  assert.equal(job.sourceKey, sourceKey(job.uuid));
  assert.equal(job.progress, 100);
  const [stream, file, sound] = outputs.map(({ result }) => result);
  assert.deepEqual(
    stream?.renditions.map(({ name, width, height }) => [name, width, height]),
    [['240p', 320, 240]],
  );
  assert.ok(Math.abs((stream?.duration ?? 0) - 8) < 0.1 && (stream?.size ?? 0) > 10_000);
  assert.ok(stream?.thumbnails.includes('poster.jpg'), JSON.stringify(stream?.files));
  assert.deepEqual([file?.width, file?.height, file?.videoCodec, file?.audioCodec], [320, 240, 'h264', 'aac']);
  assert.deepEqual(
    [sound?.videoCodec, sound?.audioCodec, sound?.files.map(({ mediaType }) => mediaType)],
    [null, 'mp3', ['audio/mpeg']],
  );
  for (const task of await listTasks(fresh.database.db, ref)) {
    for (const { key, size } of task.result?.files ?? [])
      assert.equal((await opened.platform.storage.stat(key)).size, size);
  }
  // Lines reach the log some together, a moment after they were said.
  await eventually(async () => {
    const log = await listJobLog(fresh.database.db, ref);
    assert.ok(log.some(({ task, line }) => task === 'chunk 0' && line.startsWith('$ ffmpeg ')));
  });
  assert.deepEqual(await ourChildren(), []);
});

test('a local file is read in place and nothing of it is copied', async () => {
  const ref = await submit({ source: { kind: 'file', path: film }, outputs: [streamSpec({ container: 'mp4' })] });
  const { job } = await completed(ref);
  assert.equal(job.sourceKey, null);
  await assert.rejects(opened.platform.storage.stat(sourceKey(job.uuid)), PlatformError);
});

test('a transfer that breaks off is resumed', async () => {
  const proxy = await startFaultProxy({ target: server.port, fault: (n) => (n === 1 ? { cutAfter: 60_000 } : {}) });
  try {
    const { job } = await completed(
      await submit({ source: http('/film.mp4', proxy.port), outputs: [streamSpec({ container: 'm4a' })] }),
    );
    // The source itself is gone with the job's completion; the probe had seen it whole.
    assert.equal(job.facts?.size, server.files.get('/film.mp4')?.bytes.length);
    assert.ok(proxy.connections() >= 2);
  } finally {
    await proxy.stop();
  }
});

test('a picture becomes a film, and pictures', async () => {
  const data = (await readFile(media.path('picture.png'))).toString('base64');
  const source = { kind: 'inline' as const, data, filename: 'picture.png' };
  const video = await completed(
    await submit({
      source,
      outputs: [streamSpec({ container: 'mp4' }), streamSpec({ container: 'webp', width: 100 })],
    }),
  );
  assert.ok(video.job.sourceKey?.endsWith('original'), 'the film is made of a PNG beside the original');
  assert.deepEqual(
    video.outputs.map(({ result }) => [result?.width, result?.height]),
    [
      [320, 240],
      [100, 76],
    ],
  );
  const picture = await completed(await submit({ source, outputs: [streamSpec({ container: 'jpg' })] }));
  assert.ok(picture.job.sourceKey?.endsWith('original'), 'for pictures alone the original is used');
});

test('what cannot be done fails by name, and leaves the worker alive', async () => {
  const cases: readonly (readonly [Location, string, Partial<Parameters<typeof streamSpec>[0]>?])[] = [
    [http('/nothing-here.mp4'), 'source_not_found'],
    [http('/words.mp4'), 'not_media'],
    [http('/endless'), 'source_too_large'],
    [{ kind: 'http', url: 'http://169.254.169.254/latest', headers: {}, method: 'PUT' }, 'source_refused_address'],
  ];
  for (const [source, code] of cases) {
    const { job, outputs } = await finished(await submit({ source }));
    assert.deepEqual([job.status, outputs.map(({ status }) => status)], ['failed', ['failed']]);
    assert.equal(job.error?.code, code, `${JSON.stringify(source)}: ${job.error?.message}`);
  }
  // What is known by then is refused at once.
  await assert.rejects(submit({ source: { kind: 'file', path: '/etc/passwd' } }), { code: 'source_denied' });
});

test('cancel ends FFmpeg at once', { skip: process.platform === 'linux' ? false : 'needs /proc' }, async (t) => {
  const long = await media.make(
    'long.mp4',
    '-f lavfi -i testsrc2=size=640x360:rate=30:duration=4 -c:v libx264 -preset ultrafast -crf 45',
  );
  const ref = await submit({
    source: { kind: 'file', path: long },
    outputs: [streamSpec({ container: 'mp4', preset: 'veryslow' })],
  });
  await eventually(async () => {
    const states = (await listTasks(fresh.database.db, ref)).map(({ kind, status }) => `${kind} ${status}`);
    assert.ok(
      states.includes('chunk processing'),
      `${states.join()} of a job ${JSON.stringify((await find(ref)).error)}`,
    );
    // Stopped, it does not end by itself.
    const children = await ourChildren();
    for (const pid of children) process.kill(Number(pid), 'SIGSTOP');
    assert.ok(children.length > 0);
  });
  const asked = performance.now();
  await cancelJob(opened.platform, ref);
  await eventually(async () => assert.deepEqual(await ourChildren(), []));
  t.diagnostic(`ended ${(performance.now() - asked).toFixed(0)} ms after it was asked`);
});

test('a dry run tells the plan and leaves nothing', async () => {
  const { platform, folder } = opened;
  const keys = async () => {
    const found = new Set<string>();
    for await (const { key } of platform.storage.list('')) found.add(key);
    return found;
  };
  const before = await keys();
  const { facts, plan } = await planJob(platform, {
    source: http('/film.mp4'),
    outputs: [streamSpec()],
    signal: new AbortController().signal,
  });
  assert.deepEqual(
    [facts.video?.width, plan.video.map(({ name }) => name), plan.tasks.map(({ kind }) => kind)],
    [320, ['240p'], ['chunk', 'audio']],
  );
  // What was canceled before may still be on its way out.
  assert.deepEqual(
    [...(await keys())].filter((key) => !before.has(key)),
    [],
  );
  const [own = ''] = await readdir(join(folder, 'scratch'));
  await eventually(async () => assert.deepEqual(await readdir(join(folder, 'scratch', own)), []));
});
