// Tells a film of JPEGs, one behind the other, from one JPEG with something behind it. Used by probe.ts.
import type { SourceBytes } from '#media/source-bytes.ts';

/** Pictures of one size that make a film: a camera puts one more, smaller, behind a photo. */
const PICTURES = 3;
/** Bytes that are searched for them. */
const SEARCHED = 16 * 1024 * 1024;
const WINDOW = 1024 * 1024;
/** An end of image and the next beginning (ITU-T T.81, table B.1). */
const SEAM = Buffer.from('ffd9ffd8ff', 'hex');

/** @param bytes of a file that begins as a JPEG */
export async function isMotionJpeg(bytes: SourceBytes): Promise<boolean> {
  const size = frameSize(await bytes.read(0, WINDOW));
  if (size === null) return false;
  let found = 1;
  for (let start = 0; start < Math.min(bytes.size, SEARCHED); start += WINDOW) {
    const window = await bytes.read(start, WINDOW + SEAM.length);
    for (let at = window.indexOf(SEAM); at !== -1 && at < WINDOW; at = window.indexOf(SEAM, at + 1)) {
      if (frameSize(await bytes.read(start + at + 2, WINDOW)) !== size) return false;
      if (++found === PICTURES) return true;
    }
  }
  return false;
}

/** `640x480` of the JPEG that begins there; null where its header is none, or not whole. */
function frameSize(jpeg: Buffer): string | null {
  for (let at = 2; at + 9 <= jpeg.length && jpeg[at] === 0xff; ) {
    const marker = jpeg.readUInt8(at + 1);
    // Several pictures in one file on purpose (CIPA DC-007): the first is the photo.
    if (marker === 0xe2 && jpeg.toString('latin1', at + 4, at + 8) === 'MPF\0') return null;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return `${jpeg.readUInt16BE(at + 7)}x${jpeg.readUInt16BE(at + 5)}`;
    at += 2 + jpeg.readUInt16BE(at + 2);
  }
  return null;
}
