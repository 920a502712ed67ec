// Playback tokens: what lets a player without a key play one thing, within a time. Pure; the key is the platform's, derived for this purpose alone.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Keys } from '#domain/sealing.ts';

/** Of Platform.keysFor. */
export const PLAYBACK_PURPOSE = 'playback-token';

/** Bytes of the signature that are kept: 128 bits. */
const SIGNATURE = 16;

/**
 * A token that covers everything of `subject` (a video's id, a channel's): base64url of its end and of an HMAC-SHA-256 over both.
 * @param expiresAt seconds since 1970
 */
export function signPlayback(subject: string, expiresAt: number, [key]: Keys): string {
  const end = Buffer.alloc(6);
  end.writeUIntBE(Math.ceil(expiresAt), 0, 6);
  return Buffer.concat([end, mac(subject, end, key)]).toString('base64url');
}

export type PlaybackVerdict = 'valid' | 'expired' | 'forged';

/** What a token says of `subject`. @param now seconds since 1970 */
export function judgePlayback(
  subject: string,
  token: string,
  { keys, now }: { keys: Keys; now: number },
): PlaybackVerdict {
  const bytes = Buffer.from(token, 'base64url');
  const end = bytes.subarray(0, 6);
  // Longer or otherwise written ones are not ours either, although they may decode to the same bytes.
  if (bytes.length !== 6 + SIGNATURE || bytes.toString('base64url') !== token) return 'forged';
  if (!keys.some((key) => timingSafeEqual(bytes.subarray(6), mac(subject, end, key)))) return 'forged';
  return end.readUIntBE(0, 6) > now ? 'valid' : 'expired';
}

/** Seconds since 1970 at which a token ends; only of one that was judged. */
export const playbackEnd = (token: string): number => Buffer.from(token, 'base64url').readUIntBE(0, 6);

const mac = (subject: string, end: Uint8Array, key: Uint8Array): Buffer =>
  createHmac('sha256', key).update(end).update(subject).digest().subarray(0, SIGNATURE);
