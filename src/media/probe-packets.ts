// Reduces the packets of one stream to facts while they pass: nothing of a packet is kept. Used by probe-output.ts.
import { FrameClock } from '#media/frame-clock.ts';

/** Times are in the stream's ticks; null where the container has none. */
export type Packet = {
  readonly type: string;
  readonly pts: number | null;
  readonly dts: number | null;
  readonly duration: number;
  /** bytes */
  readonly size: number;
  readonly isKey: boolean;
  /** Decoded but not shown (edit lists). */
  readonly isDiscarded: boolean;
  readonly isEncrypted: boolean;
};

/** Above this many keyframes (an intra-only film of hours) only those a growing distance apart are listed. */
const KEYFRAMES_LISTED = 50_000;
/** Of sound, as shares of a packet's duration: from what on a packet is missing, and what rounding of its clock may make. */
const HOLE = 0.75;
const ROUNDING = 0.125;
/** Holes for each packet that lies elsewhere for no reason, at the least. */
const STEADY = 4;
/** Ticks that rounding makes however short a packet is. */
const ROUNDED_TICKS = 2;

export class StreamScan {
  readonly type: string;
  packets = 0;
  bytes = 0;
  encrypted = 0;
  /** Packets that are decoded but not shown. */
  discarded = 0;
  /** Shown packets with a time. */
  shown = 0;
  /** Ticks: first presentation, and the end of what is shown last. */
  start = Number.POSITIVE_INFINITY;
  end = Number.NEGATIVE_INFINITY;
  /** Duration of the packet that ends last, ticks; 0 where the container does not say. */
  lastDuration = 0;
  /** Ticks before `end` of which no packet says that they are there: see soundStep. */
  unsaid = 0;
  /** Ticks by which a packet lies before the one it follows, and beyond it, at the most. */
  longestStepBack = 0;
  longestStepAhead = 0;
  /** Packets before the first keyframe, which cannot be decoded. */
  undecodable = 0;
  hasReordering = false;
  /** A picture that is stored after a keyframe, not the first one, is shown before it. */
  hasOpenGops = false;
  /** A decode time lies before that of the packet before. */
  jumpsBack = false;
  /** Ticks from the decoding of the first shown picture to that of the last one stored. */
  decodeSpan = 0;
  keyframes: number[] = [];
  /** Ticks between two keyframes at the most; the end is added by the caller. */
  longestGop = 0;
  readonly #shownClock: FrameClock | null;
  readonly #decodeClock: FrameClock | null;
  /** Packets without a presentation time of their own, and without any. */
  #unplaced = 0;
  #clockless = 0;
  #last: number | null = null;
  #lastDecoded: number | null = null;
  #firstDecoded: number | null = null;
  #seenKey = false;
  #firstKey = Number.NEGATIVE_INFINITY;
  #lastKey: number | null = null;
  #latest = Number.NEGATIVE_INFINITY;
  #latestShown = Number.NEGATIVE_INFINITY;
  #keySpacing = 0;
  /** Of sound: where the last packet ended, how often something is missing before the next, how often it begins elsewhere for no reason. */
  #soundEnd: number | null = null;
  #lastSound: number | null = null;
  #lastStep: number | null = null;
  #holes = 0;
  #stumbles = 0;

  constructor(type: string, isCutOff = false) {
    this.type = type;
    this.#shownClock = type === 'video' ? new FrameClock(isCutOff) : null;
    this.#decodeClock = type === 'video' ? new FrameClock(isCutOff) : null;
  }

  /**
   * Learned from the times of presentation; from those of decoding where only some packets have the former (MPEG-PS): the same frames
   * at the same distances, of which none is out of its place.
   */
  get clock(): FrameClock | null {
    return this.isUnplaced ? this.#decodeClock : this.#shownClock;
  }

  /** Only some packets say when they are shown, but each when it is decoded. */
  get isUnplaced(): boolean {
    return this.#unplaced > 0 && this.#unplaced < this.packets && this.#clockless === 0;
  }

  /** Packets of sound are missing, and all but a few others lie where they belong: one that only comes late is no hole, the next steps back. */
  get hasHoles(): boolean {
    return this.#holes > STEADY * this.#stumbles;
  }

  /** Ticks of the last keyframe; null where there is none. */
  get lastKeyframe(): number | null {
    return this.#lastKey;
  }

  add(packet: Packet): void {
    this.packets++;
    this.bytes += packet.size;
    if (packet.isEncrypted) this.encrypted++;
    if (packet.isDiscarded) this.discarded++;
    const time = packet.pts ?? packet.dts;
    this.#measureStep(packet.dts ?? packet.pts);
    this.#followDecoding(packet);
    if (this.#shownClock && !this.#isDecodable(packet, time)) return;
    if (time === null || packet.isDiscarded) return;
    this.shown++;
    if (this.type === 'audio') this.#followSound(time, packet.duration);
    this.start = Math.min(this.start, time);
    // A duration reaches to the packet stored next: of pictures that are stored in another order than shown, a pause among them lies
    // on one that is shown behind it. Only the one shown last ends by its own.
    const duration = this.#shownClock ? packet.duration : packet.duration || this.#soundStep(time);
    const isLast = this.#shownClock ? time >= this.#latestShown : time + duration > this.end;
    if (isLast) {
      this.#latestShown = time;
      this.end = time + duration;
      this.lastDuration = duration;
      this.unsaid = duration - packet.duration;
    }
    if (this.#shownClock) this.#addFrame(packet, time, this.#shownClock);
  }

  #followDecoding({ pts, dts }: Packet): void {
    if (pts === null) this.#unplaced++;
    if (dts === null) {
      this.#clockless++;
      return;
    }
    if (this.#lastDecoded !== null && dts < this.#lastDecoded) this.jumpsBack = true;
    this.#lastDecoded = dts;
  }

  /** Ticks that sound lasts of which no packet says how long (WavPack in Matroska: half a second each): as long as those before, but for pauses. */
  #soundStep(time: number): number {
    const [before, usual] = [this.#lastSound, this.#lastStep];
    this.#lastSound = time;
    if (before === null) return 0;
    this.#lastStep = Math.max(0, time - before);
    return Math.min(this.#lastStep, usual ?? this.#lastStep);
  }

  #followSound(time: number, duration: number): void {
    const off = this.#soundEnd === null ? 0 : time - this.#soundEnd;
    this.#soundEnd = duration > 0 ? time + duration : null;
    if (Math.abs(off) <= Math.max(ROUNDED_TICKS, duration * ROUNDING)) return;
    if (off >= duration * HOLE) this.#holes++;
    else this.#stumbles++;
  }

  #measureStep(time: number | null): void {
    if (time === null) return;
    if (this.#last !== null) {
      this.longestStepBack = Math.max(this.longestStepBack, this.#last - time);
      this.longestStepAhead = Math.max(this.longestStepAhead, time - this.#last);
    }
    this.#last = time;
  }

  /** A decoder begins at a keyframe and cannot show what comes before it in either order (leading pictures of an open group). */
  #isDecodable(packet: Packet, time: number | null): boolean {
    if (!this.#seenKey && packet.isKey) {
      this.#seenKey = true;
      this.#firstKey = time ?? Number.NEGATIVE_INFINITY;
    }
    const decodable = this.#seenKey && (time === null || time >= this.#firstKey);
    if (!decodable) this.undecodable++;
    return decodable;
  }

  #addFrame(packet: Packet, time: number, clock: FrameClock): void {
    clock.add(time);
    if (packet.dts !== null) {
      this.#decodeClock?.add(packet.dts);
      this.#firstDecoded ??= packet.dts;
      this.decodeSpan = packet.dts - this.#firstDecoded;
    }
    if (time < this.#latest) this.hasReordering = true;
    else this.#latest = time;
    if (!packet.isKey) {
      if (this.#lastKey !== null && time < this.#lastKey) this.hasOpenGops = true;
      return;
    }
    if (this.#lastKey !== null) this.longestGop = Math.max(this.longestGop, time - this.#lastKey);
    this.#lastKey = time;
    const listed = this.keyframes.at(-1);
    if (listed !== undefined && time <= listed + this.#keySpacing) return;
    this.keyframes.push(time);
    if (this.keyframes.length > KEYFRAMES_LISTED) this.#thinKeyframes();
  }

  #thinKeyframes(): void {
    const first = this.keyframes[0] ?? 0;
    this.#keySpacing = Math.max(this.#keySpacing * 2, (2 * (this.#latest - first)) / this.keyframes.length);
    let kept = Number.NEGATIVE_INFINITY;
    this.keyframes = this.keyframes.filter((time) => {
      if (time <= kept + this.#keySpacing) return false;
      kept = time;
      return true;
    });
  }
}
