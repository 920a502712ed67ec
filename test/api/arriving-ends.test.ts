// Files that are read from the front, and whose end says something else than their beginning; or whose pieces come in any order.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '../kit/eventually.ts';
import { chunksOf, LADDER, likenessOf, SAME_FRAME, timesOf } from './arriving-client.ts';
import { openServer, type TestServer } from './open-server.ts';
import { upload, whenReady } from './stream-client.ts';
import { evenly, init, sendChunk, storedKeys } from './upload-client.ts';

const run = promisify(execFile);
const CHUNKS = 16;
let server: TestServer;
before(async () => {
  server = await openServer({ works: true, settings: { ENCODE_PRESET: LADDER.ENCODE_PRESET } });
});
after(() => server[Symbol.asyncDispose]());

type Film = { readonly name: string; readonly seconds?: number; readonly hue?: number; readonly size?: string };

/** Each frame is another one. */
async function makeFilm({ name, seconds = 40, hue = 0, size = '320x180' }: Film): Promise<Buffer> {
  const file = path.join(server.folder, name);
  const inputs = `-f lavfi -i testsrc2=s=${size}:r=25:d=${seconds},hue=h=${hue} -f lavfi -i sine=r=48000:d=${seconds}`;
  const encode = `-c:v ${name.endsWith('.flv') ? 'flv1' : 'mpeg2video'} -b:v 800k -g 15 -c:a ${name.endsWith('.ts') ? 'mp2' : 'libmp3lame'} -ar 44100`;
  await run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...`${inputs} ${encode}`.split(' '), file]);
  return readFile(file);
}

async function begin(bytes: Buffer, filename: string) {
  const parts = evenly(bytes, CHUNKS);
  const sizes = { size: bytes.length, chunk_size: parts[0]?.length };
  const { upload_id: id } = await init(server, { total_chunks: CHUNKS, filename, ...sizes });
  const send = async (...indexes: readonly number[]) => {
    for (const index of indexes) {
      const chunk = { id, index, bytes: parts[index] ?? Buffer.alloc(0) };
      assert.equal((await sendChunk(server.base, chunk)).status, 200);
    }
  };
  const whenDone = (count: number) =>
    eventually(() => chunksOf(server, id), {
      until: (all) => all.filter(({ status }) => status === 'done').length >= count,
    });
  const end = async () => {
    const complete = () => server.call('POST', '/upload/complete', { body: { upload_id: id } });
    const answers = await Promise.all([complete(), complete()]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [202, 202],
    );
    assert.equal(((await whenReady(server, id)).body as { status: string }).status, 'ready');
  };
  return { id, send, whenDone, end };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** The same file sent whole: what a player sees of both, and how long they are. */
async function assertAsUsual(id: string, name: string): Promise<void> {
  const usual = await upload(server, path.join(server.folder, name));
  const whole = (await whenReady(server, usual)).body as { duration: number };
  const shown = (await server.call('GET', `/videos/${id}`)).body as { duration: number; qualities: string[] };
  assert.equal(shown.duration, whole.duration);
  const quality = shown.qualities.at(-1) ?? '';
  assert.deepEqual(await timesOf(server, id, quality), await timesOf(server, usual, quality));
  const likeness = await likenessOf(server, [id, usual], quality);
  assert.ok(likeness > SAME_FRAME, `${likeness} dB`);
  for (const one of [id, usual]) await server.call('DELETE', `/videos/${one}`);
}

for (const name of ['holes.ts', 'holes.flv'])
  test(`${name}: pieces in any order, with a hole where nothing has come`, async () => {
    const film = await makeFilm({ name });
    const { id, send, whenDone, end } = await begin(film, name);
    await send(15, 3, 0, 1, 2, 14, 4, 5, 6, 7, 8, 11, 12, 13);
    const [first] = await whenDone(1);
    await send(10, 9);
    await end();
    const kept = (await chunksOf(server, id))[0];
    assert.deepEqual([kept?.id, kept?.attempt], [first?.id, first?.attempt]);
    await assertAsUsual(id, name);
  });

test('a recording whose clock begins anew on the way: what was made before that was known is made again', async () => {
  const joined = Buffer.concat([
    await makeFilm({ name: 'one.ts', seconds: 30 }),
    await makeFilm({ name: 'two.ts', seconds: 12, hue: 90 }),
  ]);
  await writeFile(path.join(server.folder, 'joined.ts'), joined);
  const { id, send, whenDone, end } = await begin(joined, 'joined.ts');
  await send(...range(0, 11));
  const [first] = await whenDone(1);
  await send(...range(11, CHUNKS));
  await end();
  assert.ok((await chunksOf(server, id)).every((chunk) => chunk.id !== first?.id));
  await assertAsUsual(id, 'joined.ts');
});

test('a header that promises more than comes: the film ends where its bytes do', async () => {
  const whole = await makeFilm({ name: 'whole.mkv', seconds: 60 });
  const cut = whole.subarray(0, Math.round(whole.length * 0.45));
  await writeFile(path.join(server.folder, 'cut.mkv'), cut);
  const { id, send, whenDone, end } = await begin(cut, 'cut.mkv');
  await send(...range(0, 13));
  await whenDone(1);
  await send(...range(13, CHUNKS));
  await end();
  await assertAsUsual(id, 'cut.mkv');
});

test('one that is replaced in part, given up or deleted while it is encoded leaves nothing of what was made', async () => {
  const film = await makeFilm({ name: 'holes.ts' });
  for (const what of ['replaced', 'given up', 'deleted']) {
    const { id, send, whenDone } = await begin(film, 'gone.ts');
    await send(...range(0, 14));
    if (what === 'replaced') {
      const [first] = await whenDone(1);
      await send(3);
      // Others may be begun again at any time.
      assert.ok(first && !(await chunksOf(server, id)).some((chunk) => chunk.id === first.id));
    } else
      await eventually(() => chunksOf(server, id), {
        until: (all) => all.some(({ status }) => status === 'processing' || status === 'done'),
      });
    const place = what === 'deleted' ? `/videos/${id}` : `/upload/${id}`;
    assert.equal((await server.call('DELETE', place)).status, 204);
    assert.deepEqual(await chunksOf(server, id), []);
  }
  const left = () => Promise.all(['jobs/', 'uploads/'].map((prefix) => storedKeys(server, prefix)));
  await eventually(async () => (await left()).flat(), { until: (keys) => keys.length === 0 });
});
