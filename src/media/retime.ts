// Puts copied frames back on the grid: containers that count milliseconds (Matroska) round the time of every frame. Used by fragments.ts.
import { type Box, boxesIn, findBox } from '#media/boxes.ts';

/** tfhd and trun flags (ISO/IEC 14496-12 §8.8.7, §8.8.8). */
const BASE_DATA_OFFSET = 0x01;
const DESCRIPTION_INDEX = 0x02;
const DEFAULT_DURATION = 0x08;
const DATA_OFFSET = 0x01;
const FIRST_SAMPLE_FLAGS = 0x04;
const SAMPLE_DURATION = 0x100;
const SAMPLE_SIZE = 0x200;
const SAMPLE_FLAGS = 0x400;
const COMPOSITION_OFFSET = 0x800;

/**
 * Rounds every time of a moof to whole frames, in place: its start, and the composition offset of each sample; each lasts one frame.
 * @param frame ticks of a frame, a whole number
 */
export function retimeMoof(moof: Buffer, frame: number): void {
  const traf = findBox(moof, 'moof/traf');
  if (!traf) return;
  for (const box of boxesIn(moof, traf.body, traf.end)) {
    if (box.type === 'tfdt') retimeStart(moof, box, frame);
    else if (box.type === 'tfhd') retimeDefault(moof, box, frame);
    else if (box.type === 'trun') retimeRun(moof, box, frame);
  }
}

/** Rounds the delay of the picture that stands in a moov's edit list (§8.6.6), in place. */
export function retimeInit(moov: Buffer, frame: number): void {
  const list = findBox(moov, 'moov/trak/edts/elst');
  if (!list) return;
  const wide = moov.readUInt8(list.body) === 1;
  const count = moov.readUInt32BE(list.body + 4);
  for (let i = 0, at = list.body + 8; i < count; i++, at += wide ? 20 : 12) {
    const time = wide ? Number(moov.readBigInt64BE(at + 8)) : moov.readInt32BE(at + 4);
    // -1 is a pause before the picture, not a place in it.
    if (time < 0) continue;
    if (wide) moov.writeBigInt64BE(BigInt(whole(time, frame)), at + 8);
    else moov.writeInt32BE(whole(time, frame), at + 4);
  }
}

const whole = (ticks: number, frame: number): number => Math.round(ticks / frame) * frame;

function retimeStart(moof: Buffer, { body }: Box, frame: number): void {
  if (moof.readUInt8(body) === 1) {
    moof.writeBigUInt64BE(BigInt(whole(Number(moof.readBigUInt64BE(body + 4)), frame)), body + 4);
  } else moof.writeUInt32BE(whole(moof.readUInt32BE(body + 4), frame), body + 4);
}

function retimeDefault(moof: Buffer, { body }: Box, frame: number): void {
  const flags = moof.readUIntBE(body + 1, 3);
  const at = body + 8 + (flags & BASE_DATA_OFFSET ? 8 : 0) + (flags & DESCRIPTION_INDEX ? 4 : 0);
  if (flags & DEFAULT_DURATION) moof.writeUInt32BE(frame, at);
}

function retimeRun(moof: Buffer, { body }: Box, frame: number): void {
  const flags = moof.readUIntBE(body + 1, 3);
  const samples = moof.readUInt32BE(body + 4);
  let at = body + 8 + (flags & DATA_OFFSET ? 4 : 0) + (flags & FIRST_SAMPLE_FLAGS ? 4 : 0);
  for (let i = 0; i < samples; i++) {
    if (flags & SAMPLE_DURATION) {
      moof.writeUInt32BE(frame, at);
      at += 4;
    }
    at += (flags & SAMPLE_SIZE ? 4 : 0) + (flags & SAMPLE_FLAGS ? 4 : 0);
    if (flags & COMPOSITION_OFFSET) {
      // Signed in version 1; version 0 never reaches the sign bit.
      moof.writeInt32BE(whole(moof.readInt32BE(at), frame), at);
      at += 4;
    }
  }
}
