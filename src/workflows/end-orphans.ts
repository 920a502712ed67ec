// Ends FFmpeg processes whose supervisor is dead: known by the mark in their environment, verified, never adopted. Called by janitor.ts on Linux.
import { readdir, readFile, readlink } from 'node:fs/promises';
import { RUN_MARK } from '#media/ffmpeg.ts';
import { bootId, isMarkAlive, startTime } from '#workflows/run-mark.ts';

/** Answers the numbers of the processes it ended. */
export async function endOrphans(): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const ended: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (Number.isInteger(pid) && pid !== process.pid && (await endIfOrphan(pid))) ended.push(pid);
  }
  return ended;
}

async function endIfOrphan(pid: number): Promise<boolean> {
  const started = startTime(pid);
  const mark = await markOf(pid);
  if (mark === null || started === null || !mark.startsWith(`${bootId()}/`) || isMarkAlive(mark)) return false;
  // A container's processes are seen from outside of it, but its marks name pids that mean others here.
  if ((await namespaceOf(pid)) !== (await namespaceOf('self'))) return false;
  // Between reading and killing the number may have become somebody else's.
  if (startTime(pid) !== started) return false;
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    // It has ended by itself, or is another user's.
    return false;
  }
}

/** The mark of our children; null for all other processes, and for those we may not look at. */
async function markOf(pid: number): Promise<string | null> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    const entry = environment.split('\0').find((one) => one.startsWith(`${RUN_MARK}=`));
    return entry?.slice(RUN_MARK.length + 1) ?? null;
  } catch {
    // Ended meanwhile, or another user's: not ours to end.
    return null;
  }
}

async function namespaceOf(pid: number | 'self'): Promise<string | null> {
  try {
    return await readlink(`/proc/${pid}/ns/pid`);
  } catch {
    return null;
  }
}
