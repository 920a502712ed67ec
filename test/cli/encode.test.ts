// `rendition plan` and `rendition encode` on real files: what comes out, what is left when it fails or is interrupted.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeFilm, probe } from '../api/open-server.ts';
import { run, said, start } from './run-cli.ts';

let folder: string;
let env: Record<string, string>;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rendition-cli-'));
  // The embedded database of a run as root belongs to another user, who must get to it.
  await chmod(folder, 0o755);
  env = { DATA_DIR: path.join(folder, 'data') };
  await makeFilm(folder, 4);
});
after(() => rm(folder, { recursive: true, force: true }));

test('a plan as a table and as JSON', async () => {
  const table = await run(['plan', 'film-4.mp4', '--hls', '--mp3'], { env, cwd: folder });
  assert.equal(table.code, 0, table.err);
  assert.match(table.out, /^Source\n.*0:04/);
  assert.match(table.out, /video: h264 320x180, 24 fps/);
  const json = await run(['plan', 'film-4.mp4', '--json'], { env, cwd: folder });
  const plan = JSON.parse(json.out) as { facts: { video: { frames: number } }; outputs: { container: string }[] };
  assert.deepEqual([plan.facts.video.frames, plan.outputs[0]?.container], [96, 'hls']);
  assert.deepEqual((await readdir(folder)).toSorted(), ['film-4.mp4'], 'nothing was left');
});

test('a stream and a file, in a folder named after the source', async () => {
  const { code, out, err } = await run(
    ['encode', 'film-4.mp4', '--hls', '--mp4', '--no-copy', '--ladder', '180p,90p', '--height', '90'],
    { env, cwd: folder },
  );
  assert.equal(code, 0, err);
  assert.match(out, /^film-4\/master\.m3u8 {2}.*\nfilm-4\/film-4\.mp4 {2}/);
  assert.match(err, /Done in/);
  const [video] = await probe(path.join(folder, 'film-4', 'film-4.mp4'));
  assert.deepEqual([video?.codec_name, video?.height, video?.nb_read_frames], ['h264', 90, '96']);
  const streams = await probe(path.join(folder, 'film-4', 'master.m3u8'));
  assert.deepEqual(
    streams
      .filter(({ codec_name }) => codec_name === 'h264')
      .map(({ height, nb_read_frames }) => [height, nb_read_frames]),
    [
      [180, '96'],
      [90, '96'],
    ],
  );
  assert.deepEqual(
    (await readdir(path.join(folder, 'film-4'))).filter((name) => name.startsWith('.')),
    [],
  );
});

test('what is there is overwritten only with --force', async () => {
  const file = path.join(folder, 'once', 'film-4.mp3');
  const args = ['encode', 'film-4.mp4', '--mp3', '--to', 'once'];
  assert.equal((await run(args, { env, cwd: folder })).code, 0);
  const before = await stat(file);
  const again = await run(args, { env, cwd: folder });
  assert.equal(again.code, 1);
  assert.match(again.err, /once\/film-4\.mp3 is there already; --force/);
  assert.equal((await stat(file)).mtimeMs, before.mtimeMs);
  const forced = await run([...args, '--force', '--json'], { env, cwd: folder });
  assert.equal(forced.code, 0, forced.err);
  assert.deepEqual([JSON.parse(forced.out).status, forced.err], ['completed', '']);
  assert.notEqual((await stat(file)).mtimeMs, before.mtimeMs);
});

test('what is no media fails with a reason and leaves nothing', async () => {
  await writeFile(path.join(folder, 'text.mp4'), 'this is no film\n'.repeat(100));
  const { code, out, err } = await run(['encode', 'text.mp4'], { env, cwd: folder });
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /not_media/);
  assert.equal((await readdir(folder)).includes('text'), false);
});

test('Ctrl-C cancels and leaves nothing behind', async () => {
  await makeFilm(folder, 60);
  const started = start(['encode', 'film-60.mp4', '--webm', '--codec', 'av1', '--preset', 'slow'], {
    env,
    cwd: folder,
  });
  await said(started, /film-60: /);
  started.child.kill('SIGINT');
  assert.equal(await started.ended, 130, started.output.err);
  assert.equal((await readdir(folder)).includes('film-60'), false);
  assert.deepEqual(await readdir(path.join(folder, 'data', 'encode', 'runs')), []);
});
