// Reads FFmpeg's `-progress` blocks. Used by ffmpeg.ts.
import type { Readable } from 'node:stream';

/** One block of `-progress`. Values FFmpeg prints as N/A are null. */
export type Progress = {
  readonly frame: number;
  /** frames/s */
  readonly fps: number;
  /** seconds of output written; FFmpeg's out_time_us */
  readonly outTime: number | null;
  /** media seconds per second */
  readonly speed: number | null;
  /** bytes */
  readonly totalSize: number | null;
  readonly duplicated: number;
  readonly dropped: number;
  readonly ended: boolean;
};

const number = (text: string | undefined): number | null => {
  const value = Number.parseFloat(text ?? '');
  return Number.isFinite(value) ? value : null;
};

/** Turns the key=value lines of one block into a Progress. */
function parseProgress(block: ReadonlyMap<string, string>): Progress {
  const micro = number(block.get('out_time_us'));
  return {
    frame: number(block.get('frame')) ?? 0,
    fps: number(block.get('fps')) ?? 0,
    outTime: micro === null ? null : micro / 1e6,
    speed: number(block.get('speed')),
    totalSize: number(block.get('total_size')),
    duplicated: number(block.get('dup_frames')) ?? 0,
    dropped: number(block.get('drop_frames')) ?? 0,
    ended: block.get('progress') === 'end',
  };
}

/** Collects lines to blocks: each ends with `progress=continue` or `progress=end`. */
export class ProgressReader {
  readonly #onProgress: (progress: Progress) => void;
  #block = new Map<string, string>();
  #rest = '';

  constructor(onProgress: (progress: Progress) => void) {
    this.#onProgress = onProgress;
  }

  async read(stream: Readable): Promise<void> {
    for await (const bytes of stream) this.push(String(bytes));
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const at = line.indexOf('=');
      if (at < 0) continue;
      const key = line.slice(0, at).trim();
      this.#block.set(key, line.slice(at + 1).trim());
      if (key === 'progress') {
        this.#onProgress(parseProgress(this.#block));
        this.#block = new Map();
      }
    }
  }
}
