// Certificate authorities of servers of one's own, out of EGRESS_CA_FILE. Called by platform.ts.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PlatformError } from '#domain/error.ts';

/** PEM; null where none are set. @throws PlatformError `invalid_setting` where the file cannot be read or holds no certificate */
export async function readAuthorities(path: string | undefined): Promise<string | null> {
  if (path === undefined) return null;
  try {
    const pem = await readFile(path, 'utf8');
    void new X509Certificate(pem);
    return pem;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new PlatformError('invalid_setting', `EGRESS_CA_FILE ${path} holds no certificates in PEM: ${why}`, {
      cause: error,
    });
  }
}
