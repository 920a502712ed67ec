// Tells a broadcast that was recorded without being unlocked from one that is damaged. Used by probe.ts and explain-unreadable.ts.
import { PlatformError } from '#domain/error.ts';
import type { Content } from '#media/sniff.ts';
import type { SourceBytes } from '#media/source-bytes.ts';
import { isPacket, PACKET_SIZE, pidOf } from '#media/transport-stream.ts';

/** Bytes from the beginning; a second or more of any broadcast. */
const WINDOW = 1024 * 1024;
/** Below are tables, and this one pads: neither is ever scrambled (ISO/IEC 13818-1 table 2-3). */
const FIRST_MEDIA_PID = 0x20;
const NULL_PID = 0x1fff;

/** Refuses an MPEG-TS of which most packets of media say that they are scrambled (ISO/IEC 13818-1 table 2-4). @throws PlatformError `encrypted_media` */
export async function refuseScrambled(content: Content, bytes: SourceBytes): Promise<void> {
  if (content.kind !== 'media' || content.what !== 'MPEG-TS') return;
  const window = await bytes.read(0, WINDOW);
  let [media, scrambled] = [0, 0];
  for (let at = 0; at + PACKET_SIZE <= window.length; at += PACKET_SIZE) {
    const pid = pidOf(window, at);
    const hasPayload = ((window[at + 3] ?? 0) & 0x10) !== 0;
    if (!isPacket(window, at) || !hasPayload || pid < FIRST_MEDIA_PID || pid === NULL_PID) continue;
    media++;
    if (((window[at + 3] ?? 0) & 0xc0) !== 0) scrambled++;
  }
  if (scrambled * 2 > media)
    throw new PlatformError(
      'encrypted_media',
      'The broadcast is scrambled (conditional access): its pictures and sound cannot be read without a key.',
    );
}
