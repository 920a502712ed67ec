// Reads MPEG-TS packets (ISO/IEC 13818-1): tables, time stamps, keyframes, what the picture is. Pure; used by the live segmenter and scrambled.ts.
import { readSps } from '#media/sps.ts';

export const PACKET_SIZE = 188;
const SYNC = 0x47;
/** 90 kHz clock of 33 bits: it wraps after a day and a half of that. */
const CLOCK = 90_000;
const WRAP = 2 ** 33;

/** ISO/IEC 13818-1 table 2-34. */
const VIDEO_TYPES: ReadonlySet<number> = new Set([0x01, 0x02, 0x10, 0x1b, 0x24]);
const AUDIO_TYPES: ReadonlySet<number> = new Set([0x03, 0x04, 0x0f, 0x11, 0x81, 0x87]);
export const H264 = 0x1b;
export const HEVC = 0x24;

export type ProgramStream = { readonly pid: number; readonly type: number };
export type Program = { readonly video: ProgramStream | null; readonly audio: ProgramStream | null };

export const isPacket = (bytes: Buffer, at: number): boolean => bytes[at] === SYNC;
export const pidOf = (bytes: Buffer, at: number): number => bytes.readUInt16BE(at + 1) & 0x1fff;
/** A PES packet or a table begins in it. */
export const isStart = (bytes: Buffer, at: number): boolean => ((bytes[at + 1] ?? 0) & 0x40) !== 0;

/** The random access indicator: here a decoder may begin (§2.4.3.5). */
export function isRandomAccess(bytes: Buffer, at: number): boolean {
  const hasAdaptation = ((bytes[at + 3] ?? 0) & 0x20) !== 0;
  return hasAdaptation && (bytes[at + 4] ?? 0) > 0 && ((bytes[at + 5] ?? 0) & 0x40) !== 0;
}

/** Where the payload of the packet begins; null where it has none. */
function payloadStart(bytes: Buffer, at: number): number | null {
  const control = (bytes[at + 3] ?? 0) & 0x30;
  if (control === 0x10) return at + 4;
  if (control !== 0x30) return null;
  const start = at + 5 + (bytes[at + 4] ?? 0);
  return start < at + PACKET_SIZE ? start : null;
}

/** Presentation time of the PES packet that begins here, in seconds of the 33-bit clock; null where it has none. */
export function presentationTime(bytes: Buffer, at: number): number | null {
  const pes = payloadStart(bytes, at);
  if (pes === null || pes + 14 > at + PACKET_SIZE || bytes.readUIntBE(pes, 3) !== 1) return null;
  if (((bytes[pes + 7] ?? 0) & 0x80) === 0) return null;
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = bytes.subarray(pes + 9, pes + 14);
  const ticks = ((a >> 1) & 7) * 2 ** 30 + b * 2 ** 22 + (c >> 1) * 2 ** 15 + d * 2 ** 7 + (e >> 1);
  return ticks / CLOCK;
}

/** The same moment on a clock that does not wrap: the nearest to the one before. */
export function unwrap(time: number, before: number | null): number {
  if (before === null) return time;
  const period = WRAP / CLOCK;
  return time + Math.round((before - time) / period) * period;
}

/** The table of a packet that one begins in; without its pointer field. */
function section(bytes: Buffer, at: number): Buffer | null {
  const start = payloadStart(bytes, at);
  if (start === null) return null;
  const table = start + 1 + (bytes[start] ?? 0);
  const length = table + 3 <= at + PACKET_SIZE ? bytes.readUInt16BE(table + 1) & 0xfff : 0;
  const end = table + 3 + length;
  return length > 0 && end <= at + PACKET_SIZE ? bytes.subarray(table, end) : null;
}

/** The table of the first program of a PAT packet; null where it names none. */
export function programMapPid(bytes: Buffer, at: number): number | null {
  const table = section(bytes, at);
  if (table?.[0] !== 0) return null;
  for (let entry = 8; entry + 4 <= table.length - 4; entry += 4)
    if (table.readUInt16BE(entry) !== 0) return table.readUInt16BE(entry + 2) & 0x1fff;
  return null;
}

/** The first picture and the first sound of a PMT packet. */
export function readProgram(bytes: Buffer, at: number): Program | null {
  const table = section(bytes, at);
  if (table?.[0] !== 2) return null;
  const streams: ProgramStream[] = [];
  let entry = 12 + (table.readUInt16BE(10) & 0xfff);
  while (entry + 5 <= table.length - 4) {
    streams.push({ type: table.readUInt8(entry), pid: table.readUInt16BE(entry + 1) & 0x1fff });
    entry += 5 + (table.readUInt16BE(entry + 3) & 0xfff);
  }
  return {
    video: streams.find(({ type }) => VIDEO_TYPES.has(type)) ?? null,
    audio: streams.find(({ type }) => AUDIO_TYPES.has(type)) ?? null,
  };
}

export type PictureFacts = { readonly codec: string; readonly width: number | null; readonly height: number | null };

/** What the picture of a segment is, out of the headers of its first keyframe. */
export function pictureOf(segment: Buffer, { pid, type }: ProgramStream): PictureFacts {
  return readSps(firstPayload(segment, pid), type === HEVC ? 'hevc' : type === H264 ? 'h264' : null);
}

/** RFC 6381. */
export function soundOf(type: number): string {
  if (type === 0x0f || type === 0x11) return 'mp4a.40.2';
  if (type === 0x81) return 'ac-3';
  if (type === 0x87) return 'ec-3';
  return 'mp4a.40.34';
}

/** The first kilobyte of what a stream carries. */
function firstPayload(segment: Buffer, pid: number): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  for (let at = 0; at + PACKET_SIZE <= segment.length && length < 1024; at += PACKET_SIZE) {
    if (pidOf(segment, at) !== pid) continue;
    const start = payloadStart(segment, at);
    if (start === null) continue;
    parts.push(segment.subarray(start, at + PACKET_SIZE));
    length += at + PACKET_SIZE - start;
  }
  return Buffer.concat(parts);
}
