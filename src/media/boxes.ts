// ISO BMFF boxes, as far as packaging needs them (ISO/IEC 14496-12 §4.2). Used by fragments.ts and codec-string.ts.

export type Box = {
  readonly type: string;
  /** Offset of the box and of its payload in the buffer. */
  readonly start: number;
  readonly body: number;
  readonly end: number;
};

const HEADER = 8;
const LARGE_HEADER = 16;

/** Size and type of the box that begins at `offset`, or null while the header is not all there. */
export function readBoxHeader(data: Buffer, offset: number): { type: string; size: number; header: number } | null {
  if (data.length < offset + HEADER) return null;
  const size = data.readUInt32BE(offset);
  const type = data.toString('latin1', offset + 4, offset + 8);
  if (size !== 1) return { type, size, header: HEADER };
  if (data.length < offset + LARGE_HEADER) return null;
  return { type, size: Number(data.readBigUInt64BE(offset + 8)), header: LARGE_HEADER };
}

/** The boxes between two offsets; stops at the first that does not fit. */
export function* boxesIn(data: Buffer, start: number, end: number): Generator<Box> {
  let offset = start;
  while (offset < end) {
    const head = readBoxHeader(data, offset);
    if (!head || head.size < head.header || offset + head.size > end) return;
    yield { type: head.type, start: offset, body: offset + head.header, end: offset + head.size };
    offset += head.size;
  }
}

/** Follows a path of box types (`moov/trak/mdia/mdhd`) to its first match. */
export function findBox(data: Buffer, path: string, within?: Box): Box | null {
  let found: Box | null = within ?? null;
  for (const type of path.split('/')) {
    const start: number = found ? found.body : 0;
    const end: number = found ? found.end : data.length;
    found = [...boxesIn(data, start, end)].find((box) => box.type === type) ?? null;
    if (!found) return null;
  }
  return found;
}
