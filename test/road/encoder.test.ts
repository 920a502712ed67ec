// The encoder on its whole road, against a real S3 and a backend that was down at first: what lies in the bucket, what plays, what is told.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { CreateBucketCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { PlatformError } from '#domain/error.ts';
import { openS3 } from '#storage/s3.ts';
import type { Store } from '#storage/store.ts';
import { startWorker } from '#workflows/start-worker.ts';
import { EXECUTORS } from '#workflows/tasks/executors.ts';
import { openServer, type TestServer, until } from '../api/open-server.ts';
import { CHROMIUM, startPlayer } from '../kit/browser.ts';
import { describeMedia, needTool, readMaster, runTool } from '../kit/decode.ts';
import { eventually } from '../kit/eventually.ts';
import { redisMissing, startRedis, type TestRedis } from '../kit/redis.ts';
import { freePort, missingPrograms } from '../kit/server-process.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';
import { type Receiver, startReceiver } from '../kit/webhook-receiver.ts';
import { makeFilm } from './film.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const JOBS = '/api/encoder/jobs';
const BUCKET = 'media';
const SECONDS = 12;
/** Of SEGMENT_SECONDS. */
const SEGMENTS = 6;

type Shown = Record<string, unknown> & { id: string; status: string; error_message: string | null };
type Told = {
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
const skip = missing ? { skip: missing } : {};

let folder: string;
let swift: Swift;
let redis: TestRedis;
let client: S3Client;
let store: Store;
let film: Buffer;
let backendPort: number;
let server: TestServer;
let receiver: Receiver | undefined;

const settings = (): Record<string, string> => ({
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

before(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), 'rendition-encoder-'));
  const path = join(folder, 'film.mp4');
  const output = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '48', '-c:a', 'aac', '-movflags', '+faststart'];
  [swift, redis, backendPort] = await Promise.all([startSwift(), startRedis(), freePort()]);
  await makeFilm({ path, width: 640, height: 360, fps: '24', seconds: SECONDS, output });
  film = await readFile(path);
  const credentials = { accessKeyId: swift.accessKeyId, secretAccessKey: swift.accessKeySecret };
  client = new S3Client({
    region: 'us-east-1',
    endpoint: swift.endpoint,
    forcePathStyle: true,
    credentials,
    maxAttempts: 10,
  });
  await makeBucket();
  store = openS3({
    bucket: BUCKET,
    prefix: '',
    region: null,
    endpoint: swift.endpoint,
    forcePathStyle: null,
    credentials: { accessKeyId: swift.accessKeyId, accessKeySecret: swift.accessKeySecret, sessionToken: null },
    role: 'destination',
    acl: null,
    guard: null,
  });
  server = await openServer({ works: true, settings: { ...settings(), REDIS_URL: redis.url } });
});
/** A server that has just started answers 503 now and then; a try whose answer was lost has made it. */
async function makeBucket(): Promise<void> {
  try {
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  } catch (error) {
    if (!(error instanceof Error && /^BucketAlready/.test(error.name))) throw error;
  }
}
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

const submission = (videoId: string, more: object = {}) => ({
  video_id: videoId,
  s3_original_key: `videos/${videoId}/original/video.mp4`,
  s3_hls_folder_key: `videos/${videoId}/hls`,
  input_file_size: film.length,
  duration: SECONDS,
  quality_presets: ['720p', '360p', '240p'],
  ...more,
});
const put = (videoId: string, bytes: Buffer = film) => store.write(`videos/${videoId}/original/video.mp4`, bytes);
async function submit(videoId: string, more: object = {}, to: TestServer = server): Promise<string> {
  const answer = await to.call('POST', `${JOBS}/submit_job/`, { body: submission(videoId, more) });
  assert.equal(answer.status, 201, answer.text);
  return (answer.body as Shown).id;
}
const look = async (id: string, at: TestServer = server) => (await at.call('GET', `${JOBS}/${id}/`)).body as Shown;
const ended = (id: string, at: TestServer = server): Promise<Shown> =>
  until(
    120,
    () => look(id, at),
    ({ status }) => status === 'completed' || status === 'failed',
  );
async function logs(id: string, at: TestServer = server): Promise<string[]> {
  const { results } = (await at.call('GET', `${JOBS}/${id}/logs/`)).body as {
    results: { level: string; message: string }[];
  };
  return results.map(({ level, message }) => `${level}: ${message}`);
}
const told = (videoId: string): Told[] =>
  (receiver?.received ?? []).map(({ body }) => JSON.parse(body) as Told).filter(({ video_id }) => video_id === videoId);

/** Everything below a folder of the bucket. */
async function listed(prefix: string): Promise<string[]> {
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
const numbered = (name: string, count: number, end: string) =>
  Array.from({ length: count }, (_, i) => `${name}/segment_${String(i).padStart(5, '0')}.${end}`);

/** The bucket as a web server, with the headers that its objects were given. */
async function serveBucket(): Promise<AsyncDisposable & { readonly origin: string }> {
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

describe('a video of the bucket', skip, () => {
  let first: Shown;

  test('that came through Redis is encoded, in presets that the source reaches', async () => {
    await put('film');
    await redis.client.lpush('encoding:jobs', JSON.stringify(submission('film')));
    const { results } = await until(
      20,
      async () => (await server.call('GET', `${JOBS}/?video_id=film`)).body as { results: Shown[] },
      (page) => page.results.length === 1,
    );
    first = await ended(results[0]?.id ?? '');
    assert.deepEqual([first.status, first.error_message], ['completed', null], (await logs(first.id)).join('\n'));
    assert.deepEqual(
      [first.progress_percentage, first.worker_id, first.qualities, first.hls_master_key],
      [100, 'worker-1', ['360p', '240p'], 'videos/film/hls/master.m3u8'],
    );
    // The log of the engine says that nothing was copied before.
    const log = await server.call('GET', `/jobs/${first.id}/log`);
    assert.match(log.text, /is read where it is, in ranges/);
  });

  test('lies there under exactly the named files, with types and cache headers', async () => {
    const names = await listed('videos/film/hls');
    assert.deepEqual(
      names,
      [
        'master.m3u8',
        ...['240p', '360p'].flatMap((one) => [`${one}/playlist.m3u8`, ...numbered(one, SEGMENTS, 'ts')]),
      ].sort(),
    );
    const head = async (name: string) => {
      const { ContentType, CacheControl } = await client.send(
        new HeadObjectCommand({ Bucket: BUCKET, Key: `videos/film/hls/${name}` }),
      );
      return [ContentType, CacheControl];
    };
    const list = ['application/vnd.apple.mpegurl', 'no-cache'];
    assert.deepEqual(await head('master.m3u8'), list);
    assert.deepEqual(await head('240p/playlist.m3u8'), list);
    assert.deepEqual(await head('240p/segment_00003.ts'), ['video/mp2t', 'public, max-age=31536000, immutable']);
    let size = 0;
    for (const name of names.filter((one) => one.endsWith('.ts')))
      size += (await store.stat(`videos/film/hls/${name}`)).size ?? 0;
    assert.equal(first.output_file_size, size);
  });

  test('plays from there: every frame decodes', async () => {
    await using web = await serveBucket();
    const url = `${web.origin}/videos/film/hls/master.m3u8`;
    const master = await readMaster(url);
    assert.equal(master.variants.length, 2);
    for (const variant of master.variants) {
      const { stdout } = await needTool('ffprobe', [
        '-v',
        'error',
        '-count_frames',
        '-select_streams',
        'v:0',
        '-show_entries',
        'stream=nb_read_frames',
        '-of',
        'csv=p=0',
        variant.url,
      ]);
      assert.equal(Number.parseInt(String(stdout), 10), SECONDS * 24);
    }
    // A quality's own playlist plays alone, with its sound.
    assert.deepEqual(master.audio, []);
    for (const place of [url, ...master.variants.map((variant) => variant.url)]) {
      const { stderr } = await runTool('ffmpeg', `-v error -i ${place} -map 0:v -map 0:a -f null -`.split(' '));
      assert.equal(stderr, '');
      const types = (await describeMedia(place)).streams.map(({ type }) => type);
      assert.deepEqual([...new Set(types)].sort(), ['audio', 'video']);
    }
  });

  test('plays from there in a browser', { skip: missingPrograms(basename(CHROMIUM)) }, async () => {
    await using web = await serveBucket();
    await using player = await startPlayer();
    const seen = await player.play({
      url: `${web.origin}/videos/film/hls/master.m3u8`,
      aspect: 640 / 360,
      hasAudio: true,
      duration: SECONDS,
    });
    assert.deepEqual(seen.misses, []);
  });

  test('was told in order to a backend that was down till now, every ten per cent of it', async () => {
    assert.equal(receiver, undefined);
    receiver = await startReceiver(SECRET, undefined, backendPort);
    const all = await until(
      90,
      async () => told('film'),
      (found) => found.at(-1)?.status === 'completed',
    );
    assert.deepEqual(
      all.map(({ status }) => status),
      ['processing', ...all.slice(1, -1).map(() => 'processing'), 'completed'],
    );
    const steps = all.map((one) => one.progress_percentage);
    assert.deepEqual(
      steps,
      [...steps].sort((a, b) => a - b),
    );
    assert.ok(steps.length >= 4, `${steps}`);
    // Each ten per cent once.
    const tens = steps.slice(1, -1).map((step) => Math.floor(step / 10));
    assert.deepEqual(tens, [...new Set(tens)]);
    assert.deepEqual([steps[0], steps.at(-1)], [0, 100]);
    const { video_id, job_id, status, progress_percentage, ...last } = all.at(-1) as Told;
    assert.deepEqual([video_id, job_id, status, progress_percentage], ['film', first.id, 'completed', 100]);
    assert.deepEqual(last, {
      hls_master_key: 'videos/film/hls/master.m3u8',
      qualities: ['360p', '240p'],
      duration: last.duration,
      output_file_size: first.output_file_size,
      error_message: null,
    });
    assert.ok(Math.abs(last.duration - SECONDS) < 0.1);
    for (const { path, headers, isSigned } of receiver.received)
      assert.deepEqual(
        [path, headers.authorization, isSigned],
        ['/api/videos/film/encoding/', 'Api-Key backend-key-1', true],
      );
    // As webhooks are: each one recorded.
    const { body } = await server.call('GET', `/jobs/${first.id}/deliveries`);
    const { deliveries } = body as {
      deliveries: { type: string; status: string; attempts: { error: string | null }[] }[];
    };
    assert.equal(deliveries.length, all.length);
    assert.ok(deliveries.every(({ status }) => status === 'delivered'));
    assert.ok((deliveries[0]?.attempts.length ?? 0) > 1, 'the first one met nobody');
    assert.equal(deliveries.at(-1)?.attempts.length, 1);
    assert.ok(!JSON.stringify(body).includes('backend-key-1'));
  });

  test('has a log that tells its story', async () => {
    const lines = await logs(first.id);
    assert.equal(lines[0], 'info: Job submitted: videos/film/original/video.mp4 to videos/film/hls');
    assert.equal(lines[1], 'info: Encoding started on worker worker-1');
    for (const said of [
      /^info: Encoding 360p variant: 640x360/,
      /^info: \d0 % done/,
      /^info: 240p finished: 426x240, \d+ kb\/s/,
      /^info: Encoding completed/,
    ])
      assert.ok(
        lines.some((line) => said.test(line)),
        `${said}: ${lines.join('\n')}`,
      );
  });

  test('is made again in the same folder as fMP4 of one quality: nothing of the old is left', async () => {
    const wish = { segment_type: 'fmp4', quality_presets: { '240p': { bitrate: '300k', preset: 'ultrafast' } } };
    const again = await ended(await submit('film', wish));
    assert.equal(again.status, 'completed', String(again.error_message));
    const tracks = ['240p', 'audio'].flatMap((one) => [
      `${one}/playlist.m3u8`,
      `${one}/init.mp4`,
      ...numbered(one, SEGMENTS, 'm4s'),
    ]);
    assert.deepEqual(await listed('videos/film/hls'), ['master.m3u8', ...tracks].sort());
    await using web = await serveBucket();
    // Caches hold what they got under the old addresses for a year.
    const playlist = await (await fetch(`${web.origin}/videos/film/hls/240p/playlist.m3u8`)).text();
    const edition = `?v=${again.id.slice(-8)}`;
    const named = [...playlist.matchAll(/^(segment_.*)$|MAP:URI="(.*)"/gm)].map(([, segment, init]) => segment ?? init);
    assert.ok(named.length > 1 && named.every((name) => name?.endsWith(edition)), playlist);
    const { stderr } = await runTool('ffmpeg', [
      '-v',
      'error',
      '-i',
      `${web.origin}/videos/film/hls/master.m3u8`,
      '-f',
      'null',
      '-',
    ]);
    assert.equal(stderr, '');
    assert.ok(
      (await logs(again.id)).some((line) => /240p variant: 426x240, preset ultrafast, at most 321 kb\/s/.test(line)),
    );
  });

  test('smaller than every preset gets one rendition, its own size; its master grows where that is asked', async () => {
    const path = join(folder, 'small.mp4');
    await makeFilm({
      path,
      width: 160,
      height: 120,
      fps: '24',
      seconds: SECONDS,
      output: ['-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac'],
    });
    const bytes = await readFile(path);
    await put('small', bytes);
    const wish = { input_file_size: bytes.length, quality_presets: ['720p'], master_playlist: 'progressive' };
    const id = await submit('small', wish);
    const job = await ended(id);
    assert.deepEqual([job.status, job.qualities], ['completed', ['120p']], String(job.error_message));
    await using web = await serveBucket();
    const { variants } = await readMaster(`${web.origin}/videos/small/hls/master.m3u8`);
    assert.equal(variants.length, 1);
    const { rows } = await server.platform.database.pool.query(
      `select count(*)::int as uploads from task join job on job.id = job_id where uuid = $1 and kind = 'upload' and task.status = 'done' and task.result->'files' <> '[]'`,
      [id],
    );
    assert.ok(rows[0].uploads > 0);
  });
});

describe('while later chunks wait to be encoded', skip, () => {
  const LONG = 40;
  const LONG_SEGMENTS = 20;
  const long = { duration: LONG, input_file_size: null, quality_presets: ['240p'] };
  let film: Buffer;
  before(async () => {
    const path = join(folder, 'long.mp4');
    const output = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '48', '-c:a', 'aac'];
    await makeFilm({ path, width: 214, height: 120, fps: '24', seconds: LONG, output });
    film = await readFile(path);
  });
  /** A server whose worker does `before` first, wherever it would encode another chunk than the first, or the one that is named. */
  async function holding(
    before: (videoFolder: string) => Promise<void>,
    act: (at: TestServer) => Promise<void>,
    isHeld: (chunk: number) => boolean = (chunk) => chunk > 0,
  ) {
    const own = await openServer({ settings: { ...settings(), MAIN_BACKEND_URL: '' } });
    const worker = await startWorker(own.platform, {
      ...EXECUTORS,
      chunk: async (platform, context) => {
        const place = context.outputs[0]?.spec.destination;
        if (isHeld(context.task.index) && place?.kind === 's3') await before(place.path);
        return EXECUTORS.chunk(platform, context);
      },
    });
    try {
      await act(own);
    } finally {
      await worker.stop();
      await own[Symbol.asyncDispose]();
    }
  }
  const arrived = (videoFolder: string, name: string) =>
    eventually(async () => assert.ok((await listed(videoFolder)).includes(name)), { within: 60_000, every: 100 });

  test('the segments of the first are in the bucket, and no playlist', async () => {
    await put('early', film);
    const seen: string[][] = [];
    const before = async (videoFolder: string) => {
      await arrived(videoFolder, '120p/segment_00000.ts');
      seen.push(await listed(videoFolder));
    };
    await holding(before, async (at) => {
      const job = await ended(await submit('early', long, at), at);
      assert.equal(job.status, 'completed', String(job.error_message));
    });
    assert.ok(seen.length > 0 && seen.every((names) => !names.some((name) => name.endsWith('.m3u8'))));
    assert.ok(!seen[0]?.includes(`120p/segment_${String(LONG_SEGMENTS - 1).padStart(5, '0')}.ts`));
    assert.equal((await listed('videos/early/hls')).length, 1 + LONG_SEGMENTS + 1);
  });

  test('a master that grows plays what is there', async () => {
    await put('growing', film);
    const kinds: string[] = [];
    const before = async (videoFolder: string) => {
      await arrived(videoFolder, 'master.m3u8');
      kinds.push(String(await buffer(await store.read(`${videoFolder}/120p/playlist.m3u8`))));
      await using web = await serveBucket();
      const master = await readMaster(`${web.origin}/${videoFolder}/master.m3u8`);
      await needTool('ffmpeg', [
        '-v',
        'error',
        '-live_start_index',
        '0',
        '-i',
        master.variants[0]?.url ?? '',
        '-t',
        '1',
        '-f',
        'null',
        '-',
      ]);
    };
    const wish = { ...long, master_playlist: 'progressive', segment_type: 'fmp4' };
    await holding(before, async (at) => {
      const job = await ended(await submit('growing', wish, at), at);
      assert.equal(job.status, 'completed', String(job.error_message));
    });
    assert.match(kinds[0] ?? '', /PLAYLIST-TYPE:EVENT/);
    assert.ok(!kinds[0]?.includes('ENDLIST'));
    const whole = String(await buffer(await store.read('videos/growing/hls/120p/playlist.m3u8')));
    assert.match(whole, /PLAYLIST-TYPE:VOD/);
    assert.match(whole, /#EXT-X-ENDLIST\n$/);
  });

  test('a source that is replaced meanwhile fails the job: two films would be mixed', async () => {
    await put('replaced', film);
    const before = () => put('replaced', film.subarray(0, film.length - 1)).then(() => undefined);
    await holding(
      before,
      async (at) => {
        const job = await ended(await submit('replaced', long, at), at);
        assert.equal(job.status, 'failed');
        assert.match(job.error_message ?? '', /was changed while it was being/);
      },
      (chunk) => chunk === 0,
    );
  });

  test('a failure takes away what was there, and a retry brings all of it', async () => {
    await put('broken', film);
    let isBroken = true;
    const before = async (videoFolder: string) => {
      await arrived(videoFolder, '120p/segment_00000.ts');
      if (isBroken) throw new PlatformError('corrupt_media', 'Frames 96 to 288 cannot be decoded');
    };
    await holding(before, async (at) => {
      const id = await submit('broken', long, at);
      const job = await ended(id, at);
      assert.deepEqual([job.status, job.error_message], ['failed', 'Frames 96 to 288 cannot be decoded']);
      await eventually(async () => assert.deepEqual(await listed('videos/broken/hls'), []), { within: 60_000 });
      isBroken = false;
      assert.equal((await at.call('POST', `/jobs/${id}/retry`)).status, 200);
      const again = await ended(id, at);
      assert.equal(again.status, 'completed', String(again.error_message));
      assert.equal((await listed('videos/broken/hls')).length, 1 + LONG_SEGMENTS + 1);
      assert.ok((await logs(id, at)).includes('info: Job submitted again'));
    });
  });
});

describe('what cannot be encoded is failed, with its reason in job, log and callback:', skip, () => {
  type Case = {
    readonly videoId: string;
    readonly bytes?: Buffer;
    readonly more?: object;
    readonly own?: Record<string, string>;
    readonly says: RegExp;
  };
  const cases = (): Record<string, Case> => ({
    'an object that is not there': {
      videoId: 'absent',
      says: /There is no object s3:\/\/media\/videos\/absent\/original\/video\.mp4/,
    },
    'a file that is no video': {
      videoId: 'text',
      bytes: Buffer.from('this is no video at all\n'.repeat(1000)),
      more: { input_file_size: null, duration: null },
      says: /./,
    },
    'a video that is cut off': {
      videoId: 'cut',
      bytes: film.subarray(0, Math.floor(film.length / 2)),
      says: /not whole, or another file/,
    },
    'another video than the announced one': {
      videoId: 'other',
      bytes: film,
      more: { input_file_size: null, duration: 60 },
      says: /another file, or a part of it/,
    },
    'a wrong key': { videoId: 'denied', bytes: film, own: { AWS_SECRET_ACCESS_KEY: 'wrong' }, says: /denies access/ },
    'a wrong bucket': {
      videoId: 'nowhere',
      own: { AWS_STORAGE_BUCKET_NAME: 'no-such-bucket' },
      says: /bucket|no object/i,
    },
    'a time limit that is over': {
      videoId: 'slow',
      bytes: film,
      own: { ENCODER_TIME_LIMIT_SECONDS: '1', ENCODE_PRESET: 'veryslow' },
      more: { preset: 'veryslow', quality_presets: ['360p'] },
      says: /^FFmpeg timeout after 1 seconds$/,
    },
  });
  for (const name of [
    'an object that is not there',
    'a file that is no video',
    'a video that is cut off',
    'another video than the announced one',
    'a wrong key',
    'a wrong bucket',
    'a time limit that is over',
  ]) {
    test(name, async () => {
      const { videoId, bytes, more, own, says } = cases()[name] as Case;
      receiver ??= await startReceiver(SECRET, undefined, backendPort);
      if (bytes) await put(videoId, bytes);
      const at = own ? await openServer({ works: true, settings: { ...settings(), ...own } }) : server;
      try {
        const id = await submit(videoId, more, at);
        const job = await ended(id, at);
        assert.equal(job.status, 'failed');
        assert.match(job.error_message ?? '', says);
        assert.deepEqual([job.hls_master_key, job.output_file_size, job.qualities], [null, null, []]);
        assert.equal((await logs(id, at)).at(-1), `error: Encoding failed: ${job.error_message}`);
        const [last] = (
          await until(
            30,
            async () => told(videoId),
            (all) => all.at(-1)?.status === 'failed',
          )
        ).slice(-1);
        assert.deepEqual([last?.job_id, last?.error_message], [id, job.error_message]);
        await eventually(async () => assert.deepEqual(await listed(`videos/${videoId}/hls`), []), { within: 30_000 });
      } finally {
        if (at !== server) await at[Symbol.asyncDispose]();
      }
    });
  }
});
