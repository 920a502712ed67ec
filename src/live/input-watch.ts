// Follows an input that is not on air, to see when it is sound again. Run by the runner while a fallback or the slate is on air.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelLog } from '#live/channel-log.ts';
import type { LiveContext } from '#live/live-work.ts';
import type { OpenedInput } from '#live/open-input.ts';
import { Watchdog } from '#live/watchdog.ts';
import { watchCommand } from '#media/command/live.ts';
import { startMedia } from '#media/ffmpeg.ts';

export type WatchOptions = {
  readonly context: LiveContext;
  readonly open: () => Promise<OpenedInput>;
  /** Seconds that packets must flow without a hole. */
  readonly stableSeconds: number;
  /** Seconds without a packet that are a hole. */
  readonly holeSeconds: number;
  readonly log: ChannelLog;
  readonly name: string;
};

const AGAIN_MS = 2000;
const CHECK_MS = 250;

/** Resolves with true once the input is sound; with false when the signal aborts. */
export async function watchInput(options: WatchOptions, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    try {
      if (await tryInput(options, signal)) return true;
    } catch (error) {
      options.log.write(options.name, `not back yet: ${error instanceof Error ? error.message : String(error)}`);
    }
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

async function tryInput(options: WatchOptions, signal: AbortSignal): Promise<boolean> {
  const { context, stableSeconds, holeSeconds } = options;
  const { tool, limits } = context.platform;
  const opened = await options.open();
  const watchdog = new Watchdog();
  let since: number | null = null;
  let isSound = false;
  const child = startMedia({
    program: tool.ffmpeg,
    args: watchCommand(opened.source),
    limits: { ...limits.child, niceness: 0 },
    runId: context.work.mark,
    hasStdin: opened.waiting !== null,
    onProgress: (progress) => {
      if (watchdog.progress(progress)) since ??= performance.now();
    },
  });
  const { stdin } = child;
  if (stdin) opened.waiting?.attach(stdin);
  const stop = () => child.kill();
  signal.addEventListener('abort', stop, { once: true });
  const timer = setInterval(() => {
    if (since === null) return;
    if (watchdog.silence() > holeSeconds) since = null;
    else if (performance.now() - since >= stableSeconds * 1000) {
      isSound = true;
      child.kill();
    }
  }, CHECK_MS);
  try {
    if (signal.aborted) child.kill();
    await child.exited;
    return isSound;
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
    if (stdin) opened.waiting?.detach(stdin);
    await opened.close();
  }
}
