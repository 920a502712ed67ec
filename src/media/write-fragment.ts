// Writes CMAF fragments (moof and mdat) from packets as they are: exact ticks, and a size that is known beforehand. Pure; used by original.ts.
import { findBox } from '#media/boxes.ts';

export type Sample = {
  readonly data: Uint8Array;
  readonly isKey: boolean;
  /** Ticks. */
  readonly duration: number;
  /** Ticks from decoding to showing; of sound 0. */
  readonly offset: number;
};

export type FragmentOptions = {
  readonly kind: 'video' | 'audio';
  readonly sequence: number;
  /** Decode time of the first sample, ticks. */
  readonly start: number;
  readonly samples: readonly Sample[];
};

/** ISO/IEC 14496-12 §8.8.7: default-base-is-moof, default duration, default flags. */
const TFHD_FLAGS = 0x020028;
/** §8.8.8: data offset and sizes; of sound durations, of pictures flags and composition offsets, and durations where they differ. */
const TRUN_AUDIO = 0x000301;
const TRUN_VIDEO = 0x000e01;
const TRUN_DURATIONS = 0x000100;
/** §8.8.3.1: depends on others, is no sync sample · depends on none. */
const DELTA = 0x01010000;
const KEY = 0x02000000;
const TRACK_ID = 1;

const HEADER = 8;
const MFHD = 16;
const TFHD = 24;
const TFDT = 20;
const TRUN = 20;
/** Of pictures whether not all last the same; of sound false. */
type Shape = Pick<FragmentOptions, 'kind'> & { readonly count: number; readonly varies: boolean };

const perSample = ({ kind, varies }: Shape): number => (kind === 'audio' ? 8 : varies ? 16 : 12);
const moofSize = (shape: Shape): number => HEADER + MFHD + HEADER + TFHD + TFDT + TRUN + shape.count * perSample(shape);

/** Bytes of a fragment of such samples with so many bytes of data. */
export const fragmentSize = (shape: Shape, bytes: number): number => moofSize(shape) + HEADER + bytes;

export function writeFragment({ kind, sequence, start, samples }: FragmentOptions): Buffer {
  const varies = kind === 'video' && samples.some(({ duration }) => duration !== samples[0]?.duration);
  const shape = { kind, count: samples.length, varies };
  const moof = moofSize(shape);
  const bytes = samples.reduce((sum, { data }) => sum + data.length, 0);
  const fragment = Buffer.allocUnsafe(moof + HEADER + bytes);
  let at = 0;
  const word = (value: number) => {
    at = fragment.writeUInt32BE(value, at);
  };
  const box = (size: number, type: string) => {
    word(size);
    at += fragment.write(type, at, 'latin1');
  };
  box(moof, 'moof');
  box(MFHD, 'mfhd');
  word(0);
  word(sequence);
  box(moof - HEADER - MFHD, 'traf');
  box(TFHD, 'tfhd');
  word(TFHD_FLAGS);
  word(TRACK_ID);
  word(samples[0]?.duration ?? 0);
  word(kind === 'video' ? DELTA : KEY);
  box(TFDT, 'tfdt');
  word(0x01000000);
  at = fragment.writeBigUInt64BE(BigInt(start), at);
  box(TRUN + samples.length * perSample(shape), 'trun');
  // Version 1: composition offsets are signed.
  word(kind === 'video' ? 0x01000000 + TRUN_VIDEO + (varies ? TRUN_DURATIONS : 0) : TRUN_AUDIO);
  word(samples.length);
  word(moof + HEADER);
  for (const { data, duration, isKey, offset } of samples) {
    if (kind === 'audio' || varies) word(duration);
    word(data.length);
    if (kind === 'audio') continue;
    word(isKey ? KEY : DELTA);
    at = fragment.writeInt32BE(offset, at);
  }
  box(HEADER + bytes, 'mdat');
  for (const { data } of samples) {
    fragment.set(data, at);
    at += data.length;
  }
  return fragment;
}

/** An init segment whose track is shown from `time` ticks on (edit list, §8.6.6); its one track has no edit yet. */
export function insertEdit(init: Buffer, time: number): Buffer {
  const [moov, track, header] = ['moov', 'moov/trak', 'moov/trak/tkhd'].map((path) => findBox(init, path));
  if (!moov || !track || !header) return init;
  const edit = Buffer.alloc(36);
  edit.writeUInt32BE(36, 0);
  edit.write('edts', 4, 'latin1');
  edit.writeUInt32BE(28, 8);
  edit.write('elst', 12, 'latin1');
  edit.writeUInt32BE(1, 20);
  // A duration of 0 goes to the end of all fragments.
  edit.writeInt32BE(time, 28);
  edit.writeUInt32BE(0x10000, 32);
  const edited = Buffer.concat([init.subarray(0, header.end), edit, init.subarray(header.end)]);
  for (const { start } of [moov, track]) edited.writeUInt32BE(edited.readUInt32BE(start) + edit.length, start);
  return edited;
}
