// Finds the files that were written one behind the other into one (`cat a.mp4 b.mp4`): of most containers FFmpeg reads the first alone. Used by probe.ts.
import { readBoxHeader } from '#media/boxes.ts';
import type { SourceBytes } from '#media/source-bytes.ts';

export type PartSearch = {
  /** As FFmpeg names it. */
  readonly container: string;
  /** Whether the clock of its packets goes back, or far ahead. */
  readonly jumps: boolean;
  /** Bytes of the file that are in no packet. */
  readonly unread: number;
};

/** Bytes; more than headers and tables take, beside the share of a small file. */
const UNREAD = 65_536;
const UNREAD_SHARE = 0.1;
/** Nobody joins more by hand; a hostile file does. */
const MOST_PARTS = 500;
/** Places that only look like a beginning: a hostile file is full of them. */
const MOST_LOOKALIKES = 10_000;
/** Top boxes of a file, all of its parts and their fragments. */
const MOST_BOXES = 100_000;
const WINDOW = 1024 * 1024;

type Beginning = { readonly magic: Buffer; readonly length: number; readonly matches: (head: Buffer) => boolean };

/** How a file of a kind begins: so much that it stands nowhere by chance. */
const BEGINNINGS = {
  // Flags of sound and picture, a header of 9 bytes, no tag before (Adobe FLV 10.1, Annex E.2).
  flv: {
    magic: Buffer.from('FLV\x01'),
    length: 13,
    matches: (head) => head.length === 13 && head.readUInt32BE(5) === 9 && head.readUInt32BE(9) === 0,
  },
  // An EBML header with its document type (RFC 8794 §11.2.4).
  matroska: {
    magic: Buffer.from('1a45dfa3', 'hex'),
    length: 64,
    matches: (head) => /B\x82.(matroska|webm)/s.test(head.toString('latin1')),
  },
} satisfies Record<string, Beginning>;

/** Offsets at which the parts begin, rising, the first of them 0; none where the file is one. */
export async function findParts(bytes: SourceBytes, search: PartSearch): Promise<readonly number[]> {
  const parts = await searchParts(bytes, search);
  return parts.length > 1 ? parts : [];
}

async function searchParts(bytes: SourceBytes, { container, jumps, unread }: PartSearch): Promise<number[]> {
  // Behind a second header FLV's demuxer takes what follows for one long tag, or wakes up again somewhere in it.
  const isCutOff = jumps || unread > Math.min(UNREAD, bytes.size * UNREAD_SHARE);
  if (container === 'flv') return isCutOff ? findBeginnings(bytes, BEGINNINGS.flv) : [];
  // Matroska's reads on, with the first part's headers.
  if (container.startsWith('matroska')) return jumps ? findBeginnings(bytes, BEGINNINGS.matroska) : [];
  return container.startsWith('mov,') ? findMovies(bytes, jumps) : [];
}

async function findBeginnings(bytes: SourceBytes, { magic, length, matches }: Beginning): Promise<number[]> {
  const parts: number[] = [];
  let lookalikes = 0;
  for (let start = 0; start < bytes.size && parts.length < MOST_PARTS; start += WINDOW) {
    // Windows overlap by a beginning that lies across their edge.
    const window = await bytes.read(start, WINDOW + length);
    for (let at = window.indexOf(magic); at !== -1 && at < WINDOW; at = window.indexOf(magic, at + 1)) {
      if (matches(window.subarray(at, at + length))) parts.push(start + at);
      else if (++lookalikes > MOST_LOOKALIKES) return [];
    }
  }
  return parts[0] === 0 ? parts : [];
}

/**
 * By the top boxes: each part has its own `ftyp` and its own index. Fragments that follow a second index count only where the clock
 * jumps: streams are also saved with their headers repeated, and their clock goes on.
 */
async function findMovies(bytes: SourceBytes, jumps: boolean): Promise<number[]> {
  const parts: { at: number; indexed: boolean }[] = [];
  for (let [at, count] = [0, 0]; at < bytes.size && count < MOST_BOXES; count++) {
    const head = readBoxHeader(await bytes.read(at, 16), 0);
    if (!head || head.size < head.header) break;
    if (head.type === 'moof' && !jumps) return [];
    if (head.type === 'ftyp') parts.push({ at, indexed: false });
    const part = parts.at(-1);
    if (head.type === 'moov' && part) part.indexed = true;
    at += head.size;
  }
  return parts
    .filter(({ indexed }) => indexed)
    .map(({ at }) => at)
    .slice(0, MOST_PARTS);
}
