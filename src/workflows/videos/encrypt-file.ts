// Encrypts a segment on its way out (RFC 8216 §5.2: AES-128 in CBC mode, padded, IV by media sequence). Called by read-stream.ts.
import { createCipheriv } from 'node:crypto';
import type { Platform } from '#workflows/platform.ts';
import { bytesOf } from '#workflows/read-bytes.ts';
import type { ServedFile } from '#workflows/read-package.ts';

const BLOCK = 16;

export type Encryption = {
  /** 16 bytes, base64 */
  readonly key: string;
  /** Media sequence number of the segment. */
  readonly sequence: number;
};

export function encryptFile(
  platform: Platform,
  file: Exclude<ServedFile, { kind: 'text' }>,
  { key, sequence }: Encryption,
): ServedFile {
  const iv = Buffer.alloc(BLOCK);
  iv.writeUInt32BE(sequence, BLOCK - 4);
  return {
    kind: 'made',
    key: `aes ${file.key}`,
    // PKCS#7 always adds something.
    size: file.size === null ? null : (Math.floor(file.size / BLOCK) + 1) * BLOCK,
    mediaType: file.mediaType,
    name: file.name,
    make: async () => {
      const cipher = createCipheriv('aes-128-cbc', Buffer.from(key, 'base64'), iv);
      return Buffer.concat([cipher.update(await bytesOf(platform, file)), cipher.final()]);
    },
  };
}
