// The real server as a child process, as a user starts it: own data directory, free port. Used by tests that need all of it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { openAsBlob } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import { freshDatabase } from './postgres.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const READY = /ready at (http:\/\/\S+)/;
/** The first start makes a database cluster. */
const START_SECONDS = 240;
const STOP_SECONDS = 90;
const SAMPLE_MS = 250;

export type JobFailure = { readonly code: string; readonly message: string; readonly fault: string };
export type OutputReport = {
  readonly index: number;
  readonly status: string;
  readonly result: {
    readonly url: string;
    readonly duration: number;
    readonly width: number | null;
    readonly height: number | null;
  } | null;
  readonly error: JobFailure | null;
};
/** What `GET /jobs/:id` says, as far as tests look. */
export type JobReport = {
  readonly id: number;
  readonly uuid: string;
  readonly status: string;
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly detail: string }[];
  readonly outputs: readonly OutputReport[];
  readonly error: JobFailure | null;
};

/** A job the server did not take: its answer. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, problem: { code?: string; detail?: string }) {
    super(problem.detail ?? `HTTP ${status}`);
    this.name = 'Refused';
    this.status = status;
    this.code = problem.code ?? '';
  }
}

export type MemoryPeak = {
  /** bytes that the server's own process held at the most */
  readonly server: number;
  /** bytes of the greatest single child */
  readonly child: number;
  /** bytes of all together */
  readonly total: number;
};

export type RenditionServer = AsyncDisposable & {
  readonly url: string;
  readonly pid: number;
  /** What it wrote, the last 200 kB. */
  readonly output: () => string;
  /** Uploads a file as a job. @throws Refused */
  submit(file: string, outputs: readonly object[]): Promise<string>;
  job(id: string): Promise<JobReport>;
  /** Waits until the job is finished. @throws Error after so many seconds; the job is then canceled */
  waitFor(id: string, seconds: number): Promise<JobReport>;
  /** The log of a job, once it says so: its lines reach it some together, a moment after they were said. */
  log(id: string, says?: RegExp): Promise<string>;
  isHealthy(): Promise<boolean>;
  /** Peak of the memory since the last call; the first one begins to look. */
  takePeak(): MemoryPeak;
  /** SIGTERM, and its exit code; the data directory is removed. */
  stop(): Promise<number | null>;
};

export type ServerOptions = {
  /** Settings beside HOST, PORT and DATA_DIR. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Instead of `node src/main.ts serve`. */
  readonly args?: readonly string[];
  /** A data directory to go on with; kept at the end. Left out, a new one that is removed. */
  readonly dataDir?: string;
};

/** Starts the server and waits for its ready line. */
export async function startRendition(options: ServerOptions = {}): Promise<RenditionServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'rendition-server-')));
  const child = spawn(process.execPath, options.args ?? [MAIN, 'serve'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: dataDir,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
      LOG_LEVEL: 'warn',
      ...options.settings,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      output = (output + bytes).slice(-200_000);
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const url = await readyAddress(child, () => output);
  const memory = watchMemory(child.pid ?? 0);
  const get = async (path: string) => checked(await fetch(url + path));
  const job = async (id: string) => (await get(`/jobs/${id}`)).json() as Promise<JobReport>;
  let stopping: Promise<number | null> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      memory.stop();
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1000);
      const code = await ended;
      clearTimeout(killer);
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
      return code;
    })();
    return stopping;
  };
  return {
    url,
    pid: child.pid ?? 0,
    output: () => output,
    job,
    stop,
    submit: async (file, outputs) => {
      const form = new FormData();
      form.append('spec', JSON.stringify({ outputs }));
      form.append('file', await openAsBlob(file), basename(file));
      const answer = await checked(await fetch(`${url}/jobs`, { method: 'POST', body: form }));
      return ((await answer.json()) as { uuid: string }).uuid;
    },
    waitFor: async (id, seconds) => {
      const end = Date.now() + seconds * 1000;
      for (;;) {
        const report = await job(id);
        if (['completed', 'failed', 'canceled'].includes(report.status)) return report;
        if (Date.now() > end) {
          await fetch(`${url}/jobs/${id}/cancel`, { method: 'POST' });
          throw new Error(`job ${id} is still ${report.status} after ${seconds} s`);
        }
        await sleep(150);
      }
    },
    log: (id, says = /^/) =>
      eventually(async () => {
        const text = await (await get(`/jobs/${id}/log`)).text();
        assert.match(text, says);
        return text;
      }),
    isHealthy: async () => child.exitCode === null && (await fetch(`${url}/health`)).ok,
    takePeak: memory.take,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

/** The same on a fresh database of the tests' own server: making a cluster takes seconds that only tests of clusters need. */
export async function startOnFreshDatabase(settings: Readonly<Record<string, string>> = {}): Promise<RenditionServer> {
  const { url, drop } = await freshDatabase();
  const server = await startRendition({ settings: { ...settings, DATABASE_URL: url } }).catch(
    async (error: unknown) => {
      await drop();
      throw error;
    },
  );
  let stopping: Promise<number | null> | undefined;
  const stop = () => {
    stopping ??= server.stop().finally(drop);
    return stopping;
  };
  return { ...server, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  throw new Refused(response.status, isJson ? JSON.parse(text) : { detail: text.slice(0, 500) });
}

async function readyAddress(child: ChildProcess, output: () => string): Promise<string> {
  const end = Date.now() + START_SECONDS * 1000;
  for (;;) {
    const address = READY.exec(output())?.[1];
    if (address) return address.replace(/\/$/, '');
    if (child.exitCode !== null || Date.now() > end) {
      child.kill('SIGKILL');
      throw new Error(`the server does not get ready:\n${output()}`);
    }
    await sleep(50);
  }
}

/** Looks at /proc four times a second, from the first question on. Where there is none, everything stays 0. */
function watchMemory(root: number): { take: () => MemoryPeak; stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let peak = { server: 0, child: 0, total: 0 };
  const look = async () => {
    const sizes = await memoryOfTree(root);
    const children = [...sizes].filter(([pid]) => pid !== root).map(([, size]) => size);
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    peak = {
      server: Math.max(peak.server, sizes.get(root) ?? 0),
      child: Math.max(peak.child, ...children),
      total: Math.max(peak.total, total),
    };
  };
  return {
    stop: () => clearInterval(timer),
    take: () => {
      timer ??= setInterval(() => void look(), SAMPLE_MS);
      const seen = peak;
      peak = { server: 0, child: 0, total: 0 };
      return seen;
    },
  };
}

/** Bytes of private memory (RssAnon: pages that PostgreSQL's processes share are not counted over and over) by process. */
async function memoryOfTree(root: number): Promise<Map<number, number>> {
  const parents = new Map<number, number>();
  const sizes = new Map<number, number>();
  const names = await readdir('/proc').catch(() => []);
  for (const name of names.filter((one) => /^\d+$/.test(one))) {
    // Processes end while we look.
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '');
    parents.set(Number(name), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    sizes.set(Number(name), Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024);
  }
  const isOurs = (pid: number): boolean => pid === root || (pid > 1 && isOurs(parents.get(pid) ?? 0));
  return new Map([...sizes].filter(([pid]) => isOurs(pid)));
}
