// Makes bitmap subtitles as Blu-rays have them (PGS): a white block low in the middle, shown for the time of each cue. Used by decoration.test.ts.

export type Cue = { readonly /** seconds */ from: number; readonly to: number };
type Film = { readonly width: number; readonly height: number; readonly cues: readonly Cue[] };

/** A .sup file: for each cue a display set that shows the block, and one that clears it. */
export function makeSup({ width, height, cues }: Film): Buffer {
  const box = { width: width / 4, height: Math.round(height / 10), x: (width * 3) / 8, y: Math.round(height * 0.85) };
  return Buffer.concat(
    cues.flatMap(({ from, to }, i) => [
      composition({ at: from, width, height, number: 2 * i, box }),
      segment(0x17, from, window(box)),
      // Palette: entry 1 is white and opaque.
      segment(0x14, from, Buffer.from([0, 0, 1, 235, 128, 128, 255])),
      segment(0x15, from, object(box)),
      segment(0x80, from, Buffer.alloc(0)),
      composition({ at: to, width, height, number: 2 * i + 1, box: null }),
      segment(0x17, to, window(box)),
      segment(0x80, to, Buffer.alloc(0)),
    ]),
  );
}

type Box = { readonly width: number; readonly height: number; readonly x: number; readonly y: number };

function segment(type: number, at: number, body: Buffer): Buffer {
  const head = Buffer.alloc(13);
  head.write('PG', 0, 'latin1');
  head.writeUInt32BE(Math.round(at * 90_000), 2);
  head.writeUInt8(type, 10);
  head.writeUInt16BE(body.length, 11);
  return Buffer.concat([head, body]);
}

type Composition = {
  readonly at: number;
  readonly width: number;
  readonly height: number;
  readonly number: number;
  readonly box: Box | null;
};

function composition({ at, width, height, number, box }: Composition): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt16BE(width, 0);
  head.writeUInt16BE(height, 2);
  head.writeUInt8(0x10, 4);
  head.writeUInt16BE(number, 5);
  // Epoch start where something is shown, normal where it is cleared.
  head.writeUInt8(box ? 0x80 : 0, 7);
  head.writeUInt8(box ? 1 : 0, 10);
  if (!box) return segment(0x16, at, head);
  const place = Buffer.alloc(8);
  place.writeUInt16BE(box.x, 4);
  place.writeUInt16BE(box.y, 6);
  return segment(0x16, at, Buffer.concat([head, place]));
}

function window({ x, y, width, height }: Box): Buffer {
  const body = Buffer.alloc(10);
  body.writeUInt8(1, 0);
  for (const [i, value] of [x, y, width, height].entries()) body.writeUInt16BE(value, 2 + 2 * i);
  return body;
}

/** Run lengths: each line is `00 4L LL 01` (so many pixels of colour 1) and `00 00`, its end. */
function object({ width, height }: Box): Buffer {
  const line = Buffer.from([0, 0xc0 | (width >> 8), width & 0xff, 1, 0, 0]);
  const data = Buffer.concat(Array.from({ length: height }, () => line));
  const head = Buffer.alloc(11);
  head.writeUInt8(0xc0, 3);
  head.writeUIntBE(data.length + 4, 4, 3);
  head.writeUInt16BE(width, 7);
  head.writeUInt16BE(height, 9);
  return Buffer.concat([head, data]);
}
