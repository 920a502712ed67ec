// Takes out of an encoded track's moov what FFmpeg carried over from the source and what is no longer true. Used by fragments.ts.
import { type Box, boxesIn, findBox } from '#media/boxes.ts';

/** Unity (ISO/IEC 14496-12 §6.2.2): 16.16 fixed point, the third column 2.30. */
const UNITY = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];
/** HDR mastering and Dolby Vision configuration beside a picture that is SDR now. */
const HDR_BOXES = new Set(['mdcv', 'clli', 'SmDm', 'CoLL', 'dvcC', 'dvvC', 'dvwC']);
/** Fixed fields of a visual sample entry before its boxes (§12.1.3). */
const VISUAL_ENTRY = 78;

/**
 * A copy of a moov whose picture is upright SDR. FFmpeg copies the source stream's side data to every track encoded from it: with
 * -noautorotate the display matrix too, and players would turn a second time what the filters have turned.
 */
export function cleanInit(moov: Buffer): Buffer {
  const cleaned = Buffer.from(moov);
  const track = findBox(cleaned, 'moov/trak');
  const header = track && findBox(cleaned, 'tkhd', track);
  if (header) writeUnity(cleaned, header);
  const entries = track && findBox(cleaned, 'mdia/minf/stbl/stsd', track);
  if (entries && findBox(cleaned, 'mdia/minf/vmhd', track)) {
    for (const entry of boxesIn(cleaned, entries.body + 8, entries.end)) freeHdrBoxes(cleaned, entry);
  }
  return cleaned;
}

function writeUnity(moov: Buffer, tkhd: Box): void {
  const matrix = tkhd.body + (moov.readUInt8(tkhd.body) === 1 ? 52 : 40);
  UNITY.forEach((value, i) => {
    moov.writeInt32BE(value, matrix + 4 * i);
  });
}

/** Taken out by another name: a box that is cut away would move everything after it. */
function freeHdrBoxes(moov: Buffer, entry: Box): void {
  for (const box of boxesIn(moov, entry.body + VISUAL_ENTRY, entry.end)) {
    if (HDR_BOXES.has(box.type)) moov.write('free', box.start + 4, 'latin1');
  }
}
