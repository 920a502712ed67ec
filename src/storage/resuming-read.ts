// A download that outlives its connection: it goes on by range where the server can, a bounded number of times. Used by http, s3 and ftp.
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '#domain/error.ts';
import { abortReason, STREAM_BUFFER } from '#storage/write-body.ts';

/** One connection's answer: the bytes from the asked offset on. */
export type ReadAttempt = {
  readonly body: Readable;
  /** Absolute offset at which the wanted bytes end (exclusive); null where the server does not say. */
  readonly end: number | null;
  /** Whether the server can go on from an offset of the very same object. */
  readonly resumable: boolean;
};

export type ResumingRead = {
  /** Opens the object at an absolute offset. Its errors end the read unless they are retryable and something was read already. */
  readonly open: (offset: number, signal: AbortSignal) => Promise<ReadAttempt>;
  readonly start: number;
  /** Milliseconds without a byte, while we wait for one, after which a connection counts as broken. */
  readonly stallTimeout: number;
  /** What a broken connection means, in the store's words. */
  readonly toError: (cause: unknown) => Error;
  /** The transfer ended before the wanted end: `got` of `wanted` bytes. */
  readonly toTruncated: (got: number, wanted: number) => Error;
  readonly signal?: AbortSignal | undefined;
};

/** Reconnections in a row that bring less than a MiB before the read gives up. */
const TRIES = 5;
/** Milliseconds before the first reconnection; doubled each time. */
const FIRST_PAUSE = 100;
const WORTH_TRYING_ON = 1024 * 1024;

/**
 * Opens the object and resolves with its bytes as a stream. The first opening's errors reject; later ones end the stream.
 * Destroying the stream ends the connection at once.
 */
export async function resumingRead(options: ResumingRead): Promise<Readable> {
  options.signal?.throwIfAborted();
  const control = new AbortController();
  const forward = () => control.abort(abortReason(options.signal));
  options.signal?.addEventListener('abort', forward, { once: true });
  try {
    const first = await options.open(options.start, control.signal);
    return startStream({
      ...options,
      control,
      first,
      release: () => options.signal?.removeEventListener('abort', forward),
    });
  } catch (error) {
    options.signal?.removeEventListener('abort', forward);
    options.signal?.throwIfAborted();
    throw error;
  }
}

type Started = ResumingRead & {
  readonly control: AbortController;
  readonly first: ReadAttempt;
  readonly release: () => void;
};

function startStream({ control, first, release, ...options }: Started): Readable {
  let offset = options.start;
  let resumedAt = offset;
  let tries = 0;
  let body: Readable | null = null;
  let stall: NodeJS.Timeout | undefined;
  const { end } = first;

  const stream = new Readable({
    highWaterMark: STREAM_BUFFER,
    read() {
      if (body?.isPaused()) {
        watch();
        body.resume();
      }
    },
    destroy(error, done) {
      clearTimeout(stall);
      control.abort();
      body?.destroy();
      release();
      done(error);
    },
  });
  const onAbort = () => stream.destroy(abortReason(control.signal));
  control.signal.addEventListener('abort', onAbort, { once: true });

  const watch = () => {
    clearTimeout(stall);
    stall = setTimeout(() => body?.destroy(stalled(options.stallTimeout)), options.stallTimeout);
  };
  const finish = () => {
    clearTimeout(stall);
    stream.push(null);
  };

  /** Reads one connection's body; `current` keeps a connection we gave up from speaking again. */
  const attach = (attempt: ReadAttempt) => {
    const current = attempt.body;
    body = current;
    let over = false;
    const leave = () => {
      over = true;
      clearTimeout(stall);
      body = null;
    };
    current.on('data', (piece: Buffer) => {
      if (over) {
        // More than was asked for: a server that knows no ranges, or a protocol that has none.
        current.destroy();
        return;
      }
      const wanted = end === null ? piece : piece.subarray(0, end - offset);
      offset += wanted.length;
      const more = wanted.length === 0 || stream.push(wanted);
      if (end !== null && offset >= end) {
        leave();
        finish();
        // Reading to the very end of the exchange keeps its connection usable; a body cut short is dropped.
        if (wanted.length < piece.length) current.destroy();
        else current.resume();
        return;
      }
      if (more) return watch();
      clearTimeout(stall);
      current.pause();
    });
    current.once('end', () => {
      if (over) return;
      leave();
      if (end === null || offset >= end) finish();
      else broken(options.toTruncated(offset - options.start, end - options.start), attempt.resumable);
    });
    // Stays on after we left: a connection that we ended ourselves may still complain.
    current.on('error', (cause) => {
      if (over) return;
      leave();
      current.destroy();
      broken(options.toError(cause), attempt.resumable);
    });
    current.once('close', () => {
      if (over) return;
      leave();
      broken(options.toError(new Error('the connection closed')), attempt.resumable);
    });
    watch();
  };

  const broken = (error: Error, resumable: boolean) => {
    if (stream.destroyed) return;
    if (offset - resumedAt >= WORTH_TRYING_ON) tries = 0;
    if (!resumable || tries >= TRIES || !mayPass(error)) {
      stream.destroy(error);
      return;
    }
    tries += 1;
    reconnect(error).catch((failure) => stream.destroy(failure));
  };

  const reconnect = async (before: Error) => {
    const pause = Math.min(FIRST_PAUSE * 2 ** (tries - 1), 5000) * (0.75 + Math.random() / 2);
    await sleep(pause, undefined, { signal: control.signal });
    resumedAt = offset;
    let attempt: ReadAttempt;
    try {
      attempt = await options.open(offset, control.signal);
    } catch (error) {
      broken(error instanceof Error ? error : before, true);
      return;
    }
    if (stream.destroyed) attempt.body.destroy();
    else attach(attempt);
  };

  // An empty range needs no byte, and no reader would ever ask for one.
  if (end !== null && offset >= end) {
    first.body.on('error', () => undefined);
    first.body.resume();
    finish();
  } else attach(first);
  return stream;
}

/** Whether another try may succeed: what is not one of ours is a broken connection, so yes. */
function mayPass(error: Error): boolean {
  return !(error instanceof PlatformError) || error.retryable;
}

function stalled(milliseconds: number): Error {
  return new Error(`no data for ${milliseconds / 1000} s`);
}
