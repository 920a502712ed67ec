// The newest pictures of a stream of our own multiplexer, from a keyframe on: an encoder that begins with them has nothing to wait for. Used by standby.ts.
import {
  isRandomAccess,
  isStart,
  PACKET_SIZE,
  type Program,
  pidOf,
  presentationTime,
  programMapPid,
  readProgram,
  unwrap,
} from '#media/transport-stream.ts';

/** Bytes. A stream whose keyframes lie further apart is not kept. */
const MOST_BYTES = 32 * 1024 ** 2;

type Group = { readonly start: number; readonly parts: Buffer[]; size: number };

export class GopBuffer {
  readonly #seconds: number;
  #pat: Buffer | null = null;
  #pmt: Buffer | null = null;
  #pmtPid = -1;
  #program: Program = { video: null, audio: null };
  #groups: Group[] = [];
  #size = 0;
  #latest: number | null = null;

  /** @param seconds so much is kept at least, where there was so much */
  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  /** Pictures (or, without any, pieces of sound) seen. */
  pieces = 0;

  /** Something can be begun with. */
  get isReady(): boolean {
    return this.#groups.length > 0;
  }

  /** Whole packets. */
  push(bytes: Buffer): void {
    let from = 0;
    for (let at = 0; at + PACKET_SIZE <= bytes.length; at += PACKET_SIZE) {
      const time = this.#read(bytes, at);
      if (time === null) continue;
      this.#keep(bytes.subarray(from, at));
      from = at;
      this.#groups.push({ start: time, parts: [], size: 0 });
    }
    this.#keep(bytes.subarray(from));
    this.#forget();
  }

  /** Seconds between the newest picture and the last keyframe that lies so many seconds back, or the oldest there is. */
  behind(seconds: number): number {
    const first = this.#groups[this.#firstOf(seconds)];
    return first && this.#latest !== null ? this.#latest - first.start : 0;
  }

  /** Everything from that keyframe on, tables first. Then it is empty. */
  take(seconds: number): readonly Buffer[] {
    const groups = this.#groups.slice(this.#firstOf(seconds));
    const tables = [this.#pat, this.#pmt].filter((table) => table !== null);
    this.#groups = [];
    this.#size = 0;
    return [...tables, ...groups.flatMap(({ parts }) => parts)];
  }

  #firstOf(seconds: number): number {
    const latest = this.#latest ?? 0;
    return Math.max(
      0,
      this.#groups.findLastIndex(({ start }) => latest - start >= seconds),
    );
  }

  /** The time of a picture that a group begins with. */
  #read(bytes: Buffer, at: number): number | null {
    if (!isStart(bytes, at)) return null;
    const pid = pidOf(bytes, at);
    if (pid === 0) {
      this.#pmtPid = programMapPid(bytes, at) ?? this.#pmtPid;
      this.#pat = Buffer.from(bytes.subarray(at, at + PACKET_SIZE));
    } else if (pid === this.#pmtPid) {
      this.#program = readProgram(bytes, at) ?? this.#program;
      this.#pmt = Buffer.from(bytes.subarray(at, at + PACKET_SIZE));
    }
    const { video, audio } = this.#program;
    if (pid !== (video ?? audio)?.pid) return null;
    this.pieces += 1;
    const stamp = presentationTime(bytes, at);
    if (stamp === null) return null;
    const time = unwrap(stamp, this.#latest);
    this.#latest = Math.max(time, this.#latest ?? time);
    return video === null || isRandomAccess(bytes, at) ? time : null;
  }

  #keep(bytes: Buffer): void {
    const group = this.#groups.at(-1);
    if (!group || bytes.length === 0) return;
    group.parts.push(bytes);
    group.size += bytes.length;
    this.#size += bytes.length;
  }

  #forget(): void {
    const latest = this.#latest ?? 0;
    for (;;) {
      const [oldest, second] = this.#groups;
      if (!oldest) return;
      const isOld = second !== undefined && latest - second.start >= this.#seconds;
      if (!isOld && this.#size <= MOST_BYTES) return;
      this.#groups.shift();
      this.#size -= oldest.size;
    }
  }
}
