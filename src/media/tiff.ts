// A plain TIFF around raw pixels: the one way to hand them to the image library together with a colour profile. Pure; used by heic-worker.ts.

export type RawPicture = {
  readonly width: number;
  readonly height: number;
  /** red, green, blue; a fourth is alpha that the colours are not multiplied by */
  readonly channels: 3 | 4;
  readonly bits: 8 | 16;
  readonly profile: Uint8Array | null;
};

const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;
/** The library reads a strip at once. */
const STRIP_ROWS = 64;

type Field = { readonly tag: number; readonly type: number; readonly values: readonly number[] | Uint8Array };

/** Everything before the pixels, which follow it row by row without gaps (TIFF 6.0, little endian, uncompressed strips). */
export function tiffHeader({ width, height, channels, bits, profile }: RawPicture): Buffer {
  const row = (width * channels * bits) / 8;
  const strips = Array.from({ length: Math.ceil(height / STRIP_ROWS) }, (_, i) => i * STRIP_ROWS);
  const fields = (pixels: number): Field[] => [
    { tag: 256, type: LONG, values: [width] },
    { tag: 257, type: LONG, values: [height] },
    { tag: 258, type: SHORT, values: Array<number>(channels).fill(bits) },
    { tag: 259, type: SHORT, values: [1] },
    { tag: 262, type: SHORT, values: [2] },
    { tag: 273, type: LONG, values: strips.map((first) => pixels + first * row) },
    { tag: 277, type: SHORT, values: [channels] },
    { tag: 278, type: LONG, values: [STRIP_ROWS] },
    { tag: 279, type: LONG, values: strips.map((first) => Math.min(STRIP_ROWS, height - first) * row) },
    { tag: 284, type: SHORT, values: [1] },
    ...(channels === 4 ? [{ tag: 338, type: SHORT, values: [2] }] : []),
    ...(profile ? [{ tag: 34_675, type: UNDEFINED, values: profile }] : []),
  ];
  // Its own length is in it: it does not depend on the numbers.
  return lay(fields(lay(fields(0)).length));
}

const SIZES: Readonly<Record<number, 1 | 2 | 4>> = { [SHORT]: 2, [LONG]: 4, [UNDEFINED]: 1 };

function lay(fields: readonly Field[]): Buffer {
  const directory = Buffer.alloc(8 + 2 + fields.length * 12 + 4);
  directory.write('II*\0', 'latin1');
  directory.writeUInt32LE(8, 4);
  directory.writeUInt16LE(fields.length, 8);
  const parts: Buffer[] = [directory];
  let end = directory.length;
  fields.forEach(({ tag, type, values }, i) => {
    const at = 10 + i * 12;
    const bytes = pack(type, values);
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(values.length, at + 4);
    if (bytes.length <= 4) {
      bytes.copy(directory, at + 8);
    } else {
      directory.writeUInt32LE(end, at + 8);
      parts.push(bytes);
      end += bytes.length;
    }
  });
  return Buffer.concat(parts);
}

/** Padded to eight bytes where it is long, so that 16-bit samples behind it lie even. */
function pack(type: number, values: readonly number[] | Uint8Array): Buffer {
  const size = SIZES[type] ?? 1;
  const bytes = Buffer.alloc(values.length * size);
  values.forEach((value, i) => {
    bytes.writeUIntLE(value, i * size, size);
  });
  return bytes.length <= 4 ? bytes : Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);
}
