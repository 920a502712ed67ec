// The mark in the environment of our children by which the janitor of a later process knows them for ours.
import { readFileSync } from 'node:fs';

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
