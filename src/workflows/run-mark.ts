// The mark in the environment of our children by which the janitor of a later process knows them for ours.
import { readFileSync } from 'node:fs';
import { isNodeError } from '#domain/error.ts';

let mark: string | undefined;

/** `bootid/pid/starttime` of this process: a number of a process alone is soon another's. */
export function runMark(): string {
  mark ??= `${bootId()}/${process.pid}/${startTime(process.pid) ?? 0}`;
  return mark;
}

/** Of this boot of the machine; empty where the system has none (macOS, Windows). */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux: there is no /proc to sweep either.
    return '';
  }
}

/** Clock ticks since boot at which a process began (proc(5), stat field 22); null where there is no such process. */
export function startTime(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold spaces and brackets: fields are counted from its closing bracket.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return Number(fields[19]);
  } catch {
    return null;
  }
}

/** Whether the process that made a mark still lives. Only for marks of this host and this process namespace. */
export function isMarkAlive(mark: string): boolean {
  const [boot, pid, start] = mark.split('/');
  if (boot !== bootId() || !Number.isInteger(Number(pid)) || Number(pid) <= 0) return false;
  if (boot !== '') return startTime(Number(pid)) === Number(start);
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return isNodeError(error) && error.code !== 'ESRCH';
  }
}
