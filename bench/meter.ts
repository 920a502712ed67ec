// Measures wall-clock time, CPU time and foreign load out of /proc, and how much memory a process tree holds. Linux only. Used by the rows.
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks/s of the CPU times in /proc; 100 on every Linux. */
const TICKS = 100;

export type Sample = {
  /** seconds */
  readonly wall: number;
  /** CPU seconds of what was measured, with all children that ended meanwhile */
  readonly cpu: number;
  /** Cores that other programs kept busy. */
  readonly foreign: number;
};

/** CPU seconds of a process: its own, and those of its children that it has waited for. */
function cpuOf(pid: number | 'self'): { own: number; children: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Fields are counted from the closing bracket of the name (proc(5)): utime, stime, cutime, cstime.
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  return { own: (user + system) / TICKS, children: (childUser + childSystem) / TICKS };
}

/** CPU seconds of the whole machine but idling and waiting. */
function busySeconds(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, soft = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + soft) / TICKS;
}

/**
 * Measures a piece of work: that of our own children, or that of a server with its children.
 * @param server pid of the server that does the work; null where our own children do it
 */
export async function measure(server: number | null, work: () => Promise<void>): Promise<Sample> {
  const look = () => {
    const self = cpuOf('self');
    const there = server === null ? { own: 0, children: 0 } : cpuOf(server);
    return {
      at: performance.now(),
      busy: busySeconds(),
      measured: server === null ? self.children : there.own + there.children,
      ours: self.own + self.children + there.own + there.children,
    };
  };
  const before = look();
  await work();
  const after = look();
  const wall = (after.at - before.at) / 1000;
  const foreign = Math.max(0, after.busy - before.busy - (after.ours - before.ours)) / wall;
  return { wall, cpu: after.measured - before.measured, foreign };
}

/** A process and everything below it. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readIfThere(`/proc/${name}/stat`);
    if (stat) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const belongs = (pid: number): boolean => pid === root || (pid > 1 && belongs(parents.get(pid) ?? 0));
  return [...parents.keys()].filter(belongs);
}

/** bytes: each page that several processes share is counted once (PSS). */
export function memoryOf(pids: readonly number[]): number {
  const sizes = pids.map(
    (pid) => Number(/^Pss:\s+(\d+)/m.exec(readIfThere(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Processes end while we look. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
