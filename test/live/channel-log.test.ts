import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LOG_BYTES } from '#domain/channel-log.ts';
import { ChannelLog } from '#live/channel-log.ts';

test('a log of thirty megabytes keeps its last ten: both halves begin with the command, and hide its secrets', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-log-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'channels', 'news.log');
  const sizes = async () =>
    Promise.all(
      (await readdir(join(folder, 'channels'))).map(async (name) => (await stat(join(folder, 'channels', name))).size),
    );
  const fill = async (log: ChannelLog, from: number, to: number) => {
    for (let line = from; line < to; line++) {
      log.write('ffmpeg', `line ${line} passphrase=Top-Secret-1 ${'x'.repeat(1000)}`);
      if (line % 500 !== 499) continue;
      await log.flush();
      const all = (await sizes()).reduce((sum, size) => sum + size, 0);
      assert.ok(all <= LOG_BYTES, `${all} bytes after line ${line}`);
    }
  };
  const first = new ChannelLog(path);
  first.hide(['Top-Secret-1']);
  first.command('ffmpeg', ['-i', 'srt://203.0.113.5:9000?passphrase=Top-Secret-1', '-f', 'mpegts', 'pipe:4']);
  await fill(first, 0, 20_000);
  // Another process goes on with the files it finds.
  const second = new ChannelLog(path);
  second.hide(['Top-Secret-1']);
  second.command('ffmpeg', ['-i', 'srt://203.0.113.5:9000?passphrase=Top-Secret-1', '-f', 'mpegts', 'pipe:4']);
  await fill(second, 20_000, 30_000);

  assert.deepEqual((await readdir(join(folder, 'channels'))).sort(), ['news.log', 'news.log.1']);
  const [older, newer] = await Promise.all([readFile(`${path}.1`, 'utf8'), readFile(path, 'utf8')]);
  for (const half of [older, newer]) {
    assert.match(half.slice(0, half.indexOf('\n')), /^\S+Z command: ffmpeg -i .*srt:\/\/203\.0\.113\.5:9000/);
    assert.ok(!half.includes('Top-Secret-1'));
  }
  const numbers = [...`${older}${newer}`.matchAll(/ line (\d+) /g)].map(([, number]) => Number(number));
  const oldest = numbers[0] ?? 0;
  assert.ok(numbers.length > 4000, `${numbers.length} lines kept`);
  assert.deepEqual(
    numbers,
    Array.from({ length: 30_000 - oldest }, (_, i) => oldest + i),
    'no line is missing from the oldest kept to the last written',
  );
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});
