// Cuts FFmpeg's fragmented MP4 into CMAF segments exactly on the grid (ISO/IEC 23000-19), while it is being written. Used by the task executors.
import type { Readable } from 'node:stream';
import { PlatformError } from '#domain/error.ts';
import type { Rational } from '#domain/source-facts.ts';
import { type Box, boxesIn, findBox, readBoxHeader } from '#media/boxes.ts';
import { cleanInit } from '#media/clean-init.ts';
import { retimeInit, retimeMoof } from '#media/retime.ts';

/** A segment with its bytes: one or more moof+mdat pairs whose decode times are on the timeline. */
export type Segment = {
  /** Position in the list of boundaries: 0 is the first segment of this run. */
  readonly position: number;
  readonly data: Buffer;
  /** Decode time of the first sample, and duration, in ticks. */
  readonly start: number;
  readonly duration: number;
  readonly samples: number;
  /** The next one has begun: it is whole whatever becomes of the stream. Of the last one only the end of the run tells. */
  readonly isFollowed: boolean;
};

export type Init = { readonly data: Buffer; readonly timescale: number };

export type CutOptions = {
  /** Where each segment of this run begins, and where the last ends, in seconds on the timeline; first ≤ … ≤ last. */
  readonly boundaries: readonly number[];
  /**
   * exact: a segment must begin on its boundary (video: a keyframe was forced there) ·
   * nearest: at the fragment nearest to it (sound, whose frames do not fall on the grid).
   */
  readonly alignment: 'exact' | 'nearest';
  /** Seconds of the timeline at which FFmpeg's own zero lies: chunks are encoded from zero and moved here. */
  readonly offset: number;
  /** Copied video of a constant rate: its frames are put back on the grid that the source's clock has rounded them off. */
  readonly fps?: Rational;
  /** FFmpeg's number for the fragments is replaced, so that joined runs count on. */
  readonly firstSequence: number;
  readonly onInit: (init: Init) => Promise<void> | void;
  readonly onSegment: (segment: Segment) => Promise<void> | void;
};

type Fragment = { data: Buffer; start: number; duration: number; samples: number };

/** A fragment larger than this is not ours: 1 GiB, far above 10 s of the highest rate. */
const LARGEST_BOX = 2 ** 30;

/**
 * Reads the stream to its end and hands over each segment as soon as it is whole.
 * @throws PlatformError `encode_failed` where FFmpeg's fragments do not fall on the boundaries.
 */
export async function cutFragments(
  stream: Readable,
  options: CutOptions,
): Promise<{ segments: number; samples: number }> {
  const cutter = new Cutter(options);
  for await (const box of topLevelBoxes(stream)) await cutter.take(box);
  return cutter.finish();
}

/** Whole top-level boxes of a byte stream, in order. */
async function* topLevelBoxes(stream: Readable): AsyncGenerator<{ type: string; data: Buffer }> {
  let parts: Buffer[] = [];
  let length = 0;
  let wanted = 8;
  for await (const bytes of stream) {
    parts.push(bytes as Buffer);
    length += (bytes as Buffer).length;
    // Joined only when a whole box is there: joining at every read would copy a big box again and again.
    while (length >= wanted) {
      const data = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
      const head = readBoxHeader(data, 0);
      if (head && (head.size < head.header || head.size > LARGEST_BOX)) {
        throw new PlatformError(
          'encode_failed',
          `FFmpeg wrote a box ${JSON.stringify(head.type)} of ${head.size} bytes`,
        );
      }
      if (!head || data.length < head.size) {
        parts = [data];
        wanted = head ? head.size : 16;
        break;
      }
      yield { type: head.type, data: data.subarray(0, head.size) };
      const rest = data.subarray(head.size);
      parts = rest.length > 0 ? [rest] : [];
      length = rest.length;
      wanted = 8;
    }
  }
  if (length > 0) throw new PlatformError('encode_failed', 'FFmpeg ended in the middle of a fragment');
}

class Cutter {
  readonly #options: CutOptions;
  #initParts: Buffer[] = [];
  #timescale = 0;
  #trackDefaults = { duration: 0, size: 0 };
  /** Ticks of a frame where frames are put back on the grid. */
  #frame: number | null = null;
  #moof: Buffer | null = null;
  #open: Fragment[] = [];
  #position = 0;
  #sequence: number;
  #samples = 0;

  constructor(options: CutOptions) {
    this.#options = options;
    this.#sequence = options.firstSequence;
  }

  async take({ type, data }: { type: string; data: Buffer }): Promise<void> {
    if (type === 'ftyp') this.#initParts.push(data);
    else if (type === 'moov') await this.#takeMoov(data);
    else if (type === 'moof') this.#moof = data;
    else if (type === 'mdat' && this.#moof) {
      await this.#takeFragment(this.#moof, data);
      this.#moof = null;
    }
  }

  async finish(): Promise<{ segments: number; samples: number }> {
    await this.#close(false);
    return { segments: this.#position, samples: this.#samples };
  }

  async #takeMoov(data: Buffer): Promise<void> {
    const moov = cleanInit(data);
    this.#timescale = readTimescale(moov);
    const { fps } = this.#options;
    this.#frame = fps ? (fps.den * this.#timescale) / fps.num : null;
    if (this.#frame !== null) retimeInit(moov, this.#frame);
    this.#initParts.push(moov);
    this.#trackDefaults = readTrackDefaults(data);
    await this.#options.onInit({ data: Buffer.concat(this.#initParts), timescale: this.#timescale });
  }

  async #takeFragment(moof: Buffer, mdat: Buffer): Promise<void> {
    // A copy: the bytes belong to whoever wrote the stream.
    const moved = Buffer.from(moof);
    if (this.#frame !== null) retimeMoof(moved, this.#frame);
    const times = moveFragment(moved, {
      offset: Math.round(this.#options.offset * this.#timescale),
      sequence: this.#sequence++,
      defaultDuration: this.#trackDefaults.duration,
    });
    const fragment = { data: Buffer.concat([moved, mdat]), ...times };
    if (this.#open.length > 0 && this.#beginsSegment(fragment)) await this.#close(true);
    if (this.#open.length === 0) this.#checkStart(fragment);
    this.#open.push(fragment);
  }

  /** Whether the fragment belongs to the segment after the open one. */
  #beginsSegment(fragment: Fragment): boolean {
    const next = this.#options.boundaries[this.#position + 1];
    const isLast = this.#position + 2 >= this.#options.boundaries.length;
    if (next === undefined || isLast) return false;
    const slack = this.#options.alignment === 'exact' ? 0.5 * this.#tick() : fragment.duration / this.#timescale / 2;
    return fragment.start / this.#timescale >= next - slack;
  }

  #checkStart(fragment: Fragment): void {
    if (this.#options.alignment !== 'exact') return;
    const wanted = this.#options.boundaries[this.#position] ?? Number.NaN;
    const start = fragment.start / this.#timescale;
    if (!(Math.abs(start - wanted) <= this.#tick())) {
      throw new PlatformError('encode_failed', `Segment ${this.#position} begins at ${start} s instead of ${wanted} s`);
    }
  }

  /** Two ticks: rates such as 30000/1001 do not divide a millisecond. */
  #tick(): number {
    return 2 / this.#timescale;
  }

  async #close(isFollowed: boolean): Promise<void> {
    const [first] = this.#open;
    if (!first) return;
    const segment: Segment = {
      position: this.#position,
      data: Buffer.concat(this.#open.map((fragment) => fragment.data)),
      start: first.start,
      duration: this.#open.reduce((sum, fragment) => sum + fragment.duration, 0),
      samples: this.#open.reduce((sum, fragment) => sum + fragment.samples, 0),
      isFollowed,
    };
    this.#open = [];
    this.#position += 1;
    this.#samples += segment.samples;
    await this.#options.onSegment(segment);
  }
}

/** ticks/s of the first track (mdhd, §8.4.2). */
function readTimescale(moov: Buffer): number {
  const box = findBox(moov, 'moov/trak/mdia/mdhd');
  if (!box) throw new PlatformError('encode_failed', 'FFmpeg wrote a moov without mdhd');
  return moov.readUInt32BE(box.body + (moov.readUInt8(box.body) === 1 ? 20 : 12));
}

/** Defaults of trex (§8.8.3), which tfhd may override. */
function readTrackDefaults(moov: Buffer): { duration: number; size: number } {
  const box = findBox(moov, 'moov/mvex/trex');
  return box
    ? { duration: moov.readUInt32BE(box.body + 12), size: moov.readUInt32BE(box.body + 16) }
    : { duration: 0, size: 0 };
}

type Move = { readonly offset: number; readonly sequence: number; readonly defaultDuration: number };

/** Moves a moof in time in place (tfdt, §8.8.12; mfhd, §8.8.5) and tells its start, duration (ticks) and samples. */
function moveFragment(
  moof: Buffer,
  { offset, sequence, defaultDuration }: Move,
): { start: number; duration: number; samples: number } {
  const mfhd = findBox(moof, 'moof/mfhd');
  const traf = findBox(moof, 'moof/traf');
  const tfdt = traf && findBox(moof, 'tfdt', traf);
  const tfhd = traf && findBox(moof, 'tfhd', traf);
  if (!mfhd || !traf || !tfdt || !tfhd)
    throw new PlatformError('encode_failed', 'FFmpeg wrote a moof without its track');
  moof.writeUInt32BE(sequence, mfhd.body + 4);
  const start = moveTfdt(moof, tfdt, offset);
  const sampleDuration = readTfhdDuration(moof, tfhd) ?? defaultDuration;
  let duration = 0;
  let samples = 0;
  for (const box of boxesIn(moof, traf.body, traf.end)) {
    if (box.type !== 'trun') continue;
    const run = readTrun(moof, box, sampleDuration);
    duration += run.duration;
    samples += run.samples;
  }
  return { start, duration, samples };
}

function moveTfdt(moof: Buffer, tfdt: Box, offset: number): number {
  const wide = moof.readUInt8(tfdt.body) === 1;
  const at = tfdt.body + 4;
  const start = (wide ? Number(moof.readBigUInt64BE(at)) : moof.readUInt32BE(at)) + offset;
  if (wide) moof.writeBigUInt64BE(BigInt(start), at);
  else moof.writeUInt32BE(start, at);
  return start;
}

/** default-sample-duration of tfhd (§8.8.7): flag 0x08, after the optional base-data-offset (0x01) and description index (0x02). */
function readTfhdDuration(moof: Buffer, tfhd: Box): number | null {
  const flags = moof.readUIntBE(tfhd.body + 1, 3);
  if (!(flags & 0x08)) return null;
  return moof.readUInt32BE(tfhd.body + 8 + (flags & 0x01 ? 8 : 0) + (flags & 0x02 ? 4 : 0));
}

/** Samples and their duration of one trun (§8.8.8). */
function readTrun(moof: Buffer, trun: Box, defaultDuration: number): { duration: number; samples: number } {
  const flags = moof.readUIntBE(trun.body + 1, 3);
  const samples = moof.readUInt32BE(trun.body + 4);
  if (!(flags & 0x100)) return { samples, duration: samples * defaultDuration };
  const fields = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length;
  let at = trun.body + 8 + (flags & 0x01 ? 4 : 0) + (flags & 0x04 ? 4 : 0);
  let duration = 0;
  for (let i = 0; i < samples; i++, at += 4 * fields) duration += moof.readUInt32BE(at);
  return { samples, duration };
}
