// RFC 6381 codec strings out of an init segment, for CODECS in playlists and manifests. Used by the task executors.
import type { VideoRendition } from '#domain/plan.ts';
import type { Rational } from '#domain/source-facts.ts';
import { type Box, boxesIn, findBox } from '#media/boxes.ts';

const hex = (value: number, digits = 2): string => value.toString(16).padStart(digits, '0');

/** Sample entries are fixed fields before their child boxes: 78 bytes for video, 28 for sound (ISO/IEC 14496-12 §12.1.3, §12.2.3). */
const VIDEO_ENTRY = 78;
const AUDIO_ENTRY = 28;

/** Bytes that a codec's configuration has at the least, up to what is read of it. */
const SHORTEST = { hvcC: 13, vpcC: 7 } as const;

/** `avc1.640028`, `hvc1.1.6.L93.B0`, `av01.0.04M.08`, `vp09.00.31.08`, `mp4a.40.2`, `opus`, `flac`; the bare entry name where nothing better is known. */
export function codecString(init: Buffer): string {
  const stsd = findBox(init, 'moov/trak/mdia/minf/stbl/stsd');
  const entry = stsd && [...boxesIn(init, stsd.body + 8, stsd.end)][0];
  if (!entry) return '';
  switch (entry.type) {
    case 'avc1':
    case 'avc3':
      return avc(init, entry);
    case 'hvc1':
    case 'hev1':
      return hevc(init, entry);
    case 'av01':
      return av1(init, entry);
    case 'vp09':
      return vp9(init, entry);
    case 'mp4a':
      return mp4a(init, entry);
    case 'Opus':
      return 'opus';
    case 'fLaC':
      return 'flac';
    default:
      return entry.type;
  }
}

function configuration(init: Buffer, entry: Box, type: string): Buffer | null {
  const fixed = type === 'esds' ? AUDIO_ENTRY : VIDEO_ENTRY;
  const box = [...boxesIn(init, entry.body + fixed, entry.end)].find((child) => child.type === type);
  return box ? init.subarray(box.body, box.end) : null;
}

/** RFC 6381 §3.3: profile, constraint flags and level, hexadecimal. */
function avc(init: Buffer, entry: Box): string {
  const config = configuration(init, entry, 'avcC');
  return config ? `${entry.type}.${config.toString('hex', 1, 4)}` : entry.type;
}

/** ISO/IEC 14496-15 annex E.3. */
function hevc(init: Buffer, entry: Box): string {
  const config = configuration(init, entry, 'hvcC');
  if (!config || config.length < SHORTEST.hvcC) return entry.type;
  const first = config.readUInt8(1);
  const space = ['', 'A', 'B', 'C'][first >> 6] ?? '';
  const tier = first & 0x20 ? 'H' : 'L';
  // The compatibility flags are written bit-reversed.
  let compatibility = 0;
  for (let bit = 0, flags = config.readUInt32BE(2); bit < 32; bit++)
    if ((flags >>> bit) & 1) compatibility |= 1 << (31 - bit);
  const constraints = [...config.subarray(6, 12)];
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  const parts = [
    `${space}${first & 0x1f}`,
    hex(compatibility >>> 0, 1).toUpperCase(),
    `${tier}${config.readUInt8(12)}`,
  ];
  return [entry.type, ...parts, ...constraints.map((value) => hex(value, 1).toUpperCase())].join('.');
}

/** AV1 Codec ISO Media File Format Binding §5. */
function av1(init: Buffer, entry: Box): string {
  const config = configuration(init, entry, 'av1C');
  if (!config) return entry.type;
  const [profileLevel = 0, flags = 0] = config.subarray(1, 3);
  const depth = flags & 0x40 ? (flags & 0x20 ? 12 : 10) : 8;
  const level = String(profileLevel & 0x1f).padStart(2, '0');
  return `av01.${profileLevel >> 5}.${level}${flags & 0x80 ? 'H' : 'M'}.${String(depth).padStart(2, '0')}`;
}

/** VP Codec ISO Media File Format Binding: profile, level, bit depth. */
function vp9(init: Buffer, entry: Box): string {
  const config = configuration(init, entry, 'vpcC');
  if (!config || config.length < SHORTEST.vpcC) return entry.type;
  const two = (value: number) => String(value).padStart(2, '0');
  return `vp09.${two(config.readUInt8(4))}.${two(config.readUInt8(5))}.${two(config.readUInt8(6) >> 4)}`;
}

/** RFC 6381 §3.3: object type indication, then the audio object type out of the AudioSpecificConfig (ISO/IEC 14496-1 §7.2.6). */
function mp4a(init: Buffer, entry: Box): string {
  const config = configuration(init, entry, 'esds');
  if (!config) return 'mp4a.40.2';
  // Descriptors are tag, length (7 bits a byte), payload: 3 ES, 4 decoder configuration, 5 decoder-specific.
  let at = 4;
  let objectType = 0x40;
  while (at < config.length) {
    const tag = config.readUInt8(at++);
    let more = true;
    while (more && at < config.length) more = (config.readUInt8(at++) & 0x80) !== 0;
    if (tag === 3) at += 3;
    else if (tag === 4) {
      objectType = config[at] ?? objectType;
      at += 13;
    } else if (tag === 5) {
      const audioObjectType = (config[at] ?? 0) >> 3;
      return `mp4a.${hex(objectType)}.${audioObjectType}`;
    } else break;
  }
  return objectType === 0x40 ? 'mp4a.40.2' : `mp4a.${hex(objectType)}`;
}

/** Macroblocks a frame and a second of H.264 levels (Rec. ITU-T H.264 table A-1). */
const AVC_LEVELS = [
  [30, 1620, 40_500],
  [31, 3600, 108_000],
  [40, 8192, 245_760],
  [42, 8704, 522_240],
  [50, 22_080, 589_824],
  [51, 36_864, 983_040],
  [52, 36_864, 2_073_600],
] as const;

/** What the string of a rendition will be that nothing exists of yet; the profile and level that our encoder settings lead to. */
export function plannedCodec({ codec, width, height }: VideoRendition, fps: Rational): string {
  if (codec !== 'h264') return { hevc: 'hvc1.1.6.L120.90', av1: 'av01.0.08M.08', vp9: 'vp09.00.40.08' }[codec];
  const blocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const level = AVC_LEVELS.find(([, frame, second]) => blocks <= frame && (blocks * fps.num) / fps.den <= second);
  return `avc1.6400${hex(level?.[0] ?? 52)}`;
}
