// A child yields to everything else also where Linux shares the processor among sessions.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { yieldAutogroup } from '#media/autogroup.ts';
import { startMedia } from '#media/ffmpeg.ts';
import { eventually } from '../kit/eventually.ts';

const ENDLESS = ['-v', 'error', '-re', '-f', 'lavfi', '-i', 'anullsrc', '-f', 'null', '-'];
const limits = { memory: 4 * 1024 ** 3, fileSize: 1024 ** 2, openFiles: 64 };
const skip = existsSync('/proc/self/autogroup') ? false : 'this kernel has no autogroups';
const nicenessOf = async (pid: number | string) =>
  Number(/nice (-?\d+)/.exec(await readFile(`/proc/${pid}/autogroup`, 'utf8'))?.[1]);

for (const niceness of [0, 10]) {
  test(`the session of a child of niceness ${niceness} has it too, ours stays as it is`, { skip }, async () => {
    const before = await nicenessOf('self');
    const child = startMedia({ program: 'ffmpeg', args: ENDLESS, limits: { ...limits, niceness } });
    try {
      await eventually(async () => assert.equal(await nicenessOf(child.pid ?? 0), niceness));
      assert.equal(await nicenessOf('self'), before);
    } finally {
      await child.stop(5);
    }
  });
}

test('a process that is gone has nothing to yield', async () => {
  await yieldAutogroup(2 ** 22 + 1, 10);
});
