// The packets of a track out of its sample table (ISO/IEC 14496-12 §8.6, §8.7), all at once: a film of hours in tenths of a second, in which others have their turns. Used by source-index.ts.
import { type Box, findBox } from '#media/boxes.ts';
import { isTurn, turn } from '#media/turn.ts';

/** All packets of a track in the order of storage, one place in each list a packet. */
export type PacketList = {
  readonly count: number;
  /** Presentation times, seconds on the source's own clock; negative where an edit list hides the packet. */
  readonly times: Float64Array;
  /** seconds */
  readonly durations: Float64Array;
  /** bytes */
  readonly sizes: Uint32Array;
  /** 1 for a keyframe. */
  readonly keys: Uint8Array;
  /** Of one size: no table lists them. */
  readonly isEqual: boolean;
};

export type TableOptions = {
  /** ticks/s */
  readonly timescale: number;
  /** Ticks of the media at which the presentation's zero lies; negative after a pause. */
  readonly zero: number;
  /** Packets at the most: what claims more is no film. */
  readonly most: number;
  /** The same where they are all of one size. */
  readonly mostEqual: number;
};

/** Null where a table is missing, of a kind that is not read here, or shorter than it says. */
export async function readSampleTable(
  moov: Buffer,
  trak: Box,
  { timescale, zero, most, mostEqual }: TableOptions,
): Promise<PacketList | null> {
  const table = findBox(moov, 'mdia/minf/stbl', trak);
  const part = (type: string) => (table ? findBox(moov, type, table) : null);
  const [stts, ctts, stsz, stss] = ['stts', 'ctts', 'stsz', 'stss'].map(part);
  if (!table || !stts || !stsz || timescale <= 0) return null;
  const isEqual = areEqual(moov, stsz);
  const sizes = await readSizes(moov, stsz, isEqual ? Math.min(most, mostEqual) : most);
  if (!sizes) return null;
  const count = sizes.length;
  if (!(await areBounded(moov, table, count))) return null;
  const [times, durations] = [new Float64Array(count), new Float64Array(count)];
  let ticks = 0 - zero;
  const timed = await eachRun(moov, { runs: stts, count }, (i, delta) => {
    times[i] = ticks;
    durations[i] = delta / timescale;
    ticks += delta;
  });
  // Offsets are signed in version 1; those of version 0 that look negative are, in every file seen.
  const moved =
    !ctts ||
    (await eachRun(moov, { runs: ctts, count }, (i, offset) => {
      times[i] = (times[i] ?? 0) + (offset | 0);
    }));
  const keys = await readKeys(moov, stss ?? null, count);
  if (!timed || !moved || !keys) return null;
  for (let i = 0; i < count; i++) {
    times[i] = (times[i] ?? 0) / timescale;
    if (isTurn(i)) await turn();
  }
  return { count, times, durations, sizes, keys, isEqual };
}

/** Where each packet ends in the file, bytes (§8.7.4, §8.7.5); null where the tables are missing or place fewer packets than there are. */
export async function readPacketEnds(moov: Buffer, trak: Box, sizes: Uint32Array): Promise<Float64Array | null> {
  const table = findBox(moov, 'mdia/minf/stbl', trak);
  const [runs, narrow, wide] = ['stsc', 'stco', 'co64'].map((type) => (table ? findBox(moov, type, table) : null));
  const places = wide ?? narrow;
  if (!runs || !places || runs.end - runs.body < 8 || places.end - places.body < 8) return null;
  const [listed, chunks, step] = [moov.readUInt32BE(runs.body + 4), moov.readUInt32BE(places.body + 4), wide ? 8 : 4];
  if (runs.end - runs.body < 8 + 12 * listed || places.end - places.body < 8 + step * chunks) return null;
  const ends = new Float64Array(sizes.length);
  let packet = 0;
  for (let run = 0; run < listed; run++) {
    const at = runs.body + 8 + 12 * run;
    // A run reaches to where the next one begins; chunks are counted from 1.
    const until = run + 1 < listed ? moov.readUInt32BE(at + 12) - 1 : chunks;
    const count = moov.readUInt32BE(at + 4);
    // §8.7.4: each begins behind the one before it. Else a few bytes would have all chunks walked through, over and over.
    if (until < moov.readUInt32BE(at)) return null;
    for (let chunk = moov.readUInt32BE(at) - 1; chunk < Math.min(until, chunks); chunk++) {
      if (isTurn(chunk)) await turn();
      const place = places.body + 8 + step * chunk;
      let end = wide ? Number(moov.readBigUInt64BE(place)) : moov.readUInt32BE(place);
      for (const last = Math.min(sizes.length, packet + count); packet < last; packet++) {
        end += sizes[packet] ?? 0;
        ends[packet] = end;
        if (isTurn(packet)) await turn();
      }
    }
  }
  return packet === sizes.length ? ends : null;
}

/** Files that are only careless claim a little more than there is. */
const CARELESS = 1000;

/**
 * Whether no table speaks of more packets or chunks than there are: readers that believe it count up to four billion.
 * Runs of chunks are numbered from 1, each begins behind the one before it (§8.7.4).
 */
async function areBounded(moov: Buffer, table: Box, count: number): Promise<boolean> {
  const most = 2 * count + CARELESS;
  for (const type of ['stts', 'ctts']) {
    const runs = findBox(moov, type, table);
    let sum = 0;
    if (runs)
      await eachEntry(moov, { list: runs, size: 8 }, (at) => {
        sum += moov.readUInt32BE(at);
      });
    if (sum > most) return false;
  }
  const [runs, narrow, wide] = ['stsc', 'stco', 'co64'].map((type) => findBox(moov, type, table));
  const places = wide ?? narrow;
  if (!runs || !places || runs.end - runs.body < 8 || places.end - places.body < 8) return count === 0;
  const chunks = moov.readUInt32BE(places.body + 4);
  if (places.end - places.body < 8 + (wide ? 8 : 4) * chunks) return false;
  let [before, fits] = [0, true];
  const isWhole = await eachEntry(moov, { list: runs, size: 12 }, (at) => {
    const [first, packets] = [moov.readUInt32BE(at), moov.readUInt32BE(at + 4)];
    fits &&= first > before && first <= chunks && packets > 0 && packets <= most;
    before = first;
  });
  return isWhole && fits;
}

/** Each entry of a list of so many bytes; false where it is shorter than it says. */
async function eachEntry(
  moov: Buffer,
  { list: { body, end }, size }: { readonly list: Box; readonly size: number },
  each: (at: number) => void,
): Promise<boolean> {
  const listed = end - body < 8 ? 0 : moov.readUInt32BE(body + 4);
  if (end - body < 8 + size * listed) return false;
  for (let i = 0; i < listed; i++) {
    each(body + 8 + size * i);
    if (isTurn(i)) await turn();
  }
  return true;
}

const areEqual = (moov: Buffer, { body, end }: Box): boolean => end - body >= 12 && moov.readUInt32BE(body + 4) !== 0;

/** §8.7.3: one size for all, or a table. */
async function readSizes(moov: Buffer, { body, end }: Box, most: number): Promise<Uint32Array | null> {
  if (end - body < 12) return null;
  const [same, count] = [moov.readUInt32BE(body + 4), moov.readUInt32BE(body + 8)];
  if (count > most || (same === 0 && end - body < 12 + 4 * count)) return null;
  const sizes = new Uint32Array(count);
  if (same !== 0) return sizes.fill(same);
  for (let i = 0; i < count; i++) {
    sizes[i] = moov.readUInt32BE(body + 12 + 4 * i);
    if (isTurn(i)) await turn();
  }
  return sizes;
}

/** Runs of a count and a value (§8.6.1.2, §8.6.1.3), one call a packet; false where they do not cover all. */
async function eachRun(
  moov: Buffer,
  { runs: { body, end }, count }: { readonly runs: Box; readonly count: number },
  each: (i: number, value: number) => void,
): Promise<boolean> {
  if (end - body < 8) return false;
  const listed = moov.readUInt32BE(body + 4);
  if (end - body < 8 + 8 * listed) return false;
  let i = 0;
  for (let run = 0, at = body + 8; run < listed && i < count; run++, at += 8) {
    const [length, value] = [moov.readUInt32BE(at), moov.readUInt32BE(at + 4)];
    // Runs of nothing take their time as well.
    if (isTurn(run)) await turn();
    for (const until = Math.min(count, i + length); i < until; i++) {
      each(i, value);
      if (isTurn(i)) await turn();
    }
  }
  return i === count;
}

/** §8.6.2: numbers from 1; without a table every packet is a keyframe. */
async function readKeys(moov: Buffer, stss: Box | null, count: number): Promise<Uint8Array | null> {
  const keys = new Uint8Array(count);
  if (!stss) return keys.fill(1);
  const { body, end } = stss;
  if (end - body < 8) return null;
  const listed = moov.readUInt32BE(body + 4);
  if (end - body < 8 + 4 * listed) return null;
  for (let i = 0; i < listed; i++) {
    const number = moov.readUInt32BE(body + 8 + 4 * i);
    if (number >= 1 && number <= count) keys[number - 1] = 1;
    if (isTurn(i)) await turn();
  }
  return keys;
}
