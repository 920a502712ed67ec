// PostgreSQL under DATA_DIR: made once, started, shared by the processes of this machine, stopped with the last of them.
// Called by platform.ts (server), temporary-database.ts (CLI) and the test kit.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DATABASE_USER, findBinaries, serverArguments } from '#database/embedded-binaries.ts';
import {
  clusterUser,
  type Home,
  lastLine,
  makeCluster,
  makePassword,
  openHome,
  textOf,
} from '#database/embedded-home.ts';
import { isAlive, lockFile, processIdentity } from '#database/file-lock.ts';
import { findPostmaster, isPostmasterOf } from '#database/postmaster.ts';
import { asUser, type Run } from '#database/unprivileged.ts';
import { isNodeError, PlatformError } from '#domain/error.ts';

export type EmbeddedDatabase = {
  /** `postgres://…` of the database `postgres`; holds the password. */
  readonly url: string;
  readonly port: number;
  /** Settles only when the server ends although nobody asked it to, and does not come back either. */
  readonly lost: Promise<PlatformError>;
  /** Gives it back; the last process that uses it stops it. May be called twice. */
  close(): Promise<void>;
};

export type EmbeddedOptions = {
  /** Holds cluster, password and log; made where it is missing. */
  readonly folder: string;
  /** False for clusters that are thrown away: nothing is synced to disk. */
  readonly durable: boolean;
};

/** Seconds. Another process may be making the cluster; recovery after a crash reads up to 256 MB of log. */
const PATIENCE = { lock: 120, start: 300, stop: 30, reap: 10 } as const;
const LOG_LIMIT = 10 * 1024 ** 2;
const PORT_TRIES = 5;
const onWindows = process.platform === 'win32';
// Nothing of our environment reaches it: PG… variables would change what it does.
const ENVIRONMENT = onWindows
  ? { SystemRoot: 'C:\\Windows', PATH: 'C:\\Windows\\System32' }
  : { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** How often a postmaster that was killed is started again before the server is given up; one that then ran for a minute begins a new count. */
const RESTARTS = 60;

// Runs above the postmaster. Every process that uses the server holds the pipe open for writing; when the last one is
// gone, also by kill -9, reading ends and the server is stopped. A process writes its name there and is answered with a
// file, so that none joins a server that is about to stop.
// A postmaster that ends although the file `ready-…` says that it is wanted (killed for its memory, a full disk) is started
// again, on the same port. Its sessions hold the shared memory until they have noticed: the first tries may come too early.
const GUARD = `
alive=$1; ready=$2/ready-$$; process=$2/process-$$; users=$2; shift 2
rm -f "$alive"; mkfifo -m 600 "$alive" || exit 98
run() {
  "$@" & postmaster=$!
  echo "$postmaster" > "$process"
  [ "$tries" -eq 0 ] || [ -e "$ready" ] || kill -INT "$postmaster"
}
tries=0; run "$@"
( while read -r name; do : > "$users/$name"; done < "$alive"
  rm -f "$ready"; kill -INT "$(cat "$process")" ) & guard=$!
while :; do
  since=$(date +%s)
  wait "$postmaster"; code=$?
  [ "$code" -ne 0 ] && [ -e "$ready" ] || break
  [ $(($(date +%s) - since)) -lt 60 ] || tries=0
  tries=$((tries + 1))
  [ "$tries" -le ${RESTARTS} ] || break
  echo "rendition: PostgreSQL ended (exit code $code) and is started again" >&2
  [ "$tries" -gt 20 ] && sleep 1 || sleep 0.1
  run "$@"
done
kill "$guard" 2>/dev/null
exit "$code"`;

/** Of the file that tells the guard of that number: its server was ready, and is wanted. It holds the guard's identity. */
const READY = 'ready-';

/** Our hold on a server; on Windows there is none, and who started it stops it. */
type Hold = { readonly name: string; readonly pipe: number };
type Server = { readonly port: number; readonly hold: Hold | undefined; readonly child: ChildProcess | undefined };

/**
 * Starts the cluster of that folder, or joins the one that runs. Never are there two.
 * @throws PlatformError `data_dir_unusable`, `database_unreachable`: with what PostgreSQL said.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const home = await openHome(options.folder, options.durable);
  return withLock(home, async () => {
    const password = await makePassword(home);
    await makeCluster(home, password, run);
    const server = (await joinServer(home)) ?? (await startServer(home));
    let closing: Promise<void> | undefined;
    const lost = new Promise<PlatformError>((settle) => {
      server.child?.once('exit', (code, signal) => {
        if (!closing)
          settle(
            new PlatformError(
              'database_unreachable',
              `The embedded PostgreSQL ended (${signal ?? `exit code ${code}`}); see ${home.log}`,
            ),
          );
      });
    });
    return {
      url: `postgres://${DATABASE_USER}:${password}@127.0.0.1:${server.port}/postgres`,
      port: server.port,
      lost,
      close: () => {
        closing ??= withLock(home, () => leaveServer(home, server));
        return closing;
      },
    };
  });
}

/** Stops what a dead process left running on the cluster of that folder. */
export async function stopAbandoned(folder: string): Promise<void> {
  const home = await openHome(folder, false);
  const running = await findPostmaster(home.cluster);
  if (running) await stopServer(home, running.pid);
}

/** Runs a command to its end with an emptied environment. */
export const run: Run = ([program = '', ...args]) =>
  new Promise((settle, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: ENVIRONMENT, windowsHide: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output = (output + String(bytes)).slice(-20_000);
      });
    }
    child.once('close', (code) => settle({ code, output }));
    child.once('error', (error) => {
      if (isNodeError(error) && error.code === 'ENOENT') settle({ code: 127, output: `${program} is not installed` });
      else reject(error);
    });
  });

async function withLock<T>(home: Home, act: () => Promise<T>): Promise<T> {
  const unlock = await lockFile(join(home.folder, 'lock'), PATIENCE.lock);
  try {
    return await act();
  } finally {
    await unlock();
  }
}

/** A server that somebody started and that lives on as long as we hold it; one that can't be held is stopped first. */
async function joinServer(home: Home): Promise<Server | undefined> {
  const running = await findPostmaster(home.cluster);
  // Between two lives of a server there is none, but one that will be.
  if (!running && !(await isGuarded(home))) return undefined;
  const hasEnded = async () =>
    !(await isGuarded(home)) && !(running && (await isPostmasterOf(running.pid, home.cluster)));
  const hold = onWindows ? undefined : await takeHold(home, { starting: false, hasEnded });
  if ((hold || onWindows) && (await becomesReady(home, hasEnded))) {
    const joined = (await findPostmaster(home.cluster)) ?? running;
    if (joined) return { port: joined.port, hold, child: undefined };
  }
  if (hold) await letGo(home, hold);
  if (running) await stopServer(home, running.pid);
  return undefined;
}

/** Whether a guard lives that starts its server again. */
async function isGuarded(home: Home): Promise<boolean> {
  for (const name of await readdir(home.users)) {
    if (name.startsWith(READY) && isAlive((await textOf(join(home.users, name))) ?? '')) return true;
  }
  return false;
}

async function startServer(home: Home): Promise<Server> {
  for (const left of await readdir(home.users)) await rm(join(home.users, left), { force: true });
  if (((await fileSize(home.log)) ?? 0) > LOG_LIMIT) await truncate(home.log);
  const deadline = performance.now() + PATIENCE.reap * 1000;
  for (let tries = 1; ; tries++) {
    const port = await freePort(tries === 1 ? Number((await textOf(home.port)) ?? 0) : 0);
    const logged = (await fileSize(home.log)) ?? 0;
    const child = await spawnServer(home, port);
    const hasEnded = async () => child.exitCode !== null || child.signalCode !== null;
    const hold = onWindows ? undefined : await takeHold(home, { starting: true, hasEnded });
    if ((hold || onWindows) && (await becomesReady(home, hasEnded))) {
      await writeFile(home.port, String(port));
      await writeFile(join(home.users, `${READY}${child.pid}`), processIdentity(child.pid ?? 0));
      child.unref();
      return { port, hold, child };
    }
    if (hold) await letGo(home, hold);
    const said = ((await textOf(home.log)) ?? '').slice(logged);
    // Between finding a free port and taking it another program may have been quicker.
    if (/could not bind|Address already in use/.test(said) && tries < PORT_TRIES) continue;
    // A killed server is there until its parent has taken note; findPostmaster has seen that it is dead, PostgreSQL only asks for its number.
    if (/"postmaster.pid" already exists/.test(said) && performance.now() < deadline) {
      await sleep(100);
      continue;
    }
    throw new PlatformError(
      'database_unreachable',
      `The embedded PostgreSQL in ${home.folder} did not start: ${lastLine(said)}`,
    );
  }
}

async function spawnServer(home: Home, port: number): Promise<ChildProcess> {
  const { postgres } = findBinaries();
  const user = await clusterUser(home, run);
  const command = [
    ...(user ? asUser(user, [home.cluster, postgres]) : []),
    postgres,
    ...serverArguments(home.cluster, port, home.durable),
  ];
  const [program = '', ...args] = onWindows
    ? command
    : ['sh', '-c', GUARD, 'rendition-postgres', home.alive, home.users, ...command];
  const log = await open(home.log, 'a', 0o600);
  try {
    await rm(home.alive, { force: true });
    const child = spawn(program, args, {
      cwd: home.folder,
      stdio: ['ignore', log.fd, log.fd],
      env: ENVIRONMENT,
      // A session of its own: Ctrl-C is for the server, which stops its database last.
      detached: !onWindows,
      windowsHide: true,
    });
    await new Promise<void>((settle, reject) => child.once('spawn', settle).once('error', reject));
    return child;
  } finally {
    await log.close();
  }
}

type Candidate = { readonly starting: boolean; readonly hasEnded: () => Promise<boolean> };

/** Opens the pipe and waits for the guard's answer; undefined when the guard is gone, and with it, soon or already, the server. */
async function takeHold(home: Home, server: Candidate): Promise<Hold | undefined> {
  const name = `${processIdentity(process.pid)}-${randomBytes(4).toString('hex')}`;
  const pipe = await openPipe(home, server);
  if (pipe === undefined) return undefined;
  for (;;) {
    // Said again and again: writing is what shows that the reader is gone.
    if (!hasReader(() => writeSync(pipe, `${name}\n`))) break;
    for (let turn = 0; turn < 20; turn++) {
      if ((await fileSize(join(home.users, name))) !== undefined) return { name, pipe };
      await sleep(5);
    }
  }
  closeSync(pipe);
  return undefined;
}

/** A server that is just starting makes its pipe in a moment. */
async function openPipe(home: Home, server: Candidate): Promise<number | undefined> {
  for (;;) {
    let pipe: number | undefined;
    if (hasReader(() => (pipe = openSync(home.alive, constants.O_WRONLY | constants.O_NONBLOCK)))) return pipe;
    if (!server.starting || (await server.hasEnded())) return undefined;
    await sleep(2);
  }
}

function hasReader(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (isNodeError(error) && ['ENXIO', 'ENOENT', 'EPIPE'].includes(error.code ?? '')) return false;
    throw error;
  }
}

async function letGo(home: Home, hold: Hold): Promise<void> {
  closeSync(hold.pipe);
  await rm(join(home.users, hold.name), { force: true });
}

async function leaveServer(home: Home, server: Server): Promise<void> {
  if (server.hold) await letGo(home, server.hold);
  else if (!server.child) return;
  const others = (await readdir(home.users)).filter(isAlive);
  if (others.length > 0) return;
  const running = await findPostmaster(home.cluster);
  if (running) await stopServer(home, running.pid);
}

async function stopServer(home: Home, pid: number): Promise<void> {
  if (onWindows) {
    await run([findBinaries().pgCtl, 'stop', '-D', home.cluster, '-m', 'fast', '-t', String(PATIENCE.stop)]);
    return;
  }
  // Else its guard would start it again.
  for (const name of await readdir(home.users))
    if (name.startsWith(READY)) await rm(join(home.users, name), { force: true });
  // INT ends the sessions and writes everything down; QUIT drops everything and recovers at the next start.
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    signalProcess(pid, signal);
    for (const deadline = performance.now() + PATIENCE.stop * 1000; performance.now() < deadline; await sleep(5)) {
      if (!(await isPostmasterOf(pid, home.cluster))) return;
    }
  }
  throw new PlatformError(
    'database_unreachable',
    `The embedded PostgreSQL (process ${pid}) does not stop; see ${home.log}`,
  );
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isNodeError(error) || error.code !== 'ESRCH') throw error;
  }
}

async function becomesReady(home: Home, hasEnded: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = performance.now() + PATIENCE.start * 1000; performance.now() < deadline; await sleep(5)) {
    if ((await findPostmaster(home.cluster))?.status === 'ready') return true;
    if (await hasEnded()) return false;
  }
  return false;
}

/** undefined where there is no such file */
async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** That port where it is free, else any. */
async function freePort(wanted: number): Promise<number> {
  return new Promise((settle, reject) => {
    const server = createServer();
    server.once('error', (error) => (wanted === 0 ? reject(error) : freePort(0).then(settle, reject)));
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => settle(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
