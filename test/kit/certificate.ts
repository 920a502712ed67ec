// A self-made certificate for localhost and 127.0.0.1, by openssl. Used by tests of TLS.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export type Certificate = {
  readonly keyPath: string;
  readonly certPath: string;
  readonly key: string;
  /** PEM; it is its own authority. */
  readonly cert: string;
};

export async function makeCertificate(folder: string): Promise<Certificate> {
  const keyPath = path.join(folder, 'key.pem');
  const certPath = path.join(folder, 'cert.pem');
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  await promisify(execFile)('openssl', [...args, ...name, '-keyout', keyPath, '-out', certPath]);
  return { keyPath, certPath, key: await readFile(keyPath, 'utf8'), cert: await readFile(certPath, 'utf8') };
}
