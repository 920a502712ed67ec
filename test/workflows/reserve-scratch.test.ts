// Room on the scratch disk: kept for work that runs, waited for, given back with its folder. On the real disk, by a reserve that leaves just so much.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Config } from '#config/settings.ts';
import { PlatformError } from '#domain/error.ts';
import { checkScratchSpace, reserveScratch } from '#workflows/reserve-scratch.ts';

const TB = 1e12;
const { signal } = new AbortController();

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'rendition-reserve-'));
});
after(() => rm(root, { recursive: true }));

/** As if the disk had `terabytes` free: no disk of a test machine is so large that others' writing would count. */
async function diskWith(terabytes: number): Promise<Config> {
  const { bavail, bsize } = await statfs(root);
  return { TEMP_VIDEOS_DIR: root, SCRATCH_RESERVE_BYTES: bavail * bsize - terabytes * TB } as Config;
}

const isFull = (error: unknown): boolean => error instanceof PlatformError && error.code === 'disk_full';

test('of two that begin together and do not fit beside each other, one waits until the other is done', async () => {
  const config = await diskWith(10);
  const order: string[] = [];
  const work = async (name: string) => {
    const folder = await reserveScratch(config, { name, bytes: 6 * TB, signal });
    order.push('begins');
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push('ends');
    await rm(folder, { recursive: true });
  };
  await Promise.all([work('a'), work('b')]);
  assert.deepEqual(order, ['begins', 'ends', 'begins', 'ends']);
});

test('what fits beside each other does not wait; what never fits is refused at once and leaves nothing', async () => {
  const config = await diskWith(10);
  const [a, b] = await Promise.all([
    reserveScratch(config, { name: 'c', bytes: 4 * TB, signal }),
    reserveScratch(config, { name: 'd', bytes: 4 * TB, signal }),
  ]);
  await checkScratchSpace(config, TB);
  await assert.rejects(checkScratchSpace(config, 3 * TB), isFull);
  await rm(a, { recursive: true });
  await checkScratchSpace(config, 3 * TB);
  await rm(b, { recursive: true });
  await assert.rejects(reserveScratch(config, { name: 'e', bytes: 11 * TB, signal }), isFull);
  assert.deepEqual(await readdir(join(a, '..')), []);
});

test('who keeps what it has written already keeps nothing more: nobody waits for it', async () => {
  const config = await diskWith(10);
  const folder = await reserveScratch(config, { name: 'f', bytes: 2e6, signal });
  await writeFile(join(folder, 'large'), Buffer.alloc(3e6, 1));
  const patience = AbortSignal.timeout(120_000);
  await assert.rejects(reserveScratch(config, { name: 'g', bytes: 11 * TB, signal: patience }), isFull);
  await rm(folder, { recursive: true });
});

test('who is canceled waits no longer, and leaves nothing', async () => {
  const config = await diskWith(10);
  const folder = await reserveScratch(config, { name: 'h', bytes: 9 * TB, signal });
  const waiting = new AbortController();
  const late = reserveScratch(config, { name: 'i', bytes: 5 * TB, signal: waiting.signal });
  waiting.abort(new Error('canceled'));
  await assert.rejects(late);
  assert.deepEqual(await readdir(join(folder, '..')), ['h']);
  await rm(folder, { recursive: true });
});
