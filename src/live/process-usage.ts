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
const TICKS = 100;
const PAGE = 4096;

export class UsageMeter {
  #last: { readonly ticks: number; readonly at: number } | null = null;

  async look(pid: number): Promise<Usage> {
    if (process.platform !== 'linux') return NOTHING;
    try {
      const text = await readFile(`/proc/${pid}/stat`, 'utf8');
      // proc(5): the name may hold blanks and brackets; fields are counted from its closing one, state is the first.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const ticks = Number(fields[11]) + Number(fields[12]);
      const at = performance.now();
      const last = this.#last;
      this.#last = { ticks, at };
      return {
        cpuPercent:
          last && at > last.at
            ? Math.round(((ticks - last.ticks) / TICKS / ((at - last.at) / 1000)) * 1000) / 10
            : null,
        memory: Number(fields[21]) * PAGE,
        isStopped: fields[0] === 'T' || fields[0] === 't',
      };
    } catch {
      // It ended between two looks.
      return NOTHING;
    }
  }
}
