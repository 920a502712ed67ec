// A source of which only the beginning has come: an MP4 or MOV whose index stands in front. Used by probe.ts and, while an upload goes on, by encode-arriving.ts.
import { readBoxHeader } from '#media/boxes.ts';
import { openSourceBytes, type SourceBytes } from '#media/source-bytes.ts';
import { openSourceIndex, type SourceIndex } from '#media/source-index.ts';
import type { MediaInput } from '#media/tool.ts';

export type ArrivingSource = AsyncDisposable & {
  /** As long as its boxes say it will be. */
  readonly bytes: SourceBytes;
  readonly index: SourceIndex;
  /** Bytes from the beginning that hold every picture shown before a time, seconds on the source's own clock. */
  bytesUntil(time: number): number;
};

/** Top boxes in front of the media: a handful. */
const MOST_BOXES = 50;

/**
 * Null where what has come is no such file, or its index has not come yet.
 * @param arrived bytes from the beginning that are there
 */
export async function openArriving(input: MediaInput, arrived: number): Promise<ArrivingSource | null> {
  const file = await openSourceBytes(input);
  try {
    const size = await announcedSize(file, arrived);
    const bytes = asAnnounced(file, { size: size ?? 0, arrived });
    const index = size === null ? null : await openSourceIndex(bytes);
    if (!index) {
      await file[Symbol.asyncDispose]();
      return null;
    }
    return {
      bytes,
      index,
      bytesUntil: (time) => bytesUntil(index, time),
      [Symbol.asyncDispose]: async () => {
        await file[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

/** What has not come reads as zeros, like a hole in a file: libraries that read ahead ask for it. */
function asAnnounced(
  file: SourceBytes,
  { size, arrived }: { readonly size: number; readonly arrived: number },
): SourceBytes {
  return {
    ...file,
    size,
    arrived,
    read: async (start, length) => {
      const wanted = Math.max(0, Math.min(length, size - start));
      const found = await file.read(start, wanted);
      return found.length === wanted ? found : Buffer.concat([found, Buffer.alloc(wanted - found.length)]);
    },
  };
}

/** Where the last box ends whose beginning has come; null where the index is not in front of it, or it has no end. */
async function announcedSize(file: SourceBytes, arrived: number): Promise<number | null> {
  let hasIndex = false;
  let at = 0;
  for (let count = 0; at + 16 <= arrived; count++) {
    const head = readBoxHeader(await file.read(at, 16), 0);
    if (!head || count === MOST_BOXES || head.size < head.header) return null;
    if (head.type === 'moov') {
      if (at + head.size > arrived) return null;
      hasIndex = true;
    } else if (head.type === 'mdat' && !hasIndex) return null;
    at += head.size;
  }
  return hasIndex && at >= arrived ? at : null;
}

function bytesUntil({ tracks }: SourceIndex, time: number): number {
  let bytes = 0;
  for (const { kind, packets, ends } of tracks) {
    if (kind !== 'video') continue;
    for (let i = 0; i < packets.count; i++) if ((packets.times[i] ?? 0) < time) bytes = Math.max(bytes, ends[i] ?? 0);
  }
  return bytes;
}
