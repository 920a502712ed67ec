// Lets a stream of our own multiplexer through from a keyframe on, its tables first: who reads it never meets half a picture. Used by pusher.ts and standby.ts.
import { isRandomAccess, isStart, PACKET_SIZE, pidOf } from '#media/transport-stream.ts';

/** FFmpeg's multiplexer numbers tables and streams always alike. */
const PAT = 0;
const PMT = 0x1000;
const FIRST_STREAM = 0x100;

export class KeyframeGate {
  #pat: Buffer | null = null;
  #pmt: Buffer | null = null;
  #isOpen = false;

  /** The next reader begins anew. */
  shut(): void {
    this.#isOpen = false;
  }

  /** The reader has a keyframe already. */
  open(): void {
    this.#isOpen = true;
  }

  /** What of these whole packets the reader shall have; null where nothing. */
  pass(bytes: Buffer): Buffer | null {
    if (this.#isOpen) return bytes;
    for (let at = 0; at + PACKET_SIZE <= bytes.length; at += PACKET_SIZE) {
      const pid = pidOf(bytes, at);
      if (pid === PAT) this.#pat = Buffer.from(bytes.subarray(at, at + PACKET_SIZE));
      else if (pid === PMT) this.#pmt = Buffer.from(bytes.subarray(at, at + PACKET_SIZE));
      else if (pid === FIRST_STREAM && isStart(bytes, at) && isRandomAccess(bytes, at) && this.#pat && this.#pmt) {
        this.#isOpen = true;
        return Buffer.concat([this.#pat, this.#pmt, bytes.subarray(at)]);
      }
    }
    return null;
  }
}
