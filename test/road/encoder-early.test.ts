// What of a film lies in the bucket while later chunks wait to be encoded.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { PlatformError } from '#domain/error.ts';
import { startWorker } from '#workflows/start-worker.ts';
import { EXECUTORS } from '#workflows/tasks/executors.ts';
import { openServer, type TestServer } from '../api/open-server.ts';
import { needTool, readMaster } from '../kit/decode.ts';
import { eventually } from '../kit/eventually.ts';
import { ended, folder, listed, logs, put, serveBucket, settings, skip, store, submit } from './encoder-bucket.ts';
import { makeFilm } from './film.ts';

describe('while later chunks wait to be encoded', skip, () => {
  const LONG = 26;
  const LONG_SEGMENTS = 13;
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
    eventually(async () => assert.ok((await listed(videoFolder)).includes(name)));

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
      await eventually(async () => assert.deepEqual(await listed('videos/broken/hls'), []));
      isBroken = false;
      assert.equal((await at.call('POST', `/jobs/${id}/retry`)).status, 200);
      const again = await ended(id, at);
      assert.equal(again.status, 'completed', String(again.error_message));
      assert.equal((await listed('videos/broken/hls')).length, 1 + LONG_SEGMENTS + 1);
      assert.ok((await logs(id, at)).includes('info: Job submitted again'));
    });
  });
});
