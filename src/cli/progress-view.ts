// Shows how far a job is: a bar with a line for every rendition on a terminal, a plain line now and then elsewhere. Used by encode.
import { bitrate, clock } from '#cli/table.ts';

export type RenditionLine = {
  readonly name: string;
  /** `h264 1280x720` */
  readonly what: string;
  /** segments */
  readonly done: number;
  readonly of: number;
  /** bits/s so far */
  readonly bitrate: number | null;
};
export type ProgressState = {
  readonly stage: string;
  /** 0–100 */
  readonly progress: number;
  readonly speed: number | null;
  readonly etaSeconds: number | null;
  readonly renditions: readonly RenditionLine[];
};
export type ProgressView = {
  readonly wantsRenditions: boolean;
  show(state: ProgressState): void;
  close(): void;
};

const BAR = 30;
/** Seconds between two plain lines. */
const LINE_SECONDS = 5;

export function createProgressView({ quiet, name }: { readonly quiet: boolean; readonly name: string }): ProgressView {
  if (quiet) return { wantsRenditions: false, show: () => undefined, close: () => undefined };
  return process.stderr.isTTY ? terminalView(name) : plainView(name);
}

function terminalView(name: string): ProgressView {
  let shown = 0;
  const clear = () => {
    // Up to the first line, and everything below it away.
    if (shown > 0) process.stderr.write(`\u001b[${shown}A\u001b[0J`);
    shown = 0;
  };
  return {
    wantsRenditions: true,
    show: (state) => {
      const width = Math.max(20, (process.stderr.columns ?? 80) - 1);
      const lines = [headline(name, state), ...state.renditions.map(renditionText)].map((line) => line.slice(0, width));
      clear();
      process.stderr.write(`${lines.join('\n')}\n`);
      shown = lines.length;
    },
    close: clear,
  };
}

function plainView(name: string): ProgressView {
  let last = Number.NEGATIVE_INFINITY;
  return {
    wantsRenditions: false,
    show: (state) => {
      if (performance.now() - last < LINE_SECONDS * 1000) return;
      last = performance.now();
      process.stderr.write(`${name}: ${state.stage}${figures(state)}\n`);
    },
    close: () => undefined,
  };
}

function headline(name: string, state: ProgressState): string {
  const full = Math.round((state.progress / 100) * BAR);
  return `${name}  ${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${state.stage}${figures(state)}`;
}

function figures({ progress, speed, etaSeconds }: ProgressState): string {
  const parts = [`${progress.toFixed(1)} %`];
  if (speed !== null && speed > 0) parts.push(`${speed.toFixed(1)}×`);
  if (etaSeconds !== null) parts.push(`${clock(etaSeconds)} left`);
  return `  ${parts.join('  ')}`;
}

function renditionText({ name, what, done, of, bitrate: rate }: RenditionLine): string {
  return `  ${name.padEnd(8)}${what.padEnd(24)}${`${done}/${of} segments`.padStart(18)}${rate === null ? '' : `  ${bitrate(rate)}`}`;
}
