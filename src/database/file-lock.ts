// A lock between processes of one machine, kept as a file that names its holder. Used by embedded.ts.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isNodeError, PlatformError } from '#domain/error.ts';

/** A process by number and start time: a number alone may belong to somebody else by now. */
export function processIdentity(pid: number): string {
  return `${pid}-${startTime(pid) ?? 'unknown'}`;
}

/** Whether the process that `processIdentity` named still lives. */
export function isAlive(identity: string): boolean {
  const [pid, started] = identity.split('-');
  if (!pid || !/^\d+$/.test(pid) || Number(pid) === 0) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    if (isNodeError(error) && error.code === 'ESRCH') return false;
  }
  const now = startTime(Number(pid));
  return started === 'unknown' || now === undefined || now === started;
}

/**
 * Waits for the lock and takes it; what a dead process left is taken over. The answer gives it back.
 * @throws PlatformError `data_dir_unusable` when a living process holds it for longer than `patience` seconds.
 */
export async function lockFile(path: string, patience: number): Promise<() => Promise<void>> {
  const ticket = `${path}.${randomBytes(6).toString('hex')}`;
  const deadline = performance.now() + patience * 1000;
  // Written aside and linked into place, so that nobody ever reads a lock without its holder's name.
  await writeFile(ticket, processIdentity(process.pid), { mode: 0o600 });
  try {
    while (!(await placed(ticket, path))) {
      await removeIfDead(path);
      if (performance.now() > deadline) {
        const holder = await contentOf(path);
        throw new PlatformError(
          'data_dir_unusable',
          `${path} is held by process ${holder?.split('-')[0] ?? '(unknown)'} for more than ${patience} s; stop that process and start again`,
        );
      }
      await sleep(20);
    }
  } finally {
    await rm(ticket, { force: true });
  }
  return () => rm(path, { force: true });
}

async function placed(ticket: string, path: string): Promise<boolean> {
  try {
    await link(ticket, path);
    return true;
  } catch (error) {
    if (isNodeError(error) && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfDead(path: string): Promise<void> {
  const holder = await contentOf(path);
  if (holder === undefined || isAlive(holder)) return;
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return;
    throw error;
  }
  // Between reading and renaming another process may have taken the lock over: then it gets its own back.
  if ((await contentOf(aside)) !== holder) await placed(aside, path);
  await rm(aside, { force: true });
  // What the dead one had written aside lies there still.
  for (const name of await readdir(dirname(path))) {
    const left = join(dirname(path), name);
    if (left.startsWith(`${path}.`) && (await contentOf(left)) === holder) await rm(left, { force: true });
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Field 22 of /proc/PID/stat (proc(5)); undefined where there is no /proc or no such process. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the name, may itself hold blanks and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    if (isNodeError(error) && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined;
    throw error;
  }
}
