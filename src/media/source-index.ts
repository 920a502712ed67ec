// The index of an MP4 or MOV: every packet's time, size and kind without reading media data, and mediabunny to read and package them. Used by probe-index.ts and original.ts.
import type { EncodedPacketSink, InputTrack } from 'mediabunny';
import { type Box, boxesIn, everyBox, findBox, hasMoreBoxes, readBoxHeader } from '#media/boxes.ts';
import { type PacketList, readPacketEnds, readSampleTable } from '#media/sample-table.ts';
import type { SourceBytes } from '#media/source-bytes.ts';

/** One packet with its data. */
export type ReadPacket = {
  /** Presentation time, seconds on the source's own clock. */
  readonly time: number;
  readonly isKey: boolean;
  readonly data: Uint8Array;
};

export type IndexedTrack = {
  /** track_ID of the container: what ffprobe calls the stream's id. */
  readonly id: number;
  readonly kind: 'video' | 'audio';
  /** ticks/s */
  readonly timescale: number;
  /** Seconds at which its edit ends: what comes later is not shown. Infinity where there is none. */
  readonly editEnd: number;
  readonly packets: PacketList;
  /** Where each packet ends in the file, bytes: known of a source that still arrives. */
  readonly ends: Float64Array | null;
  /** The data of `count` packets in the order of storage, beginning with the one that is shown at `time`, or was last before it. */
  read(time: number, count: number): Promise<ReadPacket[]>;
  /** An init segment of this track alone, as mediabunny writes it. */
  init(): Promise<Buffer>;
};

export type SourceIndex = {
  readonly tracks: readonly IndexedTrack[];
  close(): void;
};

/** An index of more bytes is no film's: 12 hours of 60 frames/s and five sounds stay below. */
const LARGEST_INDEX = 256 * 1024 ** 2;
/** Packets of one track: 12 hours of 90 frames/s. What claims more would only take memory. */
const MOST_PACKETS = 4_000_000;
/** Packets of all tracks: 12 hours of 60 frames/s and five sounds. */
const MOST_PACKETS_IN_ALL = 13_000_000;
/** The same of tracks whose packets are all of one size: a table of 20 bytes claims any number of them. */
const MOST_EQUAL_PACKETS = 4_000_000;
/** Boxes of an index, of all tracks and their texts: some thirty a track. */
const MOST_INDEX_BOXES = 10_000;
/** Top boxes of a file that is not fragmented: a handful. */
const MOST_BOXES = 200;

/** Commands that read no media do without it. Loading holds up everything else for tens of milliseconds: workers do it before they begin. */
export const loadContainerLibrary = () => import('mediabunny');

/**
 * Opens the index of a container, where it has one that says everything: an MP4 or MOV that is whole, neither fragmented nor
 * encrypted, with at most one edit a track. Null for every other file. The bytes must stay open as long as the index.
 * One that still arrives counts as whole where its boxes say how long it will be.
 */
export async function openSourceIndex(bytes: SourceBytes): Promise<SourceIndex | null> {
  const moov = await findMoov(bytes);
  const isArriving = bytes.arrived !== undefined;
  const described = moov && describeTracks(moov, isArriving);
  if (!described) return null;
  const { CustomSource, EncodedPacketSink, Input, Logging, LogLevel, MP4, QTFF } = await loadContainerLibrary();
  // Its log is the console; what it would warn of is ruled out above.
  Logging.level = LogLevel.Silent;
  const source = new CustomSource({
    getSize: () => bytes.size,
    read: (start, end) => bytes.read(start, end - start),
    prefetchProfile: 'fileSystem',
  });
  const input = new Input({ source, formats: [MP4, QTFF] });
  try {
    const found = await input.getTracks();
    // What is not described here is not read by anybody either.
    const media = found.filter((track) => (track.isVideoTrack() || track.isAudioTrack()) && described.has(track.id));
    const sinks = media.map((track) => ({ track, sink: new EncodedPacketSink(track) }));
    if (media.length === 0) throw new Error('nothing to read');
    if (!isArriving) for (const { sink } of sinks) await readLast(sink);
    const tracks: IndexedTrack[] = [];
    for (const { track, sink } of sinks) {
      const known = described.get(track.id);
      if (known) tracks.push(await describe(track, sink, known));
    }
    return { tracks, close: () => input.dispose() };
  } catch (error) {
    input.dispose();
    // A container that mediabunny cannot read has no index as far as we are concerned: FFmpeg may still read it.
    if (error instanceof Error && isOurs(error)) throw error;
    return null;
  }
}

/** Errors of reading the bytes, which say nothing about the container. */
const isOurs = (error: Error): boolean => 'code' in error;

async function describe(track: InputTrack, sink: EncodedPacketSink, described: Described): Promise<IndexedTrack> {
  return {
    ...described,
    id: track.id,
    kind: track.isVideoTrack() ? 'video' : 'audio',
    read: (time, count) => readPackets(sink, time, count),
    init: () => writeInit(track, sink),
  };
}

/** @throws where the file ends before its last packet does, or was given its size and never got that far */
async function readLast(sink: EncodedPacketSink): Promise<void> {
  const last = await sink.getPacket(Number.POSITIVE_INFINITY);
  if (last && (last.data.length !== last.byteLength || last.data.every((byte) => byte === 0)))
    throw new Error('cut off');
}

async function readPackets(sink: EncodedPacketSink, time: number, count: number): Promise<ReadPacket[]> {
  const packets: ReadPacket[] = [];
  const first = await sink.getPacket(time);
  if (!first) return packets;
  for await (const { timestamp, type, data } of sink.packets(first)) {
    packets.push({ time: timestamp, isKey: type === 'key', data });
    if (packets.length === count) break;
  }
  return packets;
}

/** What a CMAF muxer writes in front of this track's first packet. */
async function writeInit(track: InputTrack, sink: EncodedPacketSink): Promise<Buffer> {
  const library = await loadContainerLibrary();
  const first = await sink.getFirstKeyPacket();
  if (!first) return Buffer.alloc(0);
  const init = new library.BufferTarget();
  const output = new library.Output({
    format: new library.CmafOutputFormat(),
    target: new library.BufferTarget(),
    initTarget: init,
  });
  const packet = first.clone({ timestamp: 0 });
  if (track.isVideoTrack()) {
    const [codec, decoderConfig] = [await track.getCodec(), await track.getDecoderConfig()];
    if (!codec || !decoderConfig) return Buffer.alloc(0);
    const source = new library.EncodedVideoPacketSource(codec);
    output.addVideoTrack(source);
    await output.start();
    await source.add(packet, { decoderConfig });
  } else if (track.isAudioTrack()) {
    const [codec, decoderConfig] = [await track.getCodec(), await track.getDecoderConfig()];
    if (!codec || !decoderConfig) return Buffer.alloc(0);
    const source = new library.EncodedAudioPacketSource(codec);
    output.addAudioTrack(source);
    await output.start();
    await source.add(packet, { decoderConfig });
  }
  await output.finalize();
  return Buffer.from(init.buffer ?? new ArrayBuffer(0));
}

/** The moov of a file whose top boxes fill it exactly; null for everything else: cut off, fragmented, none at all. */
async function findMoov(bytes: SourceBytes): Promise<Buffer | null> {
  let moov: Buffer | null = null;
  let at = 0;
  for (let count = 0; at < bytes.size; count++) {
    const head = readBoxHeader(await bytes.read(at, 16), 0);
    if (!head || count === MOST_BOXES) return null;
    // 0 means: to the end of the file.
    const size = head.size === 0 ? bytes.size - at : head.size;
    if (size < head.header || at + size > bytes.size || head.type === 'moof') return null;
    if (head.type === 'moov') {
      if (moov || size > LARGEST_INDEX) return null;
      moov = await bytes.read(at, size);
    }
    at += size;
  }
  return moov;
}

type Described = Pick<IndexedTrack, 'timescale' | 'editEnd' | 'packets' | 'ends'>;

/**
 * Every track with a sample table, by track_ID; null where the index does not say everything: fragmented, encrypted, compressed, a track
 * of several edits.
 */
function describeTracks(moov: Buffer, withEnds: boolean): Map<number, Described> | null {
  if (hasMoreBoxes(moov, MOST_INDEX_BOXES)) return null;
  const [movie] = boxesIn(moov, 0, moov.length);
  const header = movie && findBox(moov, 'mvhd', movie);
  // `sinf` is where the protection of a track is described (ISO/IEC 23001-7).
  if (!movie || !header || moov.includes('sinf')) return null;
  const movieScale = moov.readUInt32BE(header.body + (moov.readUInt8(header.body) === 1 ? 20 : 12));
  const tracks = new Map<number, Described>();
  let [all, equal] = [0, 0];
  for (const box of boxesIn(moov, movie.body, movie.end)) {
    if (box.type === 'mvex' || box.type === 'cmov') return null;
    if (box.type !== 'trak') continue;
    if (!isPlain(moov, box)) return null;
    const track = findBox(moov, 'tkhd', box);
    const media = findBox(moov, 'mdia/mdhd', box);
    const list = findBox(moov, 'edts/elst', box);
    if (!track || !media) return null;
    const id = moov.readUInt32BE(track.body + (moov.readUInt8(track.body) === 1 ? 20 : 12));
    const timescale = moov.readUInt32BE(media.body + (moov.readUInt8(media.body) === 1 ? 20 : 12));
    const edit = list ? readEdit(moov.subarray(list.body, list.end)) : { pause: 0, start: 0, end: 0 };
    if (!edit) return null;
    const zero = edit.start - Math.round((edit.pause / movieScale) * timescale);
    const most = Math.min(MOST_PACKETS, MOST_PACKETS_IN_ALL - all);
    const packets = readSampleTable(moov, box, { timescale, zero, most, mostEqual: MOST_EQUAL_PACKETS - equal });
    if (!packets) continue;
    all += packets.count;
    if (packets.isEqual) equal += packets.count;
    const ends = withEnds ? readPacketEnds(moov, box, packets.sizes) : null;
    const editEnd = edit.end > 0 ? edit.end / movieScale : Number.POSITIVE_INFINITY;
    tracks.set(id, { timescale, editEnd, packets, ends });
  }
  return tracks;
}

/** What a track has once. */
const ONCE = new Set([
  ...['tkhd', 'mdia', 'mdhd', 'minf', 'stbl', 'edts', 'elst'],
  ...['stsd', 'stts', 'ctts', 'stsz', 'stss', 'stsc', 'stco', 'co64'],
]);
const OF_FRAGMENTS = new Set(['moof', 'traf', 'mfra', 'tfra', 'mvex', 'stz2']);

/** Whether every table stands there once: of two, one reader would take the first, which is checked here, another one both. */
function isPlain(moov: Buffer, track: Box): boolean {
  const seen = new Set<string>();
  for (const { type } of everyBox(moov, track.body, track.end)) {
    if (OF_FRAGMENTS.has(type) || seen.has(type)) return false;
    if (ONCE.has(type)) seen.add(type);
  }
  return true;
}

type Edit = {
  /** Ticks of the movie. */
  readonly pause: number;
  /** Ticks of the media. */
  readonly start: number;
  /** Ticks of the movie; 0 where it has no end. */
  readonly end: number;
};

/** A list of pauses (media time -1) and one edit of normal speed (ISO/IEC 14496-12 §8.6.6); null for any other, and for one of no length, of which FFmpeg shows nothing. */
function readEdit(list: Buffer): Edit | null {
  if (list.length < 8) return null;
  const wide = list.readUInt8(0) === 1;
  const [count, step] = [list.readUInt32BE(4), wide ? 20 : 12];
  if (count > 8 || list.length < 8 + count * step) return null;
  let edit: Edit = { pause: 0, start: 0, end: 0 };
  for (let i = 0, at = 8; i < count; i++, at += step) {
    const duration = wide ? Number(list.readBigUInt64BE(at)) : list.readUInt32BE(at);
    const time = wide ? Number(list.readBigInt64BE(at + 8)) : list.readInt32BE(at + 4);
    if (time === -1) {
      edit = { ...edit, pause: edit.pause + duration };
      continue;
    }
    if (i < count - 1 || duration === 0 || list.readUInt32BE(at + step - 4) !== 0x10000) return null;
    edit = { ...edit, start: time, end: edit.pause + duration };
  }
  return edit;
}
