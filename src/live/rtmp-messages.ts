// The RTMP wire: chunks to messages and back, and AMF0 values (Adobe RTMP 1.0 §5, AMF0 §2). Pure; used by rtmp-server.ts.

export type RtmpMessage = {
  readonly type: number;
  readonly stream: number;
  /** milliseconds */
  readonly time: number;
  readonly body: Buffer;
};

/** Types of messages (§5.4, §6.2, §7.1). */
export const SET_CHUNK_SIZE = 1;
export const ACKNOWLEDGEMENT = 3;
export const WINDOW_SIZE = 5;
export const PEER_BANDWIDTH = 6;
export const AUDIO = 8;
export const VIDEO = 9;
export const DATA = 18;
export const COMMAND = 20;

/** A frame of a stream of many megabits is smaller; more is somebody's attempt on our memory. */
const LONGEST_MESSAGE = 16 * 1024 ** 2;
const EXTENDED = 0xffffff;
/** Chunk header bytes by format (§5.3.1.2). */
const HEADER_BYTES = [11, 7, 3, 0] as const;

type ChunkStream = {
  time: number;
  delta: number;
  length: number;
  type: number;
  stream: number;
  isExtended: boolean;
  parts: Buffer[];
  got: number;
};

/** Puts chunks together. */
export class ChunkReader {
  readonly #streams = new Map<number, ChunkStream>();
  #rest: Buffer = Buffer.alloc(0);
  #chunkSize = 128;

  /** @throws Error where the bytes are no RTMP */
  push(bytes: Buffer): RtmpMessage[] {
    let data = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    const messages: RtmpMessage[] = [];
    for (let used = this.#take(data, messages); used > 0; used = this.#take(data, messages)) data = data.subarray(used);
    this.#rest = Buffer.from(data);
    return messages;
  }

  /** One chunk off the front; answers its bytes, 0 where it is not whole yet. */
  #take(data: Buffer, messages: RtmpMessage[]): number {
    if (data.length < 3) return 0;
    const first = data.readUInt8(0);
    const format = first >> 6;
    const short = first & 0x3f;
    const id = short === 0 ? data.readUInt8(1) + 64 : short === 1 ? data.readUInt16LE(1) + 64 : short;
    let at = short === 0 ? 2 : short === 1 ? 3 : 1;
    const headerBytes = HEADER_BYTES[format] ?? 0;
    if (data.length < at + headerBytes) return 0;
    const known = this.#streams.get(id);
    if (!known && format !== 0) throw new Error('a chunk without a beginning');
    const next: ChunkStream = known
      ? { ...known }
      : { time: 0, delta: 0, length: 0, type: 0, stream: 0, isExtended: false, parts: [], got: 0 };
    let stamp = 0;
    if (format < 3) {
      stamp = data.readUIntBE(at, 3);
      next.isExtended = stamp === EXTENDED;
      if (format < 2) {
        next.length = data.readUIntBE(at + 3, 3);
        next.type = data.readUInt8(at + 6);
      }
      if (format === 0) next.stream = data.readUInt32LE(at + 7);
    }
    at += headerBytes;
    if (next.isExtended) {
      if (data.length < at + 4) return 0;
      stamp = data.readUInt32BE(at);
      at += 4;
    }
    if (next.length > LONGEST_MESSAGE) throw new Error('a message longer than any frame');
    const isFresh = next.got === 0;
    const size = Math.min(this.#chunkSize, next.length - next.got);
    if (data.length < at + size) return 0;
    if (isFresh) {
      if (format === 0) {
        next.time = stamp;
        next.delta = 0;
      } else {
        if (format < 3) next.delta = stamp;
        next.time += next.delta;
      }
    }
    if (isFresh) next.parts = [];
    next.parts.push(Buffer.from(data.subarray(at, at + size)));
    next.got += size;
    if (next.got >= next.length) {
      this.#finish(next, messages);
      next.parts = [];
      next.got = 0;
    }
    this.#streams.set(id, next);
    return at + size;
  }

  #finish({ type, stream, time, parts }: ChunkStream, messages: RtmpMessage[]): void {
    const body = Buffer.concat(parts);
    if (type === SET_CHUNK_SIZE && body.length >= 4)
      this.#chunkSize = Math.max(1, Math.min(LONGEST_MESSAGE, body.readUInt32BE(0) & 0x7fffffff));
    messages.push({ type, stream, time, body });
  }
}

/** What we say to a publisher is short: chunks of our own size, announced before. */
export const OWN_CHUNK_SIZE = 4096;

export function writeMessage(type: number, stream: number, body: Buffer): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(type === COMMAND ? 3 : 2, 0);
  header.writeUIntBE(body.length, 4, 3);
  header.writeUInt8(type, 7);
  header.writeUInt32LE(stream, 8);
  return Buffer.concat([header, body]);
}

export type AmfValue = string | number | boolean | null | { readonly [key: string]: AmfValue };

export function writeAmf(...values: AmfValue[]): Buffer {
  return Buffer.concat(values.map(writeValue));
}

function writeValue(value: AmfValue): Buffer {
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'boolean') return Buffer.from([1, value ? 1 : 0]);
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), shortText(value)]);
  if (value === null) return Buffer.from([5]);
  const fields = Object.entries(value).flatMap(([key, one]) => [shortText(key), writeValue(one)]);
  return Buffer.concat([Buffer.from([3]), ...fields, Buffer.from([0, 0, 9])]);
}

function shortText(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** The values of a command; what is of no known kind ends the list. */
export function readAmf(body: Buffer): AmfValue[] {
  const values: AmfValue[] = [];
  let at = 0;
  while (at < body.length) {
    const read = readValue(body, at, 0);
    if (!read) break;
    values.push(read.value);
    at = read.end;
  }
  return values;
}

type Read = { readonly value: AmfValue; readonly end: number };
const DEEPEST = 8;

function readValue(body: Buffer, at: number, depth: number): Read | null {
  const kind = body[at];
  if (kind === 0 && at + 9 <= body.length) return { value: body.readDoubleBE(at + 1), end: at + 9 };
  if (kind === 1 && at + 2 <= body.length) return { value: body[at + 1] === 1, end: at + 2 };
  if (kind === 2) return readText(body, at + 1);
  if (kind === 5 || kind === 6) return { value: null, end: at + 1 };
  if ((kind === 3 || kind === 8) && depth < DEEPEST) return readObject(body, at + (kind === 8 ? 5 : 1), depth);
  return null;
}

function readText(body: Buffer, at: number): (Read & { readonly value: string }) | null {
  if (at + 2 > body.length) return null;
  const end = at + 2 + body.readUInt16BE(at);
  return end <= body.length ? { value: body.toString('utf8', at + 2, end), end } : null;
}

function readObject(body: Buffer, start: number, depth: number): Read | null {
  const fields: [string, AmfValue][] = [];
  let at = start;
  for (;;) {
    const key = readText(body, at);
    if (!key) return null;
    if (key.value === '' && body[key.end] === 9) return { value: Object.fromEntries(fields), end: key.end + 1 };
    const read = readValue(body, key.end, depth + 1);
    if (!read) return null;
    fields.push([key.value, read.value]);
    at = read.end;
  }
}
