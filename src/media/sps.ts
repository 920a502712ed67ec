// Size and RFC 6381 name of a picture out of its sequence parameter set (H.264 §7.3.2.1, H.265 §7.3.2.2). Pure; used by transport-stream.ts.
import type { PictureFacts } from '#media/transport-stream.ts';

const NOTHING: PictureFacts = { codec: '', width: null, height: null };

/** @param stream bytes with start codes that hold an SPS */
export function readSps(stream: Buffer, codec: 'h264' | 'hevc' | null): PictureFacts {
  if (codec === null) return NOTHING;
  const unit = findUnit(stream, (header) => (codec === 'h264' ? (header & 0x1f) === 7 : ((header >> 1) & 0x3f) === 33));
  if (!unit || unit.length < 16) return NOTHING;
  return codec === 'h264' ? readAvc(unit) : readHevc(unit);
}

/** The first unit of a kind, its emulation prevention bytes taken out. */
function findUnit(stream: Buffer, isWanted: (header: number) => boolean): Buffer | null {
  for (let at = stream.indexOf('000001', 0, 'hex'); at >= 0; at = stream.indexOf('000001', at + 3, 'hex')) {
    if (!isWanted(stream[at + 3] ?? 0)) continue;
    const next = stream.indexOf('000001', at + 3, 'hex');
    const unit = stream.subarray(at + 3, next < 0 ? stream.length : next);
    const bytes: number[] = [];
    let zeros = 0;
    for (const byte of unit) {
      const isEmulation = zeros >= 2 && byte === 3;
      zeros = byte === 0 ? zeros + 1 : 0;
      if (!isEmulation) bytes.push(byte);
    }
    return Buffer.from(bytes);
  }
  return null;
}

class Bits {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#at = start * 8;
  }

  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++)
      value = value * 2 + (((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    return value;
  }

  /** Exponential Golomb (§9.1). */
  golomb(): number {
    let zeros = 0;
    while (zeros < 32 && this.#at < this.#bytes.length * 8 && this.read(1) === 0) zeros += 1;
    return 2 ** zeros - 1 + this.read(zeros);
  }

  signed(): number {
    const code = this.golomb();
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
  }
}

const HIGH_PROFILES: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

function readAvc(unit: Buffer): PictureFacts {
  const codec = `avc1.${unit.toString('hex', 1, 4)}`;
  const bits = new Bits(unit, 4);
  bits.golomb();
  let chroma = 1;
  if (HIGH_PROFILES.has(unit.readUInt8(1))) {
    chroma = bits.golomb();
    if (chroma === 3) bits.read(1);
    bits.golomb();
    bits.golomb();
    bits.read(1);
    if (bits.read(1) === 1) skipScaling(bits, chroma);
  }
  bits.golomb();
  const order = bits.golomb();
  if (order === 0) bits.golomb();
  else if (order === 1) {
    bits.read(1);
    bits.signed();
    bits.signed();
    for (let i = bits.golomb(); i > 0; i--) bits.signed();
  }
  bits.golomb();
  bits.read(1);
  const width = (bits.golomb() + 1) * 16;
  const rows = bits.golomb() + 1;
  const frames = bits.read(1);
  if (frames === 0) bits.read(1);
  bits.read(1);
  const height = rows * 16 * (2 - frames);
  if (bits.read(1) === 0) return { codec, width, height };
  const [left, right, top, bottom] = [bits.golomb(), bits.golomb(), bits.golomb(), bits.golomb()];
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = (chroma === 1 ? 2 : 1) * (2 - frames);
  return { codec, width: width - (left + right) * unitX, height: height - (top + bottom) * unitY };
}

function skipScaling(bits: Bits, chroma: number): void {
  for (let list = 0; list < (chroma === 3 ? 12 : 8); list++) {
    if (bits.read(1) === 0) continue;
    let last = 8;
    let next = 8;
    for (let i = 0; i < (list < 6 ? 16 : 64); i++) {
      if (next !== 0) next = (last + bits.signed() + 256) % 256;
      last = next === 0 ? last : next;
    }
  }
}

/** ISO/IEC 14496-15 annex E.3 writes the name. */
function readHevc(unit: Buffer): PictureFacts {
  const layers = (unit.readUInt8(2) >> 1) & 7;
  const first = unit.readUInt8(3);
  const space = ['', 'A', 'B', 'C'][first >> 6] ?? '';
  let compatibility = 0;
  for (let bit = 0, flags = unit.readUInt32BE(4); bit < 32; bit++)
    if ((flags >>> bit) & 1) compatibility |= 1 << (31 - bit);
  const constraints = [...unit.subarray(8, 14)];
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  const codec = [
    `hvc1.${space}${first & 0x1f}`,
    (compatibility >>> 0).toString(16).toUpperCase(),
    `${first & 0x20 ? 'H' : 'L'}${unit.readUInt8(14)}`,
    ...constraints.map((value) => value.toString(16).toUpperCase()),
  ].join('.');
  // Sizes follow the profiles of sub-layers, which live encoders do not write.
  if (layers !== 0) return { codec, width: null, height: null };
  const bits = new Bits(unit, 15);
  bits.golomb();
  const chroma = bits.golomb();
  if (chroma === 3) bits.read(1);
  const [width, height] = [bits.golomb(), bits.golomb()];
  if (bits.read(1) === 0) return { codec, width, height };
  const [left, right, top, bottom] = [bits.golomb(), bits.golomb(), bits.golomb(), bits.golomb()];
  const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
  const unitY = chroma === 1 ? 2 : 1;
  return { codec, width: width - (left + right) * unitX, height: height - (top + bottom) * unitY };
}
