// Reads the data of packets where an index says that it lies: neighbours by one read, what lies between them included. Used by source-index.ts.
import type { PacketList } from '#media/sample-table.ts';
import type { SourceBytes } from '#media/source-bytes.ts';

/** One packet with its data. */
export type ReadPacket = {
  /** Presentation time, seconds on the source's own clock. */
  readonly time: number;
  readonly isKey: boolean;
  readonly data: Uint8Array;
};

export type PlacedPackets = {
  readonly packets: PacketList;
  /** Where each ends in the file, bytes. */
  readonly ends: Float64Array;
};

/** Bytes between two packets that are rather read than left out: another request to a bucket takes longer. */
const GAP = 256 * 1024;
/** Bytes of one read, unless a packet alone has more. */
const LARGEST_READ = 8 * 1024 ** 2;

/** The packet that is shown at `time`, or was last before it; -1 where there is none. */
export function packetAt({ times, count }: PacketList, time: number): number {
  let found = -1;
  for (let i = 0; i < count; i++) {
    const one = times[i] ?? Number.NaN;
    if (one <= time && (found === -1 || one >= (times[found] ?? 0))) found = i;
  }
  return found;
}

/** `count` packets in the order of storage, or as many as there are. Of what the file does not hold, there is no data. */
export async function readPackets(
  bytes: SourceBytes,
  { packets, ends }: PlacedPackets,
  { first, count }: { readonly first: number; readonly count: number },
): Promise<ReadPacket[]> {
  const until = Math.min(packets.count, first + count);
  const found: ReadPacket[] = [];
  const endOf = (i: number) => ends[i] ?? 0;
  const startOf = (i: number) => endOf(i) - (packets.sizes[i] ?? 0);
  for (let at = first; at >= 0 && at < until; ) {
    const start = startOf(at);
    let next = at + 1;
    let end = endOf(at);
    for (; next < until && isNear({ start, end }, startOf(next), endOf(next)); next++) end = endOf(next);
    const data = await bytes.read(start, end - start);
    for (; at < next; at++) {
      const own = data.subarray(startOf(at) - start, endOf(at) - start);
      found.push({ time: packets.times[at] ?? 0, isKey: packets.keys[at] === 1, data: own });
    }
  }
  return found;
}

const isNear = (span: { start: number; end: number }, start: number, end: number): boolean =>
  start >= span.end && start - span.end <= GAP && end - span.start <= LARGEST_READ;
