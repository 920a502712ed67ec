// Items that come at the same moment are written together; what is wrong with one is nobody else's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupCommit } from '#workflows/group-commit.ts';
import { eventually } from '../kit/eventually.ts';

/** Writes that end when told to. `bad` ones fail with everything beside them. */
function openGroup(most: number) {
  const writes: { readonly items: readonly string[]; readonly end: () => void }[] = [];
  const group = new GroupCommit<string, string>({
    most,
    gatherMs: 1,
    write: async (items) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      writes.push({ items, end: resolve });
      await promise;
      const bad = items.find((item) => item.startsWith('bad'));
      if (bad !== undefined) throw new Error(bad);
      return (item) => `${item} is written`;
    },
  });
  /** Ends the last write, and waits for so many. */
  const endLast = async (wanted: number) => {
    writes.at(-1)?.end();
    await eventually(() => assert.equal(writes.length, wanted));
  };
  return { group, writes, endLast };
}

test('the first is written at once; what comes meanwhile goes together, so many at the most', async () => {
  const { group, writes, endLast } = openGroup(3);
  const answers = ['a', 'b', 'c', 'd', 'e'].map((item) => group.add(item));
  assert.deepEqual(
    writes.map(({ items }) => items),
    [['a']],
  );
  for (const wanted of [2, 3, 3]) await endLast(wanted);
  assert.deepEqual(
    writes.map(({ items }) => items),
    [['a'], ['b', 'c', 'd'], ['e']],
  );
  assert.deepEqual(
    await Promise.all(answers),
    ['a', 'b', 'c', 'd', 'e'].map((item) => `${item} is written`),
  );
  const later = group.add('f');
  await eventually(() => assert.equal(writes.length, 4));
  writes.at(-1)?.end();
  assert.equal(await later, 'f is written');
});

test('a group that fails is written again one by one: only what is wrong fails', async () => {
  const { group, writes, endLast } = openGroup(10);
  const first = group.add('a');
  const settled = Promise.allSettled(['b', 'bad', 'c'].map((item) => group.add(item)));
  await endLast(2);
  await endLast(5);
  assert.deepEqual(
    writes.map(({ items }) => items),
    [['a'], ['b', 'bad', 'c'], ['b'], ['bad'], ['c']],
  );
  for (const { end } of writes) end();
  assert.equal(await first, 'a is written');
  assert.deepEqual(
    (await settled).map((one) => (one.status === 'fulfilled' ? one.value : one.reason.message)),
    ['b is written', 'bad', 'c is written'],
  );
});
