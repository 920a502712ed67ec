// Whole MPEG-TS packets out of what a pipe gives: it cuts where it likes. Used by encoder-run.ts and standby.ts.
import { PACKET_SIZE } from '#media/transport-stream.ts';

export class PacketCutter {
  #rest: Buffer = Buffer.alloc(0);

  /** The packets that are complete now; what is left comes with the next bytes. */
  whole(bytes: Buffer): Buffer {
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    const end = all.length - (all.length % PACKET_SIZE);
    // A copy: what is left must not hold a whole chunk.
    this.#rest = end === all.length ? Buffer.alloc(0) : Buffer.from(all.subarray(end));
    return all.subarray(0, end);
  }
}
