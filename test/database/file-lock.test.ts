import assert from 'node:assert/strict';
import { link, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isAlive, lockFile, processIdentity } from '#database/file-lock.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rendition-lock-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('one at a time holds it', async () => {
  const path = join(folder, 'one');
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const unlock = await lockFile(path, 10);
      most = Math.max(most, ++inside);
      await new Promise(setImmediate);
      inside--;
      await unlock();
    }),
  );
  assert.equal(most, 1);
  assert.deepEqual(await readdir(folder), []);
});

test('what a dead process held is taken over, and what it left is removed', async () => {
  const path = join(folder, 'dead');
  await writeFile(`${path}.ticket`, '999999999-1');
  await link(`${path}.ticket`, path);
  const unlock = await lockFile(path, 1);
  assert.deepEqual(await readdir(folder), ['dead']);
  await unlock();
});

test('a number that belongs to another process now is a dead process', {
  skip: process.platform === 'linux' ? false : 'start times are read from /proc',
}, async () => {
  assert.equal(isAlive(processIdentity(process.pid)), true);
  assert.equal(isAlive(`${process.pid}-1`), false);
  assert.equal(isAlive('not a process'), false);
});

test('who waits too long is told who holds it', async () => {
  const path = join(folder, 'held');
  const unlock = await lockFile(path, 1);
  await assert.rejects(lockFile(path, 0.1), {
    code: 'data_dir_unusable',
    message: new RegExp(`held by process ${process.pid} `),
  });
  await unlock();
});
