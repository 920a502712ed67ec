// What one publisher sends, as FLV for whoever reads it now: headers are kept, and a reader who comes later begins with the next keyframe. Made by rtmp-server.ts.
import type { Writable } from 'node:stream';
import { AUDIO, DATA, type RtmpMessage, VIDEO } from '#live/rtmp-messages.ts';

/** Signature, version 1, sound and picture, length of the header, no tag before. */
const FLV_HEADER = Buffer.from([0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]);
/** Encoders wrap their description in this name, which only servers understand. */
const SET_DATA = Buffer.from([2, 0, 13, ...Buffer.from('@setDataFrame')]);
/** Codecs as FLV numbers them (Adobe FLV 10.1, E.4.2.1 and E.4.3.1). */
const AVC = 7;
const AAC = 10;
const MOST_WAITING = 16 * 1024 ** 2;

const isVideoHeader = ({ type, body }: RtmpMessage): boolean =>
  type === VIDEO && ((body[0] ?? 0) & 0x0f) === AVC && body[1] === 0;
const isAudioHeader = ({ type, body }: RtmpMessage): boolean =>
  type === AUDIO && (body[0] ?? 0) >> 4 === AAC && body[1] === 0;
const isKeyframe = ({ type, body }: RtmpMessage): boolean => type === VIDEO && (body[0] ?? 0) >> 4 === 1;

export class Publication {
  #metadata: RtmpMessage | null = null;
  #videoHeader: RtmpMessage | null = null;
  #audioHeader: RtmpMessage | null = null;
  #reader: Writable | null = null;
  #isWaiting = true;
  #hasBegun = false;

  /** From here on this one reads; the one before hears no more. */
  attach(reader: Writable): void {
    this.#reader = reader;
    this.#isWaiting = true;
    this.#hasBegun = false;
  }

  detach(reader: Writable): void {
    if (this.#reader === reader) this.#reader = null;
  }

  take(message: RtmpMessage): void {
    if (message.type === DATA) this.#metadata = message;
    else if (isVideoHeader(message)) this.#videoHeader = message;
    else if (isAudioHeader(message)) this.#audioHeader = message;
    const reader = this.#reader;
    if (!reader || reader.destroyed || reader.writableEnded) return;
    if (reader.writableLength > MOST_WAITING) this.#isWaiting = true;
    if (this.#isWaiting) {
      // Without pictures there is no keyframe to wait for.
      const mayBegin = isKeyframe(message) && !isVideoHeader(message);
      const isSoundAlone = this.#videoHeader === null && message.type === AUDIO && !isAudioHeader(message);
      if (!mayBegin && !isSoundAlone) return;
      this.#isWaiting = false;
      if (!this.#hasBegun) reader.write(FLV_HEADER);
      this.#hasBegun = true;
      for (const header of [this.#metadata, this.#videoHeader, this.#audioHeader])
        if (header) reader.write(tagOf({ ...header, time: message.time }));
    }
    reader.write(tagOf(message));
  }

  /** The publisher has gone: who reads comes to the end. */
  end(): void {
    this.#reader?.end();
    this.#reader = null;
  }
}

/** Video File Format Specification 10.1, annex E.4. */
function tagOf({ type, time, body }: RtmpMessage): Buffer {
  const data =
    type === DATA && body.subarray(0, SET_DATA.length).equals(SET_DATA) ? body.subarray(SET_DATA.length) : body;
  const tag = Buffer.alloc(11 + data.length + 4);
  tag.writeUInt8(type, 0);
  tag.writeUIntBE(data.length, 1, 3);
  tag.writeUIntBE(time & 0xffffff, 4, 3);
  tag.writeUInt8((time >>> 24) & 0xff, 7);
  data.copy(tag, 11);
  tag.writeUInt32BE(11 + data.length, 11 + data.length);
  return tag;
}
