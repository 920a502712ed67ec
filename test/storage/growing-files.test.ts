// Files that several writers fill at places of their own, on a disk that works, is full, and fails.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { PlatformError } from '#domain/error.ts';
import { openDisk } from '#storage/disk.ts';
import type { GrowingFiles } from '#storage/piecewise.ts';
import { eventually } from '../kit/eventually.ts';

let root = '';
let growing: GrowingFiles;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'growing-files-'));
  const disk = await openDisk(root);
  assert.ok(disk.growing);
  growing = disk.growing;
});
after(() => rm(root, { recursive: true, force: true }));

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

const write = (key: string, offset: number, body: AsyncIterable<Uint8Array>) =>
  growing.write(key, { offset, body, limit: 1000 });

test('pieces at their places become one file of the size that was told', async () => {
  await Promise.all([write('a/growing', 6, pieces('wor', 'ld')), write('a/growing', 0, pieces('hello '))]);
  await write('a/growing', 11, pieces(' and more'));
  await growing.sync('a/growing');
  await write('a/growing', 0, pieces('HELLO'));
  await growing.settle('a/growing', { key: 'a/whole', size: 11 });
  assert.equal(await readFile(path.join(root, 'a/whole'), 'utf8'), 'HELLO world');
  assert.deepEqual(await readdir(path.join(root, 'a')), ['whole']);
  // Whoever ended it died before he could say so.
  await growing.settle('a/growing', { key: 'a/whole', size: 11 });
});

test('a full disk is told, and nothing more is read of the body', async () => {
  await symlink('/dev/full', path.join(root, 'full'));
  let [asked, isLeft] = [0, false];
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        asked++;
        yield Buffer.alloc(1 << 20);
      }
    } finally {
      isLeft = true;
    }
  }
  const all = growing.write('full', { offset: 0, body: endless(), limit: Infinity });
  await assert.rejects(all, { code: 'disk_full' });
  assert.ok(isLeft);
  assert.ok(asked < 10, `${asked} pieces were asked for`);
});

test('bytes that could not be sent to the disk while more came are not forgotten', async () => {
  // It takes bytes, but cannot be waited for.
  await symlink('/dev/null', path.join(root, 'broken'));
  await write('broken', 0, pieces('lost'));
  await eventually(() => assert.rejects(write('broken', 4, pieces('more')), { code: 'storage_failed' }));
  await assert.rejects(growing.sync('broken'), { code: 'storage_failed' });
  await assert.rejects(growing.settle('broken', { key: 'whole', size: 4 }), { code: 'storage_failed' });
});

test('how much is written is told while more comes; whoever is told may end it', async () => {
  const MB = 1 << 20;
  async function* film(count: number): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < count; i++) yield Buffer.alloc(MB, i);
  }
  const told: number[] = [];
  const note = async (bytes: number) => {
    // No byte is told of before it can be read.
    assert.ok((await readFile(path.join(root, 'told'))).length >= bytes);
    told.push(bytes);
  };
  const place = { offset: 0, limit: Infinity };
  const { bytes } = await growing.write('told', { ...place, body: film(40), progress: { every: 4 * MB, tell: note } });
  assert.equal(bytes, 40 * MB);
  assert.ok(told.length > 0 && told.every((one, i) => one - (told[i - 1] ?? 0) >= 4 * MB), String(told));
  const overtaken = new PlatformError('conflict', 'somebody else was quicker');
  const tell = () => Promise.reject(overtaken);
  await assert.rejects(growing.write('told', { ...place, body: film(40), progress: { every: 4 * MB, tell } }), {
    code: 'conflict',
  });
});
