// Processes as the tests of the road see them: workers of their own, FFmpeg at work, rows behind a server's back, files in storage.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from '#database/connect.ts';
import { DATABASE_USER } from '#database/embedded-binaries.ts';
import { findPostmaster } from '#database/postmaster.ts';
import { eventually } from '../kit/eventually.ts';
import { findProgram } from '../kit/server-process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const START_SECONDS = 240;

export type WorkerProcess = {
  readonly id: string;
  readonly pid: number;
  readonly output: () => string;
  /** Resolves with the exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
};

/** Starts `rendition work` and waits until it is ready. */
export async function startWorkerProcess(settings: Readonly<Record<string, string>>): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [MAIN, 'work'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LOG_LEVEL: 'warn', ...settings },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      output = (output + bytes).slice(-100_000);
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const id = await readyWorker(child, () => output);
  return { id, pid: child.pid ?? 0, output: () => output, ended, kill: (signal) => void child.kill(signal) };
}

async function readyWorker(child: ChildProcess, output: () => string): Promise<string> {
  const end = Date.now() + START_SECONDS * 1000;
  for (;;) {
    const id = /Worker (\S+) is ready/.exec(output())?.[1];
    if (id) return id;
    if (child.exitCode !== null || Date.now() > end) {
      child.kill('SIGKILL');
      throw new Error(`the worker does not get ready:\n${output()}`);
    }
    await sleep(50);
  }
}

type Process = { readonly pid: number; readonly parent: number; readonly command: string };

async function listProcesses(): Promise<Process[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    names.map(async (name) => {
      // Processes end while we look: what cannot be read is gone. A zombie has no command line.
      const [stat, command] = await Promise.all([
        readFile(`/proc/${name}/stat`, 'utf8').catch(() => ''),
        readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => ''),
      ]);
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      return { pid: Number(name), parent, command: command.replaceAll('\0', ' ') };
    }),
  );
  return all.filter(({ command }) => command !== '');
}

/** FFmpeg processes that read from below a folder, whoever their parent is now. */
export async function ffmpegOn(folder: string): Promise<number[]> {
  const all = await listProcesses();
  return all
    .filter(({ command }) => /(^|\/)(ffmpeg|ffprobe) /.test(command) && command.includes(folder))
    .map(({ pid }) => pid);
}

/**
 * Waits until a look at the work holds, and stops every FFmpeg that reads from below the folder (SIGSTOP) so that it still holds at
 * the test's next step. Answers that look and how to let them go on; whoever kills them need not.
 */
export function catchInTheAct<Seen>(
  folder: string,
  look: () => Promise<Seen>,
): Promise<{ readonly seen: Seen; readonly goOn: () => void }> {
  return eventually(
    async () => {
      await look();
      const pids = await ffmpegOn(folder);
      sendSignal(pids, 'SIGSTOP');
      const goOn = () => sendSignal(pids, 'SIGCONT');
      try {
        // What was seen a moment ago may have ended since.
        return { seen: await look(), goOn };
      } catch (error) {
        goOn();
        throw error;
      }
    },
    { within: 240_000, every: 50 },
  );
}

/** Those that have ended meanwhile are left out. */
function sendSignal(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/**
 * A stand-in for FFmpeg, by its path: the same, but it reads no faster than so many seconds of film a second. Work that is to be met
 * in its middle lasts as long on a quick machine as on a slow one, and costs little.
 */
export async function writeSlowFfmpeg(folder: string, rate: number): Promise<string> {
  const path = join(folder, 'slow', 'ffmpeg');
  const insert = `[ "$word" = -i ] && set -- "$@" -readrate ${rate}`;
  const script = `#!/bin/sh\nfor word; do shift; ${insert}; set -- "$@" "$word"; done\nexec ${findProgram('ffmpeg')} "$@"\n`;
  await mkdir(join(folder, 'slow'), { recursive: true });
  await writeFile(path, script, { mode: 0o755 });
  return path;
}

/** SIGKILL to a process and all below it but FFmpeg, whose own end is what is tested. */
export async function killTree(root: number): Promise<void> {
  const all = await listProcesses();
  const below = (pid: number): Process[] =>
    all.filter(({ parent }) => parent === pid).flatMap((one) => [one, ...below(one.pid)]);
  const victims = [
    root,
    ...below(root)
      .filter(({ command }) => !/ffmpeg|ffprobe/.test(command))
      .map(({ pid }) => pid),
  ];
  // A backend of PostgreSQL ends with its postmaster.
  sendSignal(victims, 'SIGKILL');
}

/** The embedded database of a running server. The caller closes it. */
export async function openEmbedded(dataDir: string): Promise<Database> {
  const folder = join(dataDir, 'database');
  const running = await findPostmaster(join(folder, 'cluster'));
  if (!running) throw new Error(`no database runs under ${folder}`);
  const password = await readFile(join(folder, 'password'), 'utf8');
  return openDatabase(`postgres://${DATABASE_USER}:${password}@127.0.0.1:${running.port}/postgres`);
}

export type TaskRow = {
  readonly id: number;
  readonly kind: string;
  readonly index: number;
  readonly status: string;
  readonly attempt: number;
  readonly tries: number;
  readonly progress: number;
  readonly workerId: string | null;
};

/** The tasks of the one job with that uuid, in the order of the plan. */
export async function readTasks({ db }: Database, uuid: string): Promise<TaskRow[]> {
  const rows = await db
    .selectFrom('task')
    .innerJoin('job', 'job.id', 'task.job_id')
    .select([
      'task.id',
      'task.kind',
      'task.index',
      'task.status',
      'task.attempt',
      'task.tries',
      'task.progress',
      'task.worker_id as workerId',
    ])
    .where('job.uuid', '=', uuid)
    .orderBy('task.id')
    .execute();
  return rows;
}

/** How often each chunk began to be encoded, and each sound, out of a job's log. A chunk that is gone on with is looked at and has its pictures taken by further runs. */
export function countStarts(log: string): Map<string, number> {
  const starts = new Map<string, number>();
  for (const [, task = ''] of log.matchAll(/^\S+ (chunk \d+|audio \d+): \$ ffmpeg .*-c:(?:v libx264|a aac) /gm))
    starts.set(task, (starts.get(task) ?? 0) + 1);
  return starts;
}

/** Folders of a job in a storage directory: one for each attempt that left something. */
export async function attemptFolders(storage: string, uuid: string): Promise<string[]> {
  const names = await readdir(join(storage, 'jobs', uuid)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name !== 'source').sort();
}

/** Those that belong to no attempt whose result was stored, and hold no segment that one was built on: what losers, dead or alive, have left. */
export async function strayFolders({ db }: Database, storage: string, uuid: string): Promise<string[]> {
  const rows = await db
    .selectFrom('task')
    .innerJoin('job', 'job.id', 'task.job_id')
    .select(['task.id', 'task.attempt', 'task.result'])
    .where('job.uuid', '=', uuid)
    .where('task.status', '=', 'done')
    .execute();
  const built = rows.flatMap(({ result }) => result?.parts ?? []).flatMap(({ segments }) => segments);
  const stored = new Set([
    ...rows.map(({ id, attempt }) => `t${id}-${attempt}`),
    ...built.map(({ key }) => key.split('/')[2]),
  ]);
  return (await attemptFolders(storage, uuid)).filter((name) => !stored.has(name));
}

/** Everything below scratch folders, relative. */
export async function scratchFiles(scratch: string): Promise<string[]> {
  const entries = await readdir(scratch, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}
