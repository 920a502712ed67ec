// A source of which only the beginning has come, of a kind that is read from the front and needs no index: Matroska, MPEG-TS, FLV, a fragmented MP4. Used while an upload goes on, by encode-growing.ts.
import type { SourceFacts } from '#domain/source-facts.ts';
import { readBoxHeader } from '#media/boxes.ts';
import { type ProbeOptions, probeSource } from '#media/probe.ts';
import { HEAD_BYTES, sniffContent } from '#media/sniff.ts';
import { openSourceBytes, type SourceBytes } from '#media/source-bytes.ts';
import type { MediaInput } from '#media/tool.ts';

/** What sniffing calls them. */
const KINDS = ['Matroska or WebM', 'FLV', 'MPEG-TS'];
/** Top boxes in front of the first fragment: a handful. */
const MOST_BOXES = 20;
/** A head of more bytes is no fragmented film's. */
const LARGEST_HEAD = 16 * 1024 ** 2;
const PACKET = 0x47;

/** Whether what has come of a file can be read as far as it goes. @param arrived bytes from the beginning that are there */
export async function growsFromFront(input: MediaInput, arrived: number): Promise<boolean> {
  await using file = await openSourceBytes(input);
  const head = await file.read(0, Math.min(HEAD_BYTES, arrived));
  const content = sniffContent(head, arrived);
  if (content.kind === 'media' && content.what === 'MP4') {
    // Awaited, or the file would be closed while it is read.
    return await isFragmented(file, arrived);
  }
  // Blu-ray discs and cameras put four bytes of their own before each packet.
  const isTimed = head[4] === PACKET && head[196] === PACKET && head[388] === PACKET;
  return isTimed || (content.kind === 'media' && KINDS.includes(content.what));
}

/** Its index says that fragments follow (ISO/IEC 14496-12 §8.8.1). */
async function isFragmented(file: SourceBytes, arrived: number): Promise<boolean> {
  let at = 0;
  for (let count = 0; count < MOST_BOXES && at + 16 <= arrived; count++) {
    const head = readBoxHeader(await file.read(at, 16), 0);
    if (!head || head.size < head.header || head.type === 'mdat') return false;
    if (head.type === 'moov')
      return (
        at + head.size <= arrived && head.size <= LARGEST_HEAD && (await file.read(at, head.size)).includes('mvex')
      );
    at += head.size;
  }
  return false;
}

export type Growing = {
  /** bytes: the input ends there */
  readonly arrived: number;
  /** bytes of the whole; null where nobody said it */
  readonly total: number | null;
};

/** A header that claims so much more than has come speaks of the whole. */
const CLAIMS_MORE = 1.1;

/**
 * What has come, with the length that the whole will have: by its header, or as its bytes go. `video.endTime` and `size` tell how far
 * it reaches. Null where there is no picture, or it cannot be told what of it stays true.
 * @throws PlatformError as probeSource does
 */
export async function probeGrowing(
  options: Omit<ProbeOptions, 'index' | 'isCutOff'>,
  { arrived, total }: Growing,
): Promise<SourceFacts | null> {
  const facts = await probeSource({ ...options, index: null, isCutOff: true });
  if (!facts.video || !facts.scanned || facts.clock !== undefined || facts.isStill || facts.duration <= 0) return null;
  const declared = facts.declaredDuration ?? 0;
  const inProportion = facts.duration * Math.max(1, (total ?? 0) / arrived);
  const duration = declared > facts.duration * CLAIMS_MORE ? declared : inProportion;
  // That it is cut off says nothing of the film.
  return { ...facts, size: arrived, duration, warnings: [] };
}
