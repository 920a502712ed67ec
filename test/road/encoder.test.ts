// The encoder on its whole road, against a real S3 and a backend that was down at first: what lies in the bucket, what plays, what is told.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { CHROMIUM, startPlayer } from '../kit/browser.ts';
import { describeMedia, needTool, readMaster, runTool } from '../kit/decode.ts';
import { eventually } from '../kit/eventually.ts';
import { missingPrograms } from '../kit/server-process.ts';
import {
  BUCKET,
  client,
  ended,
  folder,
  JOBS,
  listed,
  logs,
  numbered,
  put,
  redis,
  SECONDS,
  SEGMENTS,
  type Shown,
  serveBucket,
  server,
  skip,
  startBackend,
  store,
  submission,
  submit,
  type Told,
  told,
} from './encoder-bucket.ts';
import { makeFilm } from './film.ts';

describe('a video of the bucket', skip, () => {
  let first: Shown;

  test('that came through Redis is encoded, in presets that the source reaches', async () => {
    await put('film');
    await redis.client.lpush('encoding:jobs', JSON.stringify(submission('film')));
    const { results } = await eventually(
      async () => (await server.call('GET', `${JOBS}/?video_id=film`)).body as { results: Shown[] },
      { until: (page) => page.results.length === 1 },
    );
    first = await ended(results[0]?.id ?? '');
    assert.deepEqual([first.status, first.error_message], ['completed', null], (await logs(first.id)).join('\n'));
    assert.deepEqual(
      [first.progress_percentage, first.worker_id, first.qualities, first.hls_master_key],
      [100, 'worker-1', ['360p', '240p'], 'videos/film/hls/master.m3u8'],
    );
    // The log of the engine says that nothing was copied before.
    await eventually(async () =>
      assert.match((await server.call('GET', `/jobs/${first.id}/log`)).text, /is read where it is, in ranges/),
    );
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
    assert.deepEqual(told('film'), []);
    const receiver = await startBackend();
    const all = await eventually(async () => told('film'), { until: (found) => found.at(-1)?.status === 'completed' });
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
    type Listed = { deliveries: { type: string; status: string; attempts: { error: string | null }[] }[] };
    const { body } = await eventually(() => server.call('GET', `/jobs/${first.id}/deliveries`), {
      until: (answer) => (answer.body as Listed).deliveries.at(-1)?.status === 'delivered',
    });
    const { deliveries } = body as Listed;
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
