// Seals short texts (credentials of jobs) under the platform's key, so that a dump of the database contains none. Pure; wired by platform.ts.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { PlatformError } from '#domain/error.ts';

/** First part of every sealed text: another cipher or key derivation would be `2`. */
const VERSION = '1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A key of 32 bytes for one purpose alone (HKDF-SHA-256, RFC 5869): what breaks one says nothing of the others. */
export function deriveKey(secret: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `rendition/${purpose}`, 32));
}

/**
 * Keys of one purpose. The first seals and signs; all of them open and judge, so that one can take another's place while both are known.
 */
export type Keys = readonly [Uint8Array, ...Uint8Array[]];

/** The key of one purpose out of each secret, in the same order. */
export const deriveKeys = ([first, ...older]: Keys, purpose: string): Keys => [
  deriveKey(first, purpose),
  ...older.map((secret) => deriveKey(secret, purpose)),
];

/** AES-256-GCM with a random nonce (NIST SP 800-38D): `1.` and base64url of nonce, ciphertext and tag. */
export function seal(text: string, key: Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${VERSION}.${sealed.toString('base64url')}`;
}

/** @throws PlatformError `wrong_key` where the text was sealed under none of the keys, or was changed */
export function unseal(sealed: string, [key, ...older]: Keys): string {
  const [version, body = ''] = sealed.split('.');
  const bytes = Buffer.from(body, 'base64url');
  if (version !== VERSION || bytes.length < NONCE_BYTES + TAG_BYTES)
    throw new PlatformError('wrong_key', 'A stored credential is not in a form that this version seals in');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch (error) {
    const [next, ...others] = older;
    if (next) return unseal(sealed, [next, ...others]);
    throw new PlatformError(
      'wrong_key',
      'A stored credential was sealed under a key that SECRET_KEY does not name, or was changed',
      {
        cause: error,
      },
    );
  }
}

/** What seals under the first of the keys and opens under any. */
export function makeSealer(keys: Keys): {
  readonly seal: (text: string) => string;
  readonly unseal: (sealed: string) => string;
  readonly reseal: (sealed: string) => string | null;
} {
  const newest: Keys = [keys[0]];
  return {
    seal: (text) => seal(text, keys[0]),
    unseal: (sealed) => unseal(sealed, keys),
    reseal: (sealed) => (opens(sealed, newest) ? null : seal(unseal(sealed, keys), keys[0])),
  };
}

function opens(sealed: string, keys: Keys): boolean {
  try {
    unseal(sealed, keys);
    return true;
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'wrong_key') return false;
    throw error;
  }
}
