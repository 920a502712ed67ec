// `rendition live` as a process of its own, also under the name of another host. Used by the tests of this room.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '../kit/eventually.ts';
import { LIVE_SETTINGS } from './open-live.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** Resolves when it is ready. @param host what it shall take for its name; needs root and `unshare` */
export async function startLiveProcess(settings: Record<string, string>, host?: string): Promise<ChildProcess> {
  const own = [process.execPath, MAIN, 'live'];
  // Each exec keeps the number: what is spawned here is the process itself in the end.
  const named =
    host === undefined ? own : ['unshare', '--uts', 'sh', '-c', `hostname ${host} && exec "$0" "$@"`, ...own];
  const [program = '', ...args] = named;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LOG_LEVEL: 'warn', ...LIVE_SETTINGS, ...settings },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => {
      output = (output + bytes).slice(-20_000);
    });
  await eventually(() => assert.match(output, /is ready/, output), { within: 60_000 });
  return child;
}

export const gone = (child: ChildProcess): Promise<unknown> | null =>
  child.exitCode !== null || child.signalCode !== null ? null : new Promise((resolve) => child.once('exit', resolve));
