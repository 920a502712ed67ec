// The source's own streams as renditions, cut out of the original when a segment is asked for: by its index, without a process or a second copy. Used by the workflows.
import { createHash } from 'node:crypto';
import type { AudioRendition, Plan, Timeline, VideoRendition } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import type { OriginalTrack, SegmentFacts, TrackPart } from '#domain/task.ts';
import { findBox } from '#media/boxes.ts';
import { codecString } from '#media/codec-string.ts';
import { videoTimescale } from '#media/command/chunk.ts';
import { boundaryTimes } from '#media/grid.ts';
import type { ReadPacket } from '#media/read-packets.ts';
import type { PacketList } from '#media/sample-table.ts';
import type { IndexedTrack, SourceIndex } from '#media/source-index.ts';
import { isTurn, turn } from '#media/turn.ts';
import { fragmentSize, insertEdit, writeFragment } from '#media/write-fragment.ts';

/** Samples of an AAC-LC frame (ISO/IEC 14496-3). */
const AAC_FRAME = 1024;
/** Frames of sound that one may stand for: a longer gap is silence that an encoder must fill. */
const MOST_FRAMES = 4;

export type OriginalWish = {
  readonly index: SourceIndex;
  /** Storage key of the original. */
  readonly key: string;
  readonly facts: SourceFacts;
  readonly plan: Plan;
};

/**
 * What the packaged renditions of a timeline consist of: their segments with times and sizes; of media data only the first packet is
 * read. Null where the packets do not fall on the plan's grid: then the streams must be copied or encoded.
 */
export async function packageOriginal(wish: OriginalWish, timeline: Timeline): Promise<TrackPart[] | null> {
  const { index, plan } = wish;
  const parts: TrackPart[] = [];
  for (const rendition of [...plan.video, ...plan.audio]) {
    if (rendition.timeline !== timeline.id || rendition.method !== 'packaged') continue;
    const track = index.tracks.find(({ id }) => id === trackOf(wish, rendition));
    const cut = track && (await cutTrack(track, rendition, timeline));
    if (!track || !cut) return null;
    const original: OriginalTrack = { key: wish.key, ...cut.original };
    const init = await makeOriginalInit(track, original);
    const codecs = codecString(init);
    if (codecs === '') return null;
    const name = (file: string) => `${wish.key}#${rendition.id}/${file}`;
    const hash = createHash('sha256').update(init).digest('hex').slice(0, 16);
    parts.push({
      rendition: rendition.id,
      init: { key: name('init'), size: init.length, hash },
      codecs,
      timescale: original.timescale,
      segments: cut.segments.map((segment) => ({ ...segment, key: name(String(segment.index)) })),
      original,
    });
  }
  return parts;
}

type Cut = { readonly original: Omit<OriginalTrack, 'key'>; readonly segments: readonly Omit<SegmentFacts, 'key'>[] };

function trackOf({ facts }: OriginalWish, rendition: VideoRendition | AudioRendition): number | undefined {
  const stream = 'width' in rendition ? facts.video?.streamIndex : rendition.streamIndex;
  return stream === undefined ? undefined : facts.indexed?.[stream];
}

function cutTrack(
  track: IndexedTrack,
  rendition: VideoRendition | AudioRendition,
  timeline: Timeline,
): Promise<Cut | null> {
  const { packets } = track;
  return 'width' in rendition
    ? cutVideo(track, packets, timeline)
    : cutSound(track, packets, { timeline, sampleRate: rendition.sampleRate });
}

/** Every segment holds the frames of its place on the grid, in the order of storage, and begins with a keyframe. Single ones may be missing. */
async function cutVideo({ id }: IndexedTrack, packets: PacketList, timeline: Timeline): Promise<Cut | null> {
  const { fps, boundaries } = timeline;
  const { count, keys, sizes } = packets;
  const timescale = videoTimescale(timeline);
  const frame = (timescale / fps.num) * fps.den;
  const zero = timeline.sourceStart - timeline.videoShift;
  const segments: Omit<SegmentFacts, 'key'>[] = [];
  // Frames by which a picture is decoded later than it is shown, were both counted from zero: the delay of B-frames.
  let delay = 0;
  let at = 0;
  const place = (i: number) => Math.round(((packets.times[i] ?? Number.NaN) - zero) * (fps.num / fps.den));
  for (let index = 0; index + 1 < boundaries.length; index++) {
    const [from, to] = [boundaries[index] ?? 0, boundaries[index + 1] ?? 0];
    const first = at;
    const shown: number[] = [];
    let bytes = 0;
    for (; at < count && (at === first || keys[at] !== 1 || place(at) !== to); at++) {
      shown.push(place(at) - from);
      bytes += sizes[at] ?? 0;
      if (isTurn(at)) await turn();
    }
    const decoded = decodePlaces(shown, to - from);
    if (!decoded || keys[first] !== 1) return null;
    delay = shown.reduce((most, one, i) => Math.max(most, (decoded[i] ?? 0) - one), delay);
    const samples = shown.length;
    const duration = to - from;
    const varies = new Set(decoded.map((one, i) => (decoded[i + 1] ?? duration) - one)).size > 1;
    const size = fragmentSize({ kind: 'video', count: samples, varies }, bytes);
    segments.push({ index, size, start: from * frame, duration: duration * frame, samples });
  }
  if (at !== count) return null;
  return { original: { track: id, kind: 'video', timescale, frame, zero, delay: delay * frame }, segments };
}

/**
 * When the pictures of a segment are decoded, in frames from its begin: at the times at which they are shown, in rising order. Null unless
 * the first stored is the first shown and each has a place of its own, all within the segment.
 */
function decodePlaces(shown: readonly number[], length: number): number[] | null {
  const places = [...shown].sort((a, b) => a - b);
  const fits = shown[0] === 0 && places[0] === 0 && (places.at(-1) ?? length) < length;
  return fits && places.every((one, i) => one !== places[i - 1]) ? places : null;
}

/** Frames of sound do not fall on the grid: each segment begins with the one nearest to its place. */
async function cutSound(
  { id }: IndexedTrack,
  packets: PacketList,
  { timeline, sampleRate }: { readonly timeline: Timeline; readonly sampleRate: number },
): Promise<Cut | null> {
  // What lies before the first picture is the encoder's delay. Half a frame of it at most is heard late.
  const half = AAC_FRAME / sampleRate / 2;
  const first = packets.times.findIndex((time) => time - timeline.sourceStart >= -half);
  if (first < 0) return null;
  const zero = Math.min(timeline.sourceStart, packets.times[first] ?? 0);
  const ticks = (place: number) =>
    place < packets.count
      ? Math.round(((packets.times[place] ?? 0) - zero) * sampleRate)
      : Math.round(((packets.times[packets.count - 1] ?? 0) - zero) * sampleRate) + AAC_FRAME;
  for (let place = first; place < packets.count; place++) {
    const duration = ticks(place + 1) - ticks(place);
    if (duration < 1 || duration > MOST_FRAMES * AAC_FRAME) return null;
    if (isTurn(place)) await turn();
  }
  const places = await nearestPlaces(boundaryTimes(timeline), {
    first,
    count: packets.count,
    time: (i) => ticks(i) / sampleRate,
  });
  const segments: Omit<SegmentFacts, 'key'>[] = [];
  for (let index = 0; index + 1 < places.length; index++) {
    const [from, to] = [places[index] ?? 0, places[index + 1] ?? 0];
    // A player would wait for sound that never comes.
    if (to <= from) return null;
    const bytes = packets.sizes.subarray(from, to).reduce((sum, size) => sum + size, 0);
    const [start, samples] = [ticks(from), to - from];
    const size = fragmentSize({ kind: 'audio', count: samples, varies: false }, bytes);
    segments.push({ index, size, start, duration: ticks(to) - start, samples });
  }
  return { original: { track: id, kind: 'audio', timescale: sampleRate, frame: AAC_FRAME, zero, delay: 0 }, segments };
}

type Places = { readonly first: number; readonly count: number; readonly time: (place: number) => number };

/** Of each time, the packet that begins nearest to it; times and packets rise. */
async function nearestPlaces(times: readonly number[], { first, count, time }: Places): Promise<number[]> {
  const nearest: number[] = [];
  let place = first;
  for (const wanted of times) {
    while (place < count && Math.abs(time(place + 1) - wanted) <= Math.abs(time(place) - wanted)) {
      place += 1;
      if (isTurn(place)) await turn();
    }
    nearest.push(place);
  }
  return nearest;
}

/** The init segment: mediabunny's, counting in our ticks, with the delay of B-frames in an edit list as in every other rendition. */
export async function makeOriginalInit(track: IndexedTrack, { timescale, delay }: OriginalTrack): Promise<Buffer> {
  const init = await track.init();
  const header = findBox(init, 'moov/trak/mdia/mdhd');
  if (!header) return Buffer.alloc(0);
  init.writeUInt32BE(timescale, header.body + (init.readUInt8(header.body) === 1 ? 20 : 12));
  return delay === 0 ? init : insertEdit(init, delay);
}

/** One segment, out of the original's own packets. Null where the original is no longer what it was. */
export async function makeOriginalSegment(
  track: IndexedTrack,
  original: OriginalTrack,
  segment: Omit<SegmentFacts, 'key'>,
): Promise<Buffer | null> {
  const { kind, timescale, frame, zero, delay } = original;
  // Half a frame later: the one that is shown then is the one that begins here, however its time was rounded.
  const packets = await track.read(zero + (segment.start + frame / 2) / timescale, segment.samples);
  const end = segment.start + segment.duration;
  const ticks = ({ time }: ReadPacket) => Math.round((time - zero) * timescale);
  const shown = kind === 'video' ? packets.map((one) => Math.round((ticks(one) - segment.start) / frame)) : [];
  const decoded = kind === 'video' ? decodePlaces(shown, segment.duration / frame) : [];
  if (!decoded) return null;
  const samples = packets.map((packet, i) => {
    const { data, isKey } = packet;
    const [place, next] = [decoded[i], packets[i + 1]];
    if (place !== undefined) {
      const duration = (decoded[i + 1] ?? segment.duration / frame) - place;
      return { data, isKey, duration: duration * frame, offset: delay + ((shown[i] ?? 0) - place) * frame };
    }
    return { data, isKey, duration: (next ? ticks(next) : end) - ticks(packet), offset: 0 };
  });
  const made = writeFragment({ kind, sequence: segment.index + 1, start: segment.start, samples });
  return made.length === segment.size ? made : null;
}
