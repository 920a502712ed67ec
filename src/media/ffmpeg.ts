// The one place that starts FFmpeg and ffprobe: own process group, limits, drained pipes, time limit, progress. Called by media and workflows.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { HARDWARE } from '#domain/codec.ts';
import { PlatformError } from '#domain/error.ts';
import { yieldAutogroup } from '#media/autogroup.ts';
import { type Progress, ProgressReader } from '#media/progress.ts';
import type { ChildLimits } from '#media/tool.ts';

export type RunOptions = {
  readonly program: string;
  readonly args: readonly string[];
  readonly limits: ChildLimits;
  /** Wall-clock seconds after which the child is killed and the run fails with `encode_timeout`. */
  readonly timeLimit: number;
  readonly signal?: AbortSignal;
  readonly cwd?: string;
  /** Marks the child's environment, so that orphans of a dead supervisor can be known for ours. */
  readonly runId?: string;
  /** One line of stderr, without its end. */
  readonly onLog?: (line: string) => void;
  /** Needs `-progress pipe:3` in the arguments. */
  readonly onProgress?: (progress: Progress) => void;
  /** Reads standard output to its end. Left out, it is drained and dropped. */
  readonly onStdout?: (stdout: Readable) => Promise<void>;
  /** Written to standard input; left out, the child has none. */
  readonly stdin?: (stdin: Writable) => Promise<void>;
  /** Each reads one more pipe to its end: the first is `pipe:4`, the next `pipe:5`, … */
  readonly sinks?: readonly ((stream: Readable) => Promise<void>)[];
  /** Each fills one more pipe, numbered after the sinks. */
  readonly feeds?: readonly ((stream: Writable) => Promise<void>)[];
};

export type RunResult = {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Last lines of stderr. */
  readonly tail: readonly string[];
  /** wall-clock seconds */
  readonly seconds: number;
};

/** The environment variable by which the janitor recognises our children. */
export const RUN_MARK = 'RENDITION_RUN';
const TAIL_LINES = 60;
/** A line longer than this is cut: a flood on stderr must not fill our memory. */
const LONGEST_LINE = 2000;

/**
 * Runs one child to its end. Resolves with how it ended, also when it failed: the caller knows what a failure means.
 * @throws PlatformError `canceled` or the signal's own reason when aborted, `encode_timeout` past the time limit, `ffmpeg_missing`.
 */
export async function runMedia(options: RunOptions): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const started = performance.now();
  const child = spawnLimited(options);
  const tail: string[] = [];
  let timedOut = false;
  const stop = () => signalGroup(child, 'SIGKILL');
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, options.timeLimit * 1000);
  options.signal?.addEventListener('abort', stop, { once: true });
  const pipesDone = connectPipes(child, options, (line) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    options.onLog?.(line);
  });
  try {
    const [exit] = await Promise.all([
      ended(child),
      // A sink that fails (disk full, a broken segment) must end the child, or it would wait for ever on a full pipe.
      pipesDone.catch((error) => {
        stop();
        throw error;
      }),
    ]);
    if (timedOut) throw new PlatformError('encode_timeout', `FFmpeg timeout after ${options.timeLimit} seconds`);
    options.signal?.throwIfAborted();
    return { ...exit, tail, seconds: (performance.now() - started) / 1000 };
  } catch (error) {
    // What went wrong first is told.
    await ended(child).catch(() => undefined);
    if (timedOut)
      throw new PlatformError('encode_timeout', `FFmpeg timeout after ${options.timeLimit} seconds`, { cause: error });
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
  }
}

/** A child that runs until it is told to stop: live channels. */
export type MediaProcess = {
  readonly pid: number | null;
  readonly stdin: Writable | null;
  /** How it ended. @throws PlatformError `ffmpeg_missing` */
  readonly exited: Promise<RunResult>;
  readonly isAlive: () => boolean;
  /** SIGTERM, and SIGKILL after so many seconds, to its whole group. */
  stop(graceSeconds: number): Promise<RunResult>;
  /** At once and for certain. */
  kill(): void;
};

export type StartOptions = Omit<RunOptions, 'timeLimit' | 'signal' | 'stdin' | 'feeds'> & {
  readonly hasStdin?: boolean;
};

/** Starts a child without a time limit; its pipes are drained to their ends. Whoever starts it stops it. */
export function startMedia(options: StartOptions): MediaProcess {
  const started = performance.now();
  const child = spawnLimited({ ...options, timeLimit: 0 }, options.hasStdin === true);
  const tail: string[] = [];
  const pipesDone = connectPipes(child, { ...options, timeLimit: 0 }, (line) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    options.onLog?.(line);
  });
  const exited = Promise.all([
    ended(child),
    pipesDone.catch((error) => {
      signalGroup(child, 'SIGKILL');
      throw error;
    }),
  ]).then(([exit]) => ({ ...exit, tail, seconds: (performance.now() - started) / 1000 }));
  // Who does not ask how it ended must not be ended by it.
  exited.catch(() => undefined);
  // Whoever writes hears of a closed pipe by the child's end.
  child.stdin?.on('error', () => undefined);
  return {
    pid: child.pid ?? null,
    stdin: child.stdin,
    exited,
    isAlive: () => child.pid !== undefined && child.exitCode === null && child.signalCode === null,
    kill: () => signalGroup(child, 'SIGKILL'),
    stop: async (graceSeconds) => {
      signalGroup(child, 'SIGTERM');
      // A child blocked in write() never hears SIGTERM.
      const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceSeconds * 1000);
      try {
        return await exited;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function spawnLimited(options: RunOptions, hasStdin = options.stdin !== undefined): ChildProcess {
  const [program, args] = limitedCommand(options.program, options.args, options.limits);
  const extra = (options.sinks?.length ?? 0) + (options.feeds?.length ?? 0);
  const child = spawn(program, args, {
    cwd: options.cwd,
    // An emptied environment: nothing of ours (keys, proxies) reaches a program that parses strangers' bytes.
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      LC_ALL: 'C',
      SVT_LOG: '1',
      [RUN_MARK]: options.runId ?? 'none',
      ...windowsNeeds(),
    },
    stdio: [hasStdin ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe', ...Array<'pipe'>(extra).fill('pipe')],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  if (child.pid !== undefined && options.limits.niceness > 0 && hasLinuxTools())
    void yieldAutogroup(child.pid, options.limits.niceness);
  return child;
}

/** Wraps a command in prlimit, nice and setpriv where they exist (Linux); elsewhere it stays as it is. */
function limitedCommand(program: string, args: readonly string[], limits: ChildLimits): [string, string[]] {
  if (!hasLinuxTools()) return [program, [...args]];
  return [
    '/usr/bin/prlimit',
    [
      `--as=${usesDevice(args) ? 'unlimited' : limits.memory}`,
      `--fsize=${limits.fileSize}`,
      `--nofile=${limits.openFiles}`,
      '--core=0',
      '--',
      '/usr/bin/nice',
      '-n',
      String(limits.niceness),
      // FFmpeg does not notice a dead parent; the kernel does.
      '/usr/bin/setpriv',
      '--pdeathsig',
      'KILL',
      '--',
      program,
      ...args,
    ],
  ];
}

/** A graphics driver maps far more address space than there is memory: under a limit of it no device works. */
const usesDevice = (args: readonly string[]): boolean =>
  args.some((word, i) => /^-c:v/.test(args[i - 1] ?? '') && HARDWARE.some((kind) => word.endsWith(`_${kind}`)));

let linuxTools: boolean | undefined;
function hasLinuxTools(): boolean {
  linuxTools ??=
    process.platform === 'linux' &&
    ['/usr/bin/prlimit', '/usr/bin/nice', '/usr/bin/setpriv'].every((path) => existsSync(path));
  return linuxTools;
}

function windowsNeeds(): Record<string, string> {
  return process.platform === 'win32' ? { SystemRoot: 'C:\\Windows' } : {};
}

async function connectPipes(child: ChildProcess, options: RunOptions, onLine: (line: string) => void): Promise<void> {
  const { sinks = [], feeds = [] } = options;
  const work: Promise<void>[] = [];
  // stdio 1.. are always read, or the child would block once a pipe is full.
  const [stdin, stdout, stderr, progress] = child.stdio as unknown as [Writable | null, Readable, Readable, Readable];
  if (stdin && options.stdin) work.push(ignoreClosedPipe(options.stdin(stdin), stdin));
  work.push(options.onStdout ? options.onStdout(stdout) : drain(stdout));
  work.push(readLines(stderr, onLine));
  work.push(options.onProgress ? new ProgressReader(options.onProgress).read(progress) : drain(progress));
  sinks.forEach((sink, i) => {
    work.push(sink(child.stdio[4 + i] as Readable));
  });
  feeds.forEach((feed, i) => {
    const pipe = child.stdio[4 + sinks.length + i] as Writable;
    work.push(ignoreClosedPipe(feed(pipe), pipe));
  });
  await Promise.all(work);
}

/** A child that has read enough closes its end; that is not our error. */
async function ignoreClosedPipe(feeding: Promise<void>, pipe: Writable): Promise<void> {
  pipe.on('error', () => undefined);
  try {
    await feeding;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE' && code !== 'ECONNRESET') throw error;
  }
}

async function drain(stream: Readable): Promise<void> {
  for await (const _ of stream) {
    // dropped on purpose
  }
}

async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  // A character may come in two pieces.
  stream.setEncoding('utf8');
  for await (const text of stream) {
    const lines = `${rest}${text}`.split(/[\r\n]+/);
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    for (const line of lines) if (line) onLine(line.slice(0, LONGEST_LINE));
  }
  if (rest) onLine(rest);
}

const exits = new WeakMap<ChildProcess, Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>>();

function ended(child: ChildProcess): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
  const known = exits.get(child);
  if (known) return known;
  const exit = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', (error) => {
      reject(
        new PlatformError('ffmpeg_missing', `${child.spawnfile} could not be started: ${error.message}`, {
          cause: error,
        }),
      );
    });
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  exits.set(child, exit);
  return exit;
}

/**
 * To the whole group. Runs are ended by SIGKILL, at once and for certain: nothing of an ended run is used, and FFmpeg that is asked
 * politely first encodes all frames it holds (seconds of a 1080p ladder), or, blocked in write(), never hears it.
 */
function signalGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  // exitCode is set as soon as the child is reaped: after that its number may belong to somebody else.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
