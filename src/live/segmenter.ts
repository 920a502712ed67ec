// Cuts one rendition's MPEG-TS into segments that begin with tables and a keyframe. Fed by encoder-run.ts with what FFmpeg writes.
import {
  isPacket,
  isRandomAccess,
  isStart,
  PACKET_SIZE,
  type Program,
  pictureOf,
  pidOf,
  presentationTime,
  programMapPid,
  readProgram,
  soundOf,
  unwrap,
} from '#media/transport-stream.ts';

export type Segment = {
  /** From 0 in every run. */
  readonly number: number;
  /** seconds on the stream's clock */
  readonly start: number;
  readonly seconds: number;
  readonly bytes: Buffer;
  /** RFC 6381, picture and sound */
  readonly codecs: string;
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number | null;
};

/** Bytes. A segment that finds no end is thrown away: a stream without keyframes must not fill the memory. */
const LONGEST_BYTES = 256 * 1024 ** 2;

export class Segmenter {
  readonly #seconds: number;
  readonly #onSegment: (segment: Segment) => void;
  readonly #begin: number | null;
  #rest: Buffer = Buffer.alloc(0);
  #pmtPid = -1;
  #program: Program = { video: null, audio: null };
  #tables: { pat: Buffer | null; pmt: Buffer | null } = { pat: null, pmt: null };
  #tableCount = 0;
  #packets: Buffer[] = [];
  #size = 0;
  #number = 0;
  #start: number | null = null;
  #frames = 0;
  #last: number | null = null;
  #latest: number | null = null;
  /** Time of the last keyframe; before the first, of the first picture. */
  #keyframe: number | null = null;

  /**
   * @param seconds a segment ends with the first keyframe after so many
   * @param begin about where on the clock the first time stamp lies, seconds: stamps themselves begin anew every 26.5 hours
   */
  constructor(seconds: number, onSegment: (segment: Segment) => void, begin: number | null = null) {
    this.#seconds = seconds;
    this.#begin = begin;
    this.#onSegment = onSegment;
  }

  /** The newest time stamp seen, seconds; null before the first. */
  get latest(): number | null {
    return this.#latest;
  }

  /** Seconds since the last keyframe that a segment could begin with. */
  get uncut(): number {
    return this.#latest === null || this.#keyframe === null ? 0 : this.#latest - this.#keyframe;
  }

  /** Pictures (or, without any, pieces of sound) since the beginning of the run. */
  pieces = 0;

  push(bytes: Buffer): void {
    const whole = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    let from = 0;
    let at = 0;
    for (; at + PACKET_SIZE <= whole.length; at += PACKET_SIZE) {
      if (!isPacket(whole, at)) continue;
      const isKept = this.#take(whole, at, () => {
        this.#keep(whole.subarray(from, at));
        from = at;
      });
      if (!isKept) {
        this.#keep(whole.subarray(from, at));
        from = at + PACKET_SIZE;
      }
    }
    this.#keep(whole.subarray(from, at));
    this.#rest = Buffer.from(whole.subarray(at));
  }

  /** The end of a run that ended well: what is left is a segment too. */
  flush(): void {
    if (this.#start === null || this.#last === null) return;
    const frame = this.#frames > 1 ? (this.#last - this.#start) / (this.#frames - 1) : 0;
    this.#close(this.#last + frame);
  }

  /** False for tables: they stand at the beginning of each segment, and nowhere else. */
  #take(bytes: Buffer, at: number, cut: () => void): boolean {
    const pid = pidOf(bytes, at);
    if (pid === 0 || pid === this.#pmtPid) {
      this.#takeTable(bytes, at, pid);
      return false;
    }
    const { video, audio } = this.#program;
    const lead = video ?? audio;
    if (!lead || pid !== lead.pid || !isStart(bytes, at)) return true;
    const stamp = presentationTime(bytes, at);
    if (stamp === null) return true;
    const time = unwrap(stamp, this.#latest ?? this.#begin);
    this.pieces += 1;
    this.#latest = Math.max(time, this.#latest ?? time);
    const mayBegin = video === null || isRandomAccess(bytes, at);
    if (mayBegin || this.#keyframe === null) this.#keyframe = time;
    const isDue = this.#start === null || time - this.#start >= this.#seconds - 0.02;
    if (mayBegin && isDue) {
      cut();
      if (this.#start !== null) this.#close(time);
      this.#start = time;
    }
    this.#frames += 1;
    this.#last = Math.max(time, this.#last ?? time);
    return true;
  }

  #takeTable(bytes: Buffer, at: number, pid: number): void {
    if (!isStart(bytes, at)) return;
    const packet = Buffer.from(bytes.subarray(at, at + PACKET_SIZE));
    if (pid === 0) {
      this.#pmtPid = programMapPid(bytes, at) ?? this.#pmtPid;
      this.#tables.pat = packet;
      return;
    }
    this.#program = readProgram(bytes, at) ?? this.#program;
    this.#tables.pmt = packet;
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0 || this.#start === null) return;
    if (this.#size > LONGEST_BYTES) {
      this.#drop();
      return;
    }
    this.#packets.push(bytes);
    this.#size += bytes.length;
  }

  #close(end: number): void {
    const start = this.#start;
    if (start === null) return;
    const bytes = Buffer.concat([...this.#tablePackets(), ...this.#packets]);
    const seconds = Math.max(0.001, end - start);
    const { video, audio } = this.#program;
    const picture = video && pictureOf(bytes, video);
    const codecs = [picture?.codec ?? '', audio ? soundOf(audio.type) : ''].filter(Boolean).join(',');
    const segment: Segment = {
      number: this.#number,
      start,
      seconds,
      bytes,
      codecs,
      width: picture?.width ?? null,
      height: picture?.height ?? null,
      frameRate: video ? Math.round((this.#frames / seconds) * 1000) / 1000 : null,
    };
    this.#number += 1;
    this.#drop();
    this.#onSegment(segment);
  }

  /** What comes next begins with a keyframe. */
  #drop(): void {
    this.#packets = [];
    this.#size = 0;
    this.#frames = 0;
    this.#start = null;
    this.#last = null;
  }

  /** Continuity counts on through the segments (ISO/IEC 13818-1 §2.4.3.3). */
  #tablePackets(): Buffer[] {
    const { pat, pmt } = this.#tables;
    const tables = [pat, pmt].filter((table) => table !== null).map((table) => Buffer.from(table));
    for (const table of tables) table[3] = ((table[3] ?? 0x10) & 0xf0) | (this.#tableCount & 0x0f);
    this.#tableCount += 1;
    return tables;
  }
}
