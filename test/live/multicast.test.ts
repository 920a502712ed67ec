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
  // A busy machine makes too few datagrams and sends them late, never more or better spaced ones: the best of eight counts.
  for (let tries = 1; ; tries++) {
    const seen = await measure(inside);
    t.diagnostic(JSON.stringify(seen));
    assert.deepEqual(seen.sizes, [1316]);
    // Without spacing the deviation is a quarter; a quiet machine reaches a twentieth.
    const [rate, deviation] = [seen.mean / seen.muxRate, seen.deviation / seen.muxRate];
    const isEven = rate > 0.85 && rate < 1.05 && deviation < 0.2;
    if (isEven) return;
    assert.ok(tries < 8, 'the rate is the rate of the multiplex, and datagrams are spaced');
  }
});

type Measured = {
  readonly muxRate: number;
  readonly mean: number;
  readonly deviation: number;
  readonly sizes: readonly number[];
  readonly count: number;
};

async function measure(inside: string): Promise<Measured> {
  const { stdout } = await promisify(execFile)('unshare', ['--net', 'sh', '-c', inside], { timeout: 120_000 });
  return JSON.parse(stdout) as Measured;
}
