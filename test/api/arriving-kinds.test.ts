// Files that are read from the front, encoded while they arrive: Matroska with a copied stream, M2TS, fragmented MP4 (MPEG-TS and FLV: arriving-ends.test.ts). What a player sees is what it sees of a file that was whole.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '../kit/eventually.ts';
import { chunksOf, LADDER, likenessOf, SAME_FRAME, timesOf } from './arriving-client.ts';
import { openServer, type TestServer } from './open-server.ts';
import { upload, whenReady } from './stream-client.ts';
import { evenly, init, sendChunk } from './upload-client.ts';

const run = promisify(execFile);
const CHUNKS = 16;
/** Frames a second. */
const RATE = 10;
let server: TestServer;
before(async () => {
  server = await openServer({ works: true, settings: LADDER });
});
after(() => server[Symbol.asyncDispose]());

type Film = { readonly name: string; readonly seconds: number; readonly size: string; readonly encode: string };

async function makeFilm({ name, seconds, size, encode }: Film): Promise<string> {
  const file = path.join(server.folder, name);
  const inputs = `-f lavfi -i testsrc2=s=${size}:r=${RATE}:d=${seconds} -f lavfi -i sine=r=48000:d=${seconds}`;
  await run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...`${inputs} ${encode}`.split(' '), file]);
  return file;
}

/** Sends the first pieces of a file; what sends the others and waits for the end. */
async function begin(file: string, pieces: number) {
  const bytes = await readFile(file);
  const parts = evenly(bytes, CHUNKS);
  const fields = { total_chunks: CHUNKS, filename: path.basename(file), size: bytes.length };
  const { upload_id: id } = await init(server, fields);
  const send = async (from: number, to: number) => {
    for (const [index, part] of parts.entries())
      if (index >= from && index < to)
        assert.equal((await sendChunk(server.base, { id, index, bytes: part })).status, 200);
  };
  await send(0, pieces);
  const end = async () => {
    await send(pieces, CHUNKS);
    assert.equal((await server.call('POST', '/upload/complete', { body: { upload_id: id } })).status, 202);
    const { status, duration, qualities } = (await whenReady(server, id)).body as Shown;
    assert.equal(status, 'ready');
    return { duration, lowest: qualities.at(-1) ?? '' };
  };
  const whenDone = (count: number) =>
    eventually(() => chunksOf(server, id), {
      until: (all) => all.filter(({ status }) => status === 'done').length >= count,
    });
  return { id, end, whenDone };
}
type Shown = { readonly status: string; readonly duration: number; readonly qualities: readonly string[] };

const FILMS: readonly (Film & { /** Chunks whose bytes come first. */ readonly early: number })[] = [
  {
    name: 'copied.mkv',
    seconds: 40,
    size: '640x360',
    encode:
      '-c:v libx264 -preset ultrafast -b:v 400k -maxrate 600k -bufsize 600k -pix_fmt yuv420p -bf 2 -g 20 -c:a aac',
    early: 1,
  },
  {
    name: 'camera.m2ts',
    seconds: 38,
    size: '320x180',
    encode: '-c:v libx264 -preset ultrafast -bf 2 -g 20 -pix_fmt yuv420p -c:a ac3 -mpegts_m2ts_mode 1',
    early: 2,
  },
  {
    name: 'pieces.mp4',
    seconds: 38,
    size: '320x180',
    encode: '-c:v mpeg4 -q:v 6 -g 20 -c:a aac -movflags +frag_keyframe+empty_moov',
    early: 2,
  },
];

for (const film of FILMS)
  test(`${film.name}: what has come is encoded while the rest arrives, and comes out as it always does`, async () => {
    const file = await makeFilm(film);
    const { id, end, whenDone } = await begin(file, 15);
    const early = (await whenDone(film.early)).slice(0, film.early);
    const { lowest, duration } = await end();
    const kept = (await chunksOf(server, id)).filter((chunk) => early.some((one) => one.id === chunk.id));
    assert.deepEqual(
      kept.map(({ index, attempt, result }) => [index, attempt, result?.parts[0]?.segments[0]?.key]),
      early.map(({ index, attempt, result }) => [index, attempt, result?.parts[0]?.segments[0]?.key]),
    );
    assert.equal(kept.length, film.early);
    const usual = await upload(server, file);
    const whole = (await whenReady(server, usual)).body as Shown;
    assert.equal(duration, whole.duration);
    const [frames, others] = [await timesOf(server, id, lowest), await timesOf(server, usual, lowest)];
    assert.equal(frames.length, others.length);
    assert.ok(Math.abs(frames.length - film.seconds * RATE) <= 1, `${frames.length} frames`);
    assert.deepEqual(frames, others);
    // Seams lie elsewhere, so that no two frames are the same to the last bit.
    const likeness = await likenessOf(server, [id, usual], lowest);
    assert.ok(likeness > SAME_FRAME, `${likeness} dB`);
    for (const one of [id, usual]) await server.call('DELETE', `/videos/${one}`);
  });
