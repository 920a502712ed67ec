// Decides whether pictures still come: time and frames must advance, lines alone prove nothing. Used by encoder-run.ts, pusher.ts and standby.ts.

export class Watchdog {
  #last: number;
  #checked: number;
  #frame = -1;
  #outTime: number | null = null;
  #pieces = 0;
  readonly #now: () => number;

  /** @param now milliseconds; a clock of the test's own */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#last = now();
    this.#checked = now();
  }

  /** What FFmpeg says of itself; true where it came further. Sound that goes on without its pictures is not enough. */
  progress({ frame, outTime }: { readonly frame: number; readonly outTime: number | null }): boolean {
    const isLater = outTime !== null && outTime > (this.#outTime ?? -1);
    const advanced = frame > this.#frame || (this.#frame <= 0 && this.#pieces === 0 && isLater);
    // The first report of a run that waits for its input names frame 0: that is no picture.
    const isFirst = this.#frame < 0 && frame === 0 && (outTime === null || outTime <= 0);
    this.#frame = Math.max(this.#frame, frame);
    if (outTime !== null) this.#outTime = Math.max(this.#outTime ?? outTime, outTime);
    if (!advanced || isFirst) return false;
    this.#last = this.#now();
    return true;
  }

  /** What came out of it: pictures counted. */
  pieces(count: number): boolean {
    if (count <= this.#pieces) return false;
    this.#pieces = count;
    this.#last = this.#now();
    return true;
  }

  /** Nothing is expected of it now. */
  excuse(): void {
    this.#last = this.#now();
  }

  /**
   * Seconds since it last came further. Asked often; where the asking itself was held up (a suspended machine, a busy
   * process), that is not the child's doing and does not count.
   */
  silence(): number {
    const now = this.#now();
    const heldUp = now - this.#checked > 3000;
    this.#checked = now;
    if (heldUp) this.#last = now;
    return (now - this.#last) / 1000;
  }
}
