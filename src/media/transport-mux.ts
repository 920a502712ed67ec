// Puts the sound of one MPEG-TS segment into the picture of another, packet by packet and without a process (ISO/IEC 13818-1). Pure; used by send-items.ts.
import { PlatformError } from '#domain/error.ts';

const PACKET = 188;
const SYNC = 0x47;
const PIDS = { tables: 0, map: 0x1000, video: 0x100, audio: 0x101 } as const;

/** One elementary stream out of a segment that holds no other. */
type Elementary = {
  readonly streamType: number;
  readonly descriptors: Buffer;
  /** In their order: each the packets of one PES packet. */
  readonly units: readonly Unit[];
};
type Unit = {
  /** 90 kHz: when it is decoded */
  readonly time: number;
  /** A decoder may begin here. */
  readonly isRandomAccess: boolean;
  readonly packets: readonly Buffer[];
};

/**
 * Both streams keep their own timestamps and counters; the picture carries the clock. The tables stand at the beginning and before every
 * keyframe.
 * @throws PlatformError `internal` where one of them is no MPEG-TS of exactly one stream
 */
export function muxTransport(picture: Buffer, sound: Buffer): Buffer {
  const [video, audio] = [readElementary(picture), readElementary(sound)];
  const tables = tableWriter(video, audio);
  const out: Buffer[] = [];
  let heard = 0;
  const hearUntil = (time: number) => {
    for (let unit = audio.units[heard]; unit && unit.time < time; unit = audio.units[++heard])
      out.push(...unit.packets.map(asSound));
  };
  for (const [i, unit] of video.units.entries()) {
    if (i === 0 || unit.isRandomAccess) out.push(...tables());
    hearUntil(unit.time);
    out.push(...unit.packets.map((packet) => withPid(packet, PIDS.video)));
  }
  hearUntil(Number.POSITIVE_INFINITY);
  return Buffer.concat(out);
}

function readElementary(segment: Buffer): Elementary {
  if (segment.length === 0 || segment.length % PACKET !== 0) throw broken('its length is not that of whole packets');
  let map: number | null = null;
  let stream: { pid: number; streamType: number; descriptors: Buffer } | null = null;
  const units: { time: number; isRandomAccess: boolean; packets: Buffer[] }[] = [];
  for (let at = 0; at < segment.length; at += PACKET) {
    const packet = segment.subarray(at, at + PACKET);
    if (packet[0] !== SYNC) throw broken(`there is no packet at byte ${at}`);
    const pid = packet.readUInt16BE(1) & 0x1fff;
    if (pid === PIDS.tables) map ??= readTables(sectionOf(packet));
    else if (pid === map) stream ??= readMap(sectionOf(packet));
    else if (pid === stream?.pid) {
      if (startsUnit(packet))
        units.push({ time: decodingTime(packet), isRandomAccess: isRandomAccess(packet), packets: [] });
      units.at(-1)?.packets.push(packet);
    }
  }
  if (!stream) throw broken('it has no table of its streams');
  return { ...stream, units };
}

const broken = (why: string): PlatformError =>
  new PlatformError('internal', `An MPEG-TS segment cannot be joined: ${why}`);

const startsUnit = (packet: Buffer): boolean => ((packet[1] ?? 0) & 0x40) !== 0;
const hasAdaptation = (packet: Buffer): boolean => ((packet[3] ?? 0) & 0x20) !== 0 && (packet[4] ?? 0) > 0;
const isRandomAccess = (packet: Buffer): boolean => hasAdaptation(packet) && ((packet[5] ?? 0) & 0x40) !== 0;
const payloadOf = (packet: Buffer): Buffer =>
  packet.subarray(((packet[3] ?? 0) & 0x20) === 0 ? 4 : 5 + (packet[4] ?? 0));

/** The section of a table that fits one packet, without its CRC. */
function sectionOf(packet: Buffer): Buffer {
  const payload = payloadOf(packet);
  const section = payload.subarray(1 + (payload[0] ?? 0));
  return section.subarray(0, 3 + (section.readUInt16BE(1) & 0xfff) - 4);
}

/** PID of the one program's map (§2.4.4.3). */
function readTables(section: Buffer): number {
  for (let at = 8; at + 4 <= section.length; at += 4)
    if (section.readUInt16BE(at) !== 0) return section.readUInt16BE(at + 2) & 0x1fff;
  throw broken('it has no program');
}

/** The one stream of a program (§2.4.4.8). */
function readMap(section: Buffer): { pid: number; streamType: number; descriptors: Buffer } {
  const at = 12 + (section.readUInt16BE(10) & 0xfff);
  const end = at + 5 + (section.readUInt16BE(at + 3) & 0xfff);
  if (end !== section.length) throw broken('it has not exactly one stream');
  return {
    streamType: section[at] ?? 0,
    pid: section.readUInt16BE(at + 1) & 0x1fff,
    descriptors: section.subarray(at + 5, end),
  };
}

/** DTS, or PTS where they are the same (§2.4.3.6). */
function decodingTime(packet: Buffer): number {
  const pes = payloadOf(packet);
  const flags = (pes[7] ?? 0) >> 6;
  const at = flags === 3 ? 14 : 9;
  if (flags < 2) throw broken('a picture or sound has no time');
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = pes.subarray(at, at + 5);
  return ((a >> 1) & 0x07) * 2 ** 30 + (((b << 8) | c) >> 1) * 2 ** 15 + (((d << 8) | e) >> 1);
}

function withPid(packet: Buffer, pid: number): Buffer {
  const copy = Buffer.from(packet);
  copy.writeUInt16BE((copy.readUInt16BE(1) & 0xe000) | pid, 1);
  return copy;
}

/** Without a clock of its own: the picture has it. What it took becomes stuffing. */
function asSound(packet: Buffer): Buffer {
  const copy = withPid(packet, PIDS.audio);
  const flags = copy[5] ?? 0;
  if (hasAdaptation(copy) && (flags & 0x10) !== 0) {
    copy[5] = flags & ~0x10;
    // What follows the clock in the field moves up, and stuffing takes the end.
    const end = 5 + (copy[4] ?? 0);
    copy.copyWithin(6, 12, end);
    copy.fill(0xff, end - 6, end);
  }
  return copy;
}

/** PAT and PMT, their counters going on; the first of a segment say that they start anew. */
function tableWriter(video: Elementary, audio: Elementary): () => Buffer[] {
  const programs = Buffer.from([0x00, 0x01, 0xe0 | (PIDS.map >> 8), PIDS.map & 0xff]);
  const streams = [streamEntry(video, PIDS.video), streamEntry(audio, PIDS.audio)];
  const clock = Buffer.from([0xe0 | (PIDS.video >> 8), PIDS.video & 0xff, 0xf0, 0x00]);
  const pat = section(0x00, programs);
  const pmt = section(0x02, Buffer.concat([clock, ...streams]));
  let counter = 0;
  return () => {
    const packets = [
      tablePacket(PIDS.tables, { section: pat, counter }),
      tablePacket(PIDS.map, { section: pmt, counter }),
    ];
    counter += 1;
    return packets;
  };
}

function streamEntry({ streamType, descriptors }: Elementary, pid: number): Buffer {
  const head = Buffer.from([
    streamType,
    0xe0 | (pid >> 8),
    pid & 0xff,
    0xf0 | (descriptors.length >> 8),
    descriptors.length & 0xff,
  ]);
  return Buffer.concat([head, descriptors]);
}

/** Of transport stream, or program, 1; version 0; the only one (§2.4.4.3, §2.4.4.8). */
function section(tableId: number, body: Buffer): Buffer {
  const length = 5 + body.length + 4;
  const head = Buffer.from([tableId, 0xb0 | (length >> 8), length & 0xff, 0x00, 0x01, 0xc1, 0x00, 0x00]);
  const text = Buffer.concat([head, body]);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(text));
  return Buffer.concat([text, crc]);
}

function tablePacket(
  pid: number,
  { section: text, counter }: { readonly section: Buffer; readonly counter: number },
): Buffer {
  const packet = Buffer.alloc(PACKET, 0xff);
  const isFirst = counter === 0;
  packet.set([SYNC, 0x40 | (pid >> 8), pid & 0xff, (isFirst ? 0x30 : 0x10) | (counter & 0x0f)]);
  // An adaptation field of one byte: discontinuity_indicator.
  if (isFirst) packet.set([0x01, 0x80], 4);
  const at = isFirst ? 6 : 4;
  packet[at] = 0;
  packet.set(text, at + 1);
  return packet;
}

/** Annex A: polynomial 0x04C11DB7, not reflected. */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}
