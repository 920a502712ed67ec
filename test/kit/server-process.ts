// Starting the real servers of tests: free ports, waiting until one answers, and stopping by pid. Used by the other files of the kit.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Below what systems give to outgoing connections (from 32768 on Linux, 49152 elsewhere): there a port that nobody holds may be taken at any time. */
const PORTS = { from: 20_000, to: 32_000 };

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Why a program is not there, for a test's skip reason; false where all are. */
export function missingPrograms(...programs: string[]): string | false {
  const missing = programs.filter((program) => !findProgram(program));
  return missing.length > 0 && `${missing.join(', ')} not installed`;
}

export function findProgram(program: string): string | undefined {
  return ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/sbin', '/bin']
    .map((folder) => `${folder}/${program}`)
    .find((path) => existsSync(path));
}

export type RunningServer = {
  readonly child: ChildProcess;
  /** What it wrote so far. */
  readonly output: () => string;
  stop(): Promise<void>;
};

/** A server in Python takes a quarter of a minute where much else starts beside it. */
const START_MS = 240_000;

/** Starts a server in the foreground and waits until it listens on the port. */
export async function startServer(program: string, args: readonly string[], port: number): Promise<RunningServer> {
  const child = spawn(findProgram(program) ?? program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      output = (output + bytes).slice(-20_000);
    });
  }
  // Not 'close': children of the server may hold its output open for longer.
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), 2000);
    await ended;
    clearTimeout(killer);
    child.stdout.destroy();
    child.stderr.destroy();
  };
  for (const end = performance.now() + START_MS; !(await listens(port)); ) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > end) {
      await stop();
      throw new Error(`${program} does not listen on ${port}:\n${output}`);
    }
    await sleep(50);
  }
  return { child, output: () => output, stop };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
