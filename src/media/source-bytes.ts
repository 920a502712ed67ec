// Reads byte ranges of a source, wherever it lies: a file of ours or our own loopback range reader. Used by probe.ts.
import { open } from 'node:fs/promises';
import { isNodeError, PlatformError } from '#domain/error.ts';
import type { MediaInput } from '#media/tool.ts';

export type SourceBytes = AsyncDisposable & {
  /** bytes */
  readonly size: number;
  /** Bytes from the beginning that have come, of a source that still arrives; left out where it is whole. */
  readonly arrived?: number;
  /** At most `length` bytes from `start`; fewer at the end. */
  read(start: number, length: number): Promise<Buffer>;
};

/** @throws PlatformError `source_not_found` where there is no such file. */
export async function openSourceBytes(input: MediaInput, signal?: AbortSignal): Promise<SourceBytes> {
  return input.kind === 'file' ? openFile(input.path) : openLoopback(input.url, signal);
}

async function openFile(path: string): Promise<SourceBytes> {
  const file = await open(path).catch((error: unknown) => {
    if (isNodeError(error) && error.code === 'ENOENT')
      throw new PlatformError('source_not_found', 'The source file does not exist any more.', { cause: error });
    throw error;
  });
  const { size } = await file.stat();
  return {
    size,
    read: async (start, length) => {
      const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - start)));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
      return buffer.subarray(0, bytesRead);
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function openLoopback(url: string, signal?: AbortSignal): Promise<SourceBytes> {
  const get = (range: string) => fetch(url, { headers: { range }, signal: signal ?? null });
  // An empty source has no first byte: 416, with its size after the slash all the same.
  const first = await get('bytes=0-0');
  await first.body?.cancel();
  const size = Number(
    /\/(\d+)$/.exec(first.headers.get('content-range') ?? '')?.[1] ?? first.headers.get('content-length') ?? Number.NaN,
  );
  if (!Number.isFinite(size))
    throw new PlatformError('source_unreachable', `The source cannot be read: HTTP ${first.status}`);
  return {
    size,
    read: async (start, length) => {
      if (start >= size || length <= 0) return Buffer.alloc(0);
      const answer = await get(`bytes=${start}-${Math.min(size, start + length) - 1}`);
      if (answer.status !== 206)
        throw new PlatformError('source_unreachable', `The source cannot be read: HTTP ${answer.status}`);
      return Buffer.from(await answer.arrayBuffer());
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
