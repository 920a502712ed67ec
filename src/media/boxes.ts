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

/** Boxes that hold boxes, in every place where an index has some; behind so many bytes of their own. */
const HOLDERS: Readonly<Record<string, readonly number[]>> = {
  ...{ moov: [0], trak: [0], mdia: [0], minf: [0], dinf: [0], stbl: [0], edts: [0], udta: [0], ilst: [0], mvex: [0] },
  ...{ moof: [0], traf: [0], mfra: [0], wave: [0] },
  // Apple's has no version, everybody else's has.
  meta: [0, 4],
  stsd: [8],
  dref: [8],
};
/** Behind the fields of a sample entry: of sound, in its three versions, and of pictures. */
const ENTRY_FIELDS = [28, 44, 64, 78];

/** Every box between two offsets, and all that lie in them. */
export function* everyBox(data: Buffer, start: number, end: number): Generator<Box> {
  const open: (readonly [start: number, end: number, parent: string])[] = [[start, end, '']];
  for (let next = open.pop(); next; next = open.pop())
    for (const box of boxesIn(data, next[0], next[1])) {
      yield box;
      const own = next[2] === 'stsd' ? ENTRY_FIELDS : HOLDERS[box.type];
      for (const fields of own ?? []) open.push([box.body + fields, box.end, box.type]);
    }
}

/** Whether an index has more boxes than `most`: whoever walks through all of them one by one would not come to an end soon. */
export function hasMoreBoxes(data: Buffer, most: number): boolean {
  let count = 0;
  for (const _box of everyBox(data, 0, data.length)) {
    count += 1;
    if (count > most) return true;
  }
  return false;
}

/** Follows a path of box types (`moov/trak/mdia/mdhd`) to its first match. */
export function findBox(data: Buffer, path: string, within?: Box): Box | null {
  let found: Box | null = within ?? null;
  for (const type of path.split('/')) {
    const start: number = found ? found.body : 0;
    const end: number = found ? found.end : data.length;
    // One after another: a list of all boxes of a hostile file takes gigabytes.
    found = boxesIn(data, start, end).find((box) => box.type === type) ?? null;
    if (!found) return null;
  }
  return found;
}
