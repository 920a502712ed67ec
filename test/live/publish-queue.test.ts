// What a channel makes is stored and made known in order, with a real folder that refuses or delays what a test wants.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveMoment } from '#database/live.ts';
import { PlatformError } from '#domain/error.ts';
import { PublishQueue } from '#live/publish-queue.ts';
import { openDisk } from '#storage/disk.ts';
import type { ManagedStore } from '#storage/managed.ts';
import { eventually } from '../kit/eventually.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rendition-queue-'));
});
after(() => rm(folder, { recursive: true, force: true }));

type Told = readonly (readonly [string, boolean])[];

const PART = { rendition: '180p', size: 1, codecs: '', width: null, height: null, frameRate: null };

/** A queue on a folder of its own. @param hinder throws or waits before a key is written; told how often it was tried */
async function openQueue(
  hinder: (key: string, tries: number) => Promise<void> | void,
  {
    patience = 60_000,
    answer = 60_000,
    isAway = () => false,
    hears = () => undefined,
  }: {
    patience?: number;
    answer?: number;
    isAway?: () => boolean;
    /** Waits before the database answers. */
    hears?: (key: string) => Promise<void> | void;
  } = {},
) {
  let [sequence, discontinuities] = [10, 2];
  let ahead: readonly LiveMoment[] = [];
  const disk = await openDisk(await mkdtemp(path.join(folder, 'store-')));
  const tries = new Map<string, number>();
  const storage: ManagedStore = {
    ...disk,
    write: async (key, body, options) => {
      tries.set(key, (tries.get(key) ?? 0) + 1);
      await hinder(key, tries.get(key) ?? 0);
      return disk.write(key, body, options);
    },
  };
  const errors: unknown[] = [];
  const lines: string[] = [];
  const told: [string, boolean][] = [];
  const queue = new PublishQueue({
    storage,
    log: { write: (who, line) => void lines.push(`${who}: ${line}`) },
    onError: (error) => void errors.push(error),
    pace: { tryLimit: 30_000, pause: 20, patience, unheard: 60_000, answer },
    onAhead: (moments) => {
      ahead = moments;
    },
  });
  const add = (key: string, isWanted = true) =>
    queue.add({
      objects: [{ key, bytes: Buffer.from(key), contentType: 'video/mp2t' }],
      moment: { isBreak: false, startsAt: new Date(0), seconds: 1, parts: [{ ...PART, key }] },
      announce: async ({ isBreak }) => {
        await disk.stat(key);
        await hears(key);
        if (isAway()) throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
        told.push([key, isBreak]);
        sequence += 1;
        discontinuities += isBreak ? 1 : 0;
        return isWanted ? { sequence, discontinuities } : null;
      },
    });
  const shown = () => ahead.map((one) => [one.parts[0]?.key, one.sequence, one.discontinuities, one.isBreak] as const);
  return { disk, queue, add, errors, lines, shown, told: told as Told };
}

const away = () => {
  throw new PlatformError('storage_failed', 'the bucket is away');
};

test('in order, whatever is stored first; what was refused for a while is not lost, and said once', async () => {
  const { queue, add, told, errors, lines } = await openQueue(async (key, tries) => {
    if (key === 'b') await sleep(150);
    if (key === 'c' && tries < 4) away();
  });
  for (const key of ['a', 'b', 'c', 'd', 'e']) add(key);
  await queue.end(30_000);
  assert.deepEqual(
    told,
    ['a', 'b', 'c', 'd', 'e'].map((key) => [key, false]),
  );
  assert.deepEqual([errors.length, queue.known, queue.trouble], [1, 5, null]);
  assert.match(lines.join('\n'), /^storage: takes segments again, after [\d.]+ s$/);
});

test('what is refused for too long is left out, and what follows it is marked', async () => {
  const { queue, add, told, lines } = await openQueue((key) => (/[bz]/.test(key) ? away() : undefined), {
    patience: 300,
  });
  for (const key of ['a', 'b', 'c', 'd']) add(key);
  await queue.end(30_000);
  assert.deepEqual(told, [
    ['a', false],
    ['c', true],
    ['d', false],
  ]);
  assert.ok(queue.trouble, 'given up is not recovered');
  add('z');
  add('e');
  await queue.end(30_000);
  assert.deepEqual(told.at(-1), ['e', true]);
  assert.deepEqual(lines, []);
  add('f');
  await queue.end(30_000);
  assert.equal(queue.trouble, null);
  assert.equal(lines.length, 1);
});

test('an end waits no longer than it may, and what nobody shall hear of is removed', async () => {
  const { disk, queue, add, told } = await openQueue((key) => (key === 'b' ? away() : undefined));
  add('a', false);
  add('b');
  await eventually(() => assert.deepEqual(told, [['a', false]]));
  const began = performance.now();
  await queue.end(100);
  assert.ok(performance.now() - began < 30_000, 'before its patience is over');
  assert.deepEqual(told, [['a', false]]);
  await assert.rejects(disk.stat('a'), { code: 'not_found' });
});

test('while the database is away, what is stored is shown under the numbers it gets when it is back', async () => {
  let isAway = false;
  const slow = Promise.withResolvers<void>();
  const queue = await openQueue(
    async (key) => {
      if (key === 'c') throw new PlatformError('storage_failed', 'no');
      if (key === 'e') await slow.promise;
    },
    { patience: 0, isAway: () => isAway },
  );
  queue.add('a');
  await eventually(() => assert.equal(queue.queue.known, 1));
  isAway = true;
  for (const key of ['b', 'c', 'd', 'e', 'f']) queue.add(key);
  const expected = [
    ['b', 12, 2, false],
    ['d', 13, 3, true],
    ['e', 14, 3, false],
    ['f', 15, 3, false],
  ] as const;
  await eventually(() => assert.deepEqual(queue.shown(), expected.slice(0, 2)));
  slow.resolve();
  await eventually(() => assert.deepEqual(queue.shown(), expected));
  isAway = false;
  await queue.queue.end(30_000);
  assert.deepEqual(queue.shown(), []);
  assert.deepEqual(
    queue.told,
    [['a', false] as const, ...expected.map(([key, , , isBreak]) => [key, isBreak] as const)],
    'as they were shown',
  );
});

test('a database that says nothing at all is not waited for by players, nor by the end', async () => {
  const silence = Promise.withResolvers<void>();
  const never = Promise.withResolvers<void>();
  const hears = (key: string) => (key === 'b' ? silence.promise : key === 'd' ? never.promise : undefined);
  const queue = await openQueue(() => undefined, { answer: 50, hears });
  for (const key of ['a', 'b', 'c']) queue.add(key);
  const expected = [
    ['b', 12, 2, false],
    ['c', 13, 2, false],
  ] as const;
  await eventually(() => assert.deepEqual(queue.shown(), expected));
  silence.resolve();
  await eventually(() => assert.deepEqual([queue.queue.known, queue.shown()], [3, []]));
  queue.add('d');
  await queue.queue.end(50);
  assert.deepEqual(queue.told, [
    ['a', false],
    ['b', false],
    ['c', false],
  ]);
});
