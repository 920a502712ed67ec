import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { missingPrograms } from '../kit/server-process.ts';

const missing = missingPrograms('unshare', 'ip') || (process.getuid?.() !== 0 && 'a network namespace needs root');

test('multicast of a constant rate, in whole datagrams of 1316 bytes, in a network namespace', {
  skip: missing,
}, async (t) => {
  const script = join(import.meta.dirname, 'measure-multicast.ts');
  const inside = `ip link set lo up && ip link set lo multicast on && ip route add 239.0.0.0/8 dev lo && exec ${process.execPath} ${script}`;
  const { stdout } = await promisify(execFile)('unshare', ['--net', 'sh', '-c', inside], { timeout: 60_000 });
  const seen = JSON.parse(stdout) as {
    muxRate: number;
    mean: number;
    deviation: number;
    sizes: number[];
    count: number;
  };
  t.diagnostic(JSON.stringify(seen));
  assert.deepEqual(seen.sizes, [1316]);
  assert.ok(Math.abs(seen.mean / seen.muxRate - 1) < 0.05, 'the rate is the rate of the multiplex');
  // Without spacing it is a quarter; a quiet machine reaches a twentieth.
  assert.ok(seen.deviation / seen.muxRate < 0.2, 'datagrams are spaced');
});
