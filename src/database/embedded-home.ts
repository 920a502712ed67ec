// The folder of an embedded database: cluster, password, log, and who uses it. Made ready by embedded.ts.
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findBinaries, initArguments } from '#database/embedded-binaries.ts';
import { asUser, findUser, mustDrop, type Run, type User } from '#database/unprivileged.ts';
import { isNodeError, PlatformError } from '#domain/error.ts';

export type Home = {
  readonly folder: string;
  readonly durable: boolean;
  readonly cluster: string;
  readonly log: string;
  /** The port of the last start: taken again where it is free. */
  readonly port: string;
  /** One file for every process that uses the server. */
  readonly users: string;
  /** The pipe that each of them holds open. */
  readonly alive: string;
};

/** @throws PlatformError `data_dir_unusable` */
export async function openHome(folder: string, durable: boolean): Promise<Home> {
  const absolute = resolve(folder);
  const at = (name: string) => join(absolute, name);
  const home = {
    folder: absolute,
    durable,
    cluster: at('cluster'),
    log: at('server.log'),
    port: at('port'),
    users: at('users'),
    alive: at('alive'),
  };
  await usable(absolute, async () => {
    await mkdir(home.users, { recursive: true });
    await writeFile(at('.writable'), '');
    await rm(at('.writable'), { force: true });
  });
  return home;
}

/** The password of the database user: made once, readable to this user alone. */
export async function makePassword(home: Home): Promise<string> {
  const path = join(home.folder, 'password');
  return usable(home.folder, async () => {
    const known = await textOf(path);
    if (known) return known;
    const password = randomBytes(24).toString('hex');
    await writeFile(`${path}.new`, password, { mode: 0o600, flush: true });
    await rename(`${path}.new`, path);
    return password;
  });
}

/** initdb, once. It works aside, so that an interrupted one leaves nothing that looks like a cluster. */
export async function makeCluster(home: Home, password: string, run: Run): Promise<void> {
  if ((await textOf(join(home.cluster, 'PG_VERSION'))) !== undefined) return;
  for (const left of await readdir(home.folder)) {
    if (left.startsWith('new-')) await rm(join(home.folder, left), { recursive: true, force: true });
  }
  const binaries = findBinaries();
  const fresh = join(home.folder, `new-${randomBytes(6).toString('hex')}`);
  const passwordFile = `${fresh}.password`;
  try {
    await mkdir(fresh, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600 });
    const user = mustDrop() ? await findUser(undefined, run) : undefined;
    if (user) for (const path of [fresh, passwordFile]) await chown(path, user.uid, user.gid);
    const command = [
      ...(user ? asUser(user, [fresh, binaries.initdb]) : []),
      binaries.initdb,
      ...initArguments(fresh, passwordFile),
    ];
    const { code, output } = await run([...command, ...(home.durable ? [] : ['--no-sync'])]);
    if (code !== 0)
      throw new PlatformError(
        'data_dir_unusable',
        `PostgreSQL could not make its files in ${home.folder}: ${lastLine(output)}`,
      );
    await rename(fresh, home.cluster);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(fresh, { recursive: true, force: true });
  }
}

/** The user to run the cluster as; undefined where we are not root and it is us. */
export async function clusterUser(home: Home, run: Run): Promise<User | undefined> {
  if (!mustDrop()) return undefined;
  const { uid } = await stat(home.cluster);
  const user = await findUser(uid, run);
  // A cluster that a container or a backup left to somebody else: PostgreSQL starts on its own files only.
  if (user.uid !== uid) await run(['chown', '-R', `${user.uid}:${user.gid}`, home.cluster]);
  return user;
}

/** Runs an act on the data directory; what the file system refuses becomes one clear line. */
async function usable<T>(folder: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isNodeError(error)) throw error;
    const reason = ['EACCES', 'EPERM', 'EROFS'].includes(error.code ?? '')
      ? 'is not writable'
      : `can't be used (${error.message})`;
    throw new PlatformError('data_dir_unusable', `The data directory ${folder} ${reason}`, { cause: error });
  }
}

/** What PostgreSQL says last and loudest. */
export function lastLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return (lines.findLast((line) => /FATAL|PANIC|error|denied/i.test(line)) ?? lines.at(-1) ?? 'no reason given').trim();
}

export async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
