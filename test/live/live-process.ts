// `rendition live` as a process of its own, also under the name of another host, and a server whose channels such processes run. Used by the tests and soaks of this room.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { openServer, type TestServer } from '../api/open-server.ts';
import { eventually } from '../kit/eventually.ts';
import { type JobAnswer, LIVE_SETTINGS, SMALL } from './open-live.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** Resolves when it is ready. @param host what it shall take for its name; needs root and `unshare` */
async function startLiveProcess(settings: Record<string, string>, host?: string): Promise<ChildProcess> {
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
  await eventually(() => assert.match(output, /is ready/, output));
  return child;
}

export const gone = (child: ChildProcess): Promise<unknown> | null =>
  child.exitCode !== null || child.signalCode !== null ? null : new Promise((resolve) => child.once('exit', resolve));

/** A server without the live role, and machines of their own that run its channels. */
export type LiveMachines = AsyncDisposable & {
  readonly server: TestServer;
  /** Starts one. @param host see startLiveProcess */
  start(host?: string): Promise<ChildProcess>;
  /** A channel that is wanted. Answers the number of its job. */
  create(fields: Record<string, unknown>): Promise<number>;
  job(id: number): Promise<JobAnswer>;
  /** Somebody else's process, under the number that stands in every row of a channel. */
  strange(): Promise<ChildProcess>;
};

/** Machines and strangers that still live are ended with it, before the database goes. */
export async function openLiveMachines(): Promise<LiveMachines> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openServer({ settings: { ...LIVE_SETTINGS } }));
  const settings = { DATABASE_URL: server.platform.database.url, DATA_DIR: server.folder };
  const children: ChildProcess[] = [];
  stack.defer(async () => {
    for (const child of children) {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      await gone(child);
    }
  });
  const parts = stack.move();
  return {
    server,
    start: async (host) => {
      const machine = await startLiveProcess(settings, host);
      children.push(machine);
      return machine;
    },
    create: async (fields) => {
      const made = await server.call('POST', '/api/channels/', { body: { ...SMALL, ...fields, auto_start: true } });
      assert.equal(made.status, 201, made.text);
      return (made.body as { job: number }).job;
    },
    job: async (id) => (await server.call('GET', `/api/job/${id}/`)).body as JobAnswer,
    strange: async () => {
      const stranger = spawn('sleep', ['600'], { stdio: 'ignore' });
      children.push(stranger);
      await server.platform.database.pool.query('update channel_job set ffmpeg_pid = $1', [stranger.pid]);
      return stranger;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
