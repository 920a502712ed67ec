// Writes HEIC pictures: HEVC stills of FFmpeg's libx265 laid into a HEIF by hand (ISO/IEC 23008-12). Used by still-heic.test.ts.
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { findBox } from '#media/boxes.ts';

const run = promisify(execFile);

export type Coded = { readonly width: number; readonly height: number; readonly config: Buffer; readonly data: Buffer };

export type HeicItem = Coded & {
  /** Beside the decoder's configuration and the size; transformations act in this order. */
  readonly properties?: readonly Buffer[];
  /** Which of the items (from 0) this one is the alpha of. */
  readonly alphaOf?: number;
  /** The size it claims, where that is not its own. */
  readonly claims?: readonly [width: number, height: number];
};

export type Heic = {
  readonly items: readonly HeicItem[];
  /** from 0 */
  readonly primary?: number;
  /** Written as EXIF of the primary item. */
  readonly exifOrientation?: number;
  /** A whole EXIF block, from its byte order on, instead. */
  readonly exif?: Buffer;
  readonly premultiplied?: boolean;
};

/** One picture as HEVC, full range, BT.601. @param picture a file that FFmpeg reads */
export async function encodeHevc(picture: string, pixelFormat: string, filter = 'null'): Promise<Coded> {
  const target = `${picture}.mp4`;
  await run('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-y', '-i', picture, '-frames:v', '1'],
    ...['-vf', `${filter},scale=out_color_matrix=bt601:out_range=pc:flags=accurate_rnd,format=${pixelFormat}`],
    ...['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:crf=4:ctu=16:pools=1'],
    ...['-color_range', 'pc', '-tag:v', 'hvc1', '-f', 'mp4', target],
  ]);
  const file = await readFile(target);
  await rm(target);
  const media = findBox(file, 'mdat');
  const at = file.indexOf('hvcC') - 4;
  const size = file.indexOf('hvc1', file.indexOf('stsd')) + 28;
  if (!media || at < 0) throw new Error('FFmpeg wrote no HEVC.');
  return {
    width: file.readUInt16BE(size),
    height: file.readUInt16BE(size + 2),
    config: file.subarray(at, at + file.readUInt32BE(at)),
    data: file.subarray(media.body, media.end),
  };
}

const u8 = (...values: number[]) => Buffer.from(values);
const u16 = (...values: number[]) => Buffer.concat(values.map((value) => u8((value >> 8) & 255, value & 255)));
const u32 = (...values: number[]) =>
  Buffer.concat(values.map((value) => Buffer.from((value >>> 0).toString(16).padStart(8, '0'), 'hex')));
const text = (value: string) => Buffer.from(value, 'latin1');
const box = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), text(type), body]);
};
const full = (type: string, version: number, ...parts: Buffer[]) => box(type, u8(version, 0, 0, 0), ...parts);

/** Quarter turns against the clock. */
export const irot = (turns: number) => box('irot', u8(turns));
/** 0: top and bottom change places; 1: left and right (the first edition had it the other way round). */
export const imir = (axis: 0 | 1) => box('imir', u8(axis));
/** Cuts to this size around the middle, moved by `right` and `down` halves of a pixel. */
export const clap = (width: number, height: number, [right, down]: readonly [number, number]) =>
  box('clap', u32(width, 1, height, 1, right, 2, down, 2));
export const nclx = (primaries: number, transfer: number) =>
  box('colr', text('nclx'), u16(primaries, transfer, 6), u8(0x80));
export const profile = (icc: Buffer) => box('colr', text('prof'), icc);
const alphaType = () => full('auxC', 0, text('urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0'));

export async function writeHeic(path: string, heic: Heic): Promise<string> {
  const head = box('ftyp', text('heic'), u32(0), text('mif1heic'));
  const empty = meta(heic, 0);
  const payloads = [...heic.items.map(({ data }) => data), ...exifOf(heic)];
  await writeFile(path, Buffer.concat([head, meta(heic, head.length + empty.length + 8), box('mdat', ...payloads)]));
  return path;
}

/** @param media where in the file the first payload begins */
function meta(heic: Heic, media: number): Buffer {
  const { items, primary = 0 } = heic;
  const exif = exifOf(heic);
  const payloads = [...items.map(({ data }) => data), ...exif];
  const ids = payloads.map((_, i) => i + 1);
  let at = media;
  const places = payloads.map(({ length }, i) => {
    at += length;
    return Buffer.concat([u16(i + 1, 0, 1), u32(at - length, length)]);
  });
  const types = ids.map((id) => full('infe', 2, u16(id, 0), text(id > items.length ? 'Exif' : 'hvc1'), u8(0)));
  const auxiliary = items.flatMap(({ alphaOf }, i) => {
    if (alphaOf === undefined) return [];
    const premultiplied = heic.premultiplied ? [box('prem', u16(alphaOf + 1, 1, i + 1))] : [];
    return [box('auxl', u16(i + 1, 1, alphaOf + 1)), ...premultiplied];
  });
  const references = [...auxiliary, ...exif.map(() => box('cdsc', u16(items.length + 1, 1, primary + 1)))];
  const properties = items.map(({ config, width, height, claims, properties: more = [], alphaOf }) => [
    config,
    full('ispe', 0, u32(...(claims ?? [width, height]))),
    ...(alphaOf === undefined ? [] : [alphaType()]),
    ...more,
  ]);
  let index = 0;
  const associations = properties.map((list, i) =>
    Buffer.concat([u16(i + 1), u8(list.length, ...list.map(() => 0x80 | ++index))]),
  );
  return full(
    'meta',
    0,
    full('hdlr', 0, u32(0), text('pict'), u32(0, 0, 0), u8(0)),
    full('pitm', 0, u16(primary + 1)),
    full('iloc', 0, u8(0x44, 0), u16(payloads.length), ...places),
    full('iinf', 0, u16(payloads.length), ...types),
    ...(references.length > 0 ? [full('iref', 0, ...references)] : []),
    box('iprp', box('ipco', ...properties.flat()), full('ipma', 0, u32(items.length), ...associations)),
  );
}

/** A TIFF of one entry, after the offset at which it begins. */
function exifOf({ exifOrientation, exif }: Heic): Buffer[] {
  if (exif !== undefined) return [Buffer.concat([u32(0), exif])];
  if (exifOrientation === undefined) return [];
  return [
    Buffer.concat([u32(0), text('MM\0*'), u32(8), u16(1), u16(0x112, 3), u32(1), u16(exifOrientation, 0), u32(0)]),
  ];
}
