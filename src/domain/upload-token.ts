// Upload tokens: what lets a browser without a key make one upload, within a time and a size. Pure; the key is the platform's, derived for this purpose alone.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Keys } from '#domain/sealing.ts';
import type { UploadGrant } from '#domain/upload.ts';

/** By it a token is told from a key. */
export const TOKEN_PREFIX = 'ut_';
/** Of Platform.keysFor. */
export const TOKEN_PURPOSE = 'upload-token';

/** `ut_` + base64url of the grant + `.` + HMAC-SHA-256 of that. */
export function signUploadToken(grant: UploadGrant, [key]: Keys): string {
  const { projectId, uploadId, maxBytes, expiresAt } = grant;
  const body = Buffer.from(JSON.stringify([projectId, uploadId, maxBytes, expiresAt])).toString('base64url');
  return `${TOKEN_PREFIX}${body}.${mac(body, key)}`;
}

/** Null where the signature is not ours or the time is over. @param now seconds since 1970 */
export function readUploadToken(token: string, keys: Keys, now: number): UploadGrant | null {
  const [body = '', signature = ''] = token.slice(TOKEN_PREFIX.length).split('.');
  const given = Buffer.from(signature);
  const isOurs = keys.some((key) => {
    const wanted = Buffer.from(mac(body, key));
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
  if (!token.startsWith(TOKEN_PREFIX) || !isOurs) return null;
  const [projectId, uploadId, maxBytes, expiresAt] = JSON.parse(Buffer.from(body, 'base64url').toString()) as [
    string,
    string,
    number,
    number,
  ];
  return expiresAt > now ? { projectId, uploadId, maxBytes, expiresAt } : null;
}

const mac = (body: string, key: Uint8Array): string => createHmac('sha256', key).update(body).digest('base64url');
