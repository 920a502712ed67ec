// Walks the top boxes of an MP4 or MOV that FFmpeg refuses, to say what is wrong with it. Used by probe.ts.
import type { SourceBytes } from '#media/source-bytes.ts';

export type Mp4Facts = {
  readonly hasIndex: boolean;
  readonly hasFragments: boolean;
  /** Bytes that the last box claims and the file does not hold; 0 where the file is whole. */
  readonly missingBytes: number;
  /** Sample entries `encv` or `enca` (ISO/IEC 23001-7): the media is encrypted. */
  readonly isEncrypted: boolean;
};

/** No film has more boxes at the top, fragments aside; a hostile file has. */
const MOST_BOXES = 2000;
/** Sample entries stand within so many bytes of the index, many tracks of a long film included. */
const INDEX_BYTES = 16 * 1024 * 1024;

export async function inspectMp4(bytes: SourceBytes): Promise<Mp4Facts> {
  let [hasIndex, hasFragments, isEncrypted, missingBytes] = [false, false, false, 0];
  let at = 0;
  for (let count = 0; at + 8 <= bytes.size && count < MOST_BOXES; count++) {
    const head = await bytes.read(at, 16);
    if (head.length < 8) break;
    const type = head.toString('latin1', 4, 8);
    if (!/^[\x20-\x7e\xa9]{4}$/.test(type)) break;
    const length = boxLength(head, bytes.size - at);
    if (length < 8) break;
    if (type === 'moof') hasFragments = true;
    if (type === 'moov') {
      hasIndex = true;
      const index = (await bytes.read(at, Math.min(length, INDEX_BYTES))).toString('latin1');
      // The four letters could stand in a number by chance; with the box that must come with them they don't.
      isEncrypted = /encv|enca/.test(index) && index.includes('sinf');
    }
    if (at + length > bytes.size) missingBytes = at + length - bytes.size;
    at += length;
  }
  return { hasIndex, hasFragments, missingBytes, isEncrypted };
}

/** Length of a box, header included: 1 means a 64-bit length follows, 0 to the end of the file. */
function boxLength(head: Buffer, rest: number): number {
  const short = head.readUInt32BE(0);
  if (short === 0) return rest;
  if (short !== 1) return short;
  return head.length >= 16 ? Number(head.readBigUInt64BE(8)) : 0;
}
