// Signed leave to play one channel, for players that can send no key. Pure; made for playback_url, asked by the routes below /live/.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Keys } from '#domain/sealing.ts';

const sign = (channelId: number, until: number, key: Uint8Array): string =>
  createHmac('sha256', key).update(`live ${channelId} ${until}`).digest('base64url');

/** `EXPIRY.SIGNATURE`, the expiry in seconds since 1970. */
export function signLiveToken(channelId: number, seconds: number, [key]: Keys): string {
  const until = Math.floor(Date.now() / 1000) + seconds;
  return `${until}.${sign(channelId, until, key)}`;
}

export function isLiveToken(token: string, channelId: number, keys: Keys): boolean {
  const [expiry = '', signature = ''] = token.split('.');
  const until = Number(expiry);
  if (!Number.isInteger(until) || until * 1000 < Date.now()) return false;
  const given = Buffer.from(signature);
  return keys.some((key) => {
    const wanted = Buffer.from(sign(channelId, until, key));
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
