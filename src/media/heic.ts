// Decodes HEIC pictures (HEVC), which neither the image library's build nor older FFmpegs read, in a thread of its own. Used by picture-readers.ts.
import { Worker } from 'node:worker_threads';
import { isNodeError, PlatformError } from '#domain/error.ts';
import type { HeicAnswer, HeicPicture, HeicRequest } from '#media/heic-worker.ts';

export type { HeicPicture } from '#media/heic-worker.ts';

export type ReadHeic = {
  readonly path: string;
  /** Checked against the header, before anything is decoded. */
  readonly maxPixels: number;
  readonly signal?: AbortSignal;
};

/** seconds; 12 megapixels take two, on a busy machine five */
const TIME_LIMIT = 120;
/** The thread's own heap in MiB. Pixels lie outside of it: in the decoder's memory (2 GiB at the most) and in the answer. */
const HEAP = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 };

/**
 * The primary picture, turned and cropped as its properties (`irot`, `imir`, `clap`) say; its EXIF orientation repeats them and is left alone.
 * @throws PlatformError `media_limit`, `corrupt_media`, `unsupported_media`, `encode_timeout`; the signal's reason when aborted
 */
export async function readHeic({ path, maxPixels, signal }: ReadHeic): Promise<HeicPicture> {
  signal?.throwIfAborted();
  const request: HeicRequest = { path, maxPixels };
  const worker = new Worker(new URL('./heic-worker.ts', import.meta.url), {
    workerData: request,
    // As for a child: nothing of ours is at hand where a stranger's bytes are parsed.
    env: {},
    execArgv: [],
    resourceLimits: HEAP,
  });
  const { promise, resolve, reject } = Promise.withResolvers<HeicAnswer>();
  const stop = () => reject(signal?.reason);
  const timer = setTimeout(
    () => reject(new PlatformError('encode_timeout', `The picture was not decoded within ${TIME_LIMIT} seconds.`)),
    TIME_LIMIT * 1000,
  );
  signal?.addEventListener('abort', stop, { once: true });
  worker.once('message', resolve);
  worker.once('error', (error) => reject(threadError(error)));
  worker.once('exit', (code) =>
    reject(new PlatformError('internal', `The thread that decodes HEIC ended with ${code} and without an answer.`)),
  );
  try {
    return judge(await promise);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

function judge(answer: HeicAnswer): HeicPicture {
  switch (answer.kind) {
    case 'picture':
      return answer.picture;
    case 'too_large':
      throw new PlatformError('media_limit', answer.message);
    case 'unsupported':
      throw new PlatformError('unsupported_media', `The HEIC picture cannot be decoded here: ${answer.message}.`);
    case 'corrupt':
      throw new PlatformError('corrupt_media', 'The picture is damaged: it cannot be decoded.', {
        cause: new Error(answer.message),
      });
  }
}

function threadError(error: Error): Error {
  if (isNodeError(error) && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new PlatformError('media_limit', 'The picture needs more memory than one may have.', { cause: error });
  return error;
}
