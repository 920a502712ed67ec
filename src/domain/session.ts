// Who a caller without an account is: a number of ours, signed, that nobody can make up. Pure; used by the operations API.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const TOKEN = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{43})$/;

export type SessionSecret = string | Uint8Array;
/** The first signs, all of them judge. */
export type SessionSecrets = readonly [SessionSecret, ...SessionSecret[]];

const LEAST = 16;

/** What SESSION_SECRET holds: one, or several with commas between. One with a comma in it, as was always allowed, is still known whole. */
export function splitSecrets(written: string): SessionSecrets {
  const [first = written, ...older] = written.split(',');
  if (older.length === 0 || ![first, ...older].every(({ length }) => length >= LEAST)) return [written];
  return [first, ...older, written];
}

const sign = (key: string, secret: SessionSecret): Buffer =>
  createHmac('sha256', secret).update(`session ${key}`).digest();

/** What a cookie or header carries: the session's key and its signature (HMAC-SHA-256). */
export const signSession = (key: string, [secret]: SessionSecrets): string =>
  `${key}.${sign(key, secret).toString('base64url')}`;

/** The session's key; null where the token is none of ours, or was changed. */
export function readSession(token: string, secrets: SessionSecrets): string | null {
  const [, key, signature] = TOKEN.exec(token) ?? [];
  if (key === undefined || signature === undefined) return null;
  const given = Buffer.from(signature, 'base64url');
  const isOurs = secrets.some((secret) => {
    const right = sign(key, secret);
    return given.length === right.length && timingSafeEqual(given, right);
  });
  return isOurs ? key : null;
}

/** Whether it looks like a token at all, whoever signed it. */
export const isSessionToken = (text: string): boolean => TOKEN.test(text);

/** The session of a secret that a client made for itself; the secret is not kept. */
export const ownSession = (secret: string): string => `own:${createHash('sha256').update(secret).digest('base64url')}`;
