// CPU and memory of a running child, and whether it stands still by force. Read from /proc; elsewhere nothing is known. Used by encoder-run.ts.
import { readFile } from 'node:fs/promises';

export type Usage = {
  /** percent of one core since the last look */
  readonly cpuPercent: number | null;
  /** bytes of resident memory */
  readonly memory: number | null;
  /** Stopped by a signal or a debugger. */
  readonly isStopped: boolean;
};

const NOTHING: Usage = { cpuPercent: null, memory: null, isStopped: false };
/** USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

export class UsageMeter {
  #last: { readonly ticks: number; readonly at: number } | null = null;

  async look(pid: number): Promise<Usage> {
    if (process.platform !== 'linux') return NOTHING;
    try {
      // stat counts memory in pages, whose size not all machines share; status says kilobytes.
      const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8');
      const [text, status] = await Promise.all([read('stat'), read('status')]);
      // proc(5): the name may hold blanks and brackets; fields are counted from its closing one, state is the first.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const ticks = Number(fields[11]) + Number(fields[12]);
      const at = performance.now();
      const last = this.#last;
      this.#last = { ticks, at };
      return {
        cpuPercent:
          last && at > last.at
            ? Math.round(((ticks - last.ticks) / TICKS_A_SECOND / ((at - last.at) / 1000)) * 1000) / 10
            : null,
        memory: residentBytes(status),
        isStopped: fields[0] === 'T' || fields[0] === 't',
      };
    } catch {
      // It ended between two looks.
      return NOTHING;
    }
  }
}

/** Null of a process that has ended and is not reaped. */
function residentBytes(status: string): number | null {
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
