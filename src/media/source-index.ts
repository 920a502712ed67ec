// The index of an MP4 or MOV: every packet's time, size, kind and place without reading media data. Used by probe-index.ts, original.ts and arriving-source.ts.
import { type Box, boxesIn, everyBox, findBox, hasMoreBoxes, readBoxHeader } from '#media/boxes.ts';
import { type PlacedPackets, packetAt, type ReadPacket, readPackets } from '#media/read-packets.ts';
import { readPacketEnds, readSampleTable } from '#media/sample-table.ts';
import type { SourceBytes } from '#media/source-bytes.ts';
import { readTrackHead, type TrackHead, writeTrackInit } from '#media/track-init.ts';

export type IndexedTrack = PlacedPackets & {
  /** track_ID of the container: what ffprobe calls the stream's id. */
  readonly id: number;
  readonly kind: 'video' | 'audio';
  /** ticks/s */
  readonly timescale: number;
  /** Seconds at which its edit ends: what comes later is not shown. Infinity where there is none. */
  readonly editEnd: number;
  /** The data of `count` packets in the order of storage, beginning with the one that is shown at `time`, or was last before it. */
  read(time: number, count: number): Promise<ReadPacket[]>;
  /** An init segment of this track alone, as mediabunny writes it; empty where that is not known to it. */
  init(): Promise<Buffer>;
};

export type SourceIndex = { readonly tracks: readonly IndexedTrack[] };

/** An index of more bytes is no film's: 12 hours of 60 frames/s and two sounds stay below. */
const LARGEST_INDEX = 128 * 1024 ** 2;
/** Packets of one track: 12 hours of 90 frames/s. What claims more would only take memory. */
const MOST_PACKETS = 4_000_000;
/** Packets of all tracks: 12 hours of 60 frames/s and a sound. Each takes 29 bytes of memory as long as the index is open. */
const MOST_PACKETS_IN_ALL = 6_000_000;
/** The same of tracks whose packets are all of one size: a table of 20 bytes claims any number of them. */
const MOST_EQUAL_PACKETS = 4_000_000;
/** Boxes of an index, of all tracks and their texts: some thirty a track. */
const MOST_INDEX_BOXES = 10_000;
/** Top boxes of a file that is not fragmented: a handful. */
const MOST_BOXES = 200;
/** Bytes at the end of the last packet that tell whether it has come. */
const LAST_BYTES = 65_536;
/** Bytes of a picture. */
const LARGEST_KEYFRAME = 64 * 1024 ** 2;

/**
 * Opens the index of a container, where it has one that says everything: an MP4 or MOV that is whole, neither fragmented nor
 * encrypted, with at most one edit a track. Null for every other file. The bytes must stay open as long as the index.
 * One that still arrives counts as whole where its boxes say how long it will be.
 */
export async function openSourceIndex(bytes: SourceBytes): Promise<SourceIndex | null> {
  const file = await findMoov(bytes);
  const described = file && (await describeTracks(file.moov, file.isQuickTime));
  if (!described || described.length === 0) return null;
  const isWhole = bytes.arrived !== undefined || (await areThere(bytes, described));
  return isWhole ? { tracks: described.map((track) => open(bytes, track)) } : null;
}

function open(bytes: SourceBytes, { head, ...track }: Described): IndexedTrack {
  return {
    ...track,
    read: (time, count) => readPackets(bytes, track, { first: packetAt(track.packets, time), count }),
    init: async () => {
      const first = track.packets.keys.indexOf(1);
      if (first === -1 || (track.packets.sizes[first] ?? 0) > LARGEST_KEYFRAME) return Buffer.alloc(0);
      const [packet] = await readPackets(bytes, track, { first, count: 1 });
      const duration = Math.round((track.packets.durations[first] ?? 0) * track.timescale);
      return packet ? writeTrackInit(head, { data: packet.data, duration }) : Buffer.alloc(0);
    },
  };
}

/** False where the file ends before a packet does, or was given its size and never got as far as the last one of a track. */
async function areThere(bytes: SourceBytes, tracks: readonly Described[]): Promise<boolean> {
  for (const { packets, ends } of tracks) {
    let [last, end] = [0, 0];
    for (let i = 0; i < packets.count; i++) if ((ends[i] ?? 0) > end) [last, end] = [i, ends[i] ?? 0];
    if (end > bytes.size) return false;
    const length = Math.min(LAST_BYTES, packets.sizes[last] ?? 0);
    const data = await bytes.read(end - length, length);
    if (length > 0 && data.every((byte) => byte === 0)) return false;
  }
  return true;
}

type Film = { readonly moov: Buffer; readonly isQuickTime: boolean };

/** The moov of a file whose top boxes fill it exactly; null for everything else: cut off, fragmented, none at all. */
async function findMoov(bytes: SourceBytes): Promise<Film | null> {
  let moov: Buffer | null = null;
  let isQuickTime = false;
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
    if (head.type === 'ftyp') isQuickTime = (await bytes.read(at + head.header, 4)).toString('latin1') === 'qt  ';
    at += size;
  }
  return moov && { moov, isQuickTime };
}

type Described = Omit<IndexedTrack, 'read' | 'init'> & { readonly head: TrackHead };

/**
 * Every picture and sound with a sample table; null where the index does not say everything: fragmented, encrypted, compressed, a track
 * of several edits.
 */
async function describeTracks(moov: Buffer, isQuickTime: boolean): Promise<Described[] | null> {
  if (hasMoreBoxes(moov, MOST_INDEX_BOXES)) return null;
  const [movie] = boxesIn(moov, 0, moov.length);
  const header = movie && findBox(moov, 'mvhd', movie);
  // `sinf` is where the protection of a track is described (ISO/IEC 23001-7).
  if (!movie || !header || moov.includes('sinf')) return null;
  const movieScale = readHeader(moov, header);
  const tracks: Described[] = [];
  const ids = new Set<number>();
  let [all, equal] = [0, 0];
  for (const box of boxesIn(moov, movie.body, movie.end)) {
    if (box.type === 'mvex' || box.type === 'cmov') return null;
    if (box.type !== 'trak') continue;
    if (!isPlain(moov, box)) return null;
    const track = findBox(moov, 'tkhd', box);
    const media = findBox(moov, 'mdia/mdhd', box);
    const list = findBox(moov, 'edts/elst', box);
    const id = track && readHeader(moov, track);
    const timescale = media && readHeader(moov, media);
    const edit = list ? readEdit(moov.subarray(list.body, list.end)) : NO_EDIT;
    // Of two tracks under one number nobody could tell which is meant.
    if (!id || !timescale || !edit || ids.has(id) || (list && !movieScale)) return null;
    ids.add(id);
    const kind = readKind(moov, box);
    const head = readTrackHead(moov, header, box);
    if (!kind || !head) continue;
    const zero = list && movieScale ? edit.start - Math.round((edit.pause / movieScale) * timescale) : 0;
    const most = Math.min(MOST_PACKETS, MOST_PACKETS_IN_ALL - all);
    const packets = await readSampleTable(moov, box, { timescale, zero, most, mostEqual: MOST_EQUAL_PACKETS - equal });
    const ends = packets && (await readPacketEnds(moov, box, packets.sizes));
    if (!packets || !ends) continue;
    all += packets.count;
    if (packets.isEqual) equal += packets.count;
    const editEnd = edit.end > 0 && movieScale ? edit.end / movieScale : Number.POSITIVE_INFINITY;
    tracks.push({ id, kind, timescale, editEnd, packets, ends, head: { ...head, isQuickTime } });
  }
  return tracks;
}

/**
 * What stands behind the two times of a mvhd, mdhd or tkhd, which are longer in version 1: its timescale, or the track_ID
 * (ISO/IEC 14496-12 §8.2.2, §8.4.2, §8.3.2). Null where the box ends before.
 */
function readHeader(moov: Buffer, { body, end }: Box): number | null {
  const at = body + (moov[body] === 1 ? 20 : 12);
  return at + 4 <= end ? moov.readUInt32BE(at) : null;
}

/** §8.4.3; null for texts, time codes and what else there is. */
function readKind(moov: Buffer, track: Box): IndexedTrack['kind'] | null {
  const handler = findBox(moov, 'mdia/hdlr', track);
  const type = handler && moov.subarray(handler.body, handler.end).toString('latin1', 8, 12);
  return type === 'vide' ? 'video' : type === 'soun' ? 'audio' : null;
}

/** What a track has once. */
const ONCE = new Set([
  ...['tkhd', 'mdia', 'mdhd', 'minf', 'stbl', 'edts', 'elst'],
  ...['stsd', 'stts', 'ctts', 'stsz', 'stss', 'stsc', 'stco', 'co64'],
]);
const OF_FRAGMENTS = new Set(['moof', 'traf', 'mfra', 'tfra', 'mvex', 'stz2']);

/** Whether every table stands there once: of two, FFmpeg would take others than are read here. */
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
const NO_EDIT: Edit = { pause: 0, start: 0, end: 0 };

/** A list of pauses (media time -1) and one edit of normal speed (ISO/IEC 14496-12 §8.6.6); null for any other, and for one of no length, of which FFmpeg shows nothing. */
function readEdit(list: Buffer): Edit | null {
  if (list.length < 8) return null;
  const wide = list.readUInt8(0) === 1;
  const [count, step] = [list.readUInt32BE(4), wide ? 20 : 12];
  if (count > 8 || list.length < 8 + count * step) return null;
  let edit = NO_EDIT;
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
