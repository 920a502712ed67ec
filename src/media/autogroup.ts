// Lets a child yield to everything else where Linux shares the processor among sessions: niceness alone counts only within one. Used by ffmpeg.ts.
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isNodeError } from '#domain/error.ts';

/** Without privileges the kernel lets all processes together do it ten times a second. */
const TRIES = 8;
const PAUSE_MS = 150;

/**
 * Gives the session that a child leads its niceness (sched(7), "The autogroup feature"): a child in a session of its own would otherwise
 * get as much of the processor as the server with all its threads, however nice it is. Resolves when done, or when there is nothing to do:
 * the child has ended, or the kernel knows no autogroups.
 * @param niceness 0–19
 */
export async function yieldAutogroup(pid: number, niceness: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await writeFile(`/proc/${pid}/autogroup`, String(niceness));
    } catch (error) {
      // EAGAIN: others were quicker. ENOENT, ESRCH: it is gone, or the kernel has none. EACCES, EPERM, EROFS: a container that may not.
      if (!isNodeError(error) || error.code !== 'EAGAIN' || tries === TRIES) return;
    }
    await sleep(PAUSE_MS, undefined, { ref: false });
  }
}
