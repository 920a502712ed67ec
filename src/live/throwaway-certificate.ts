// A key and a certificate that prove nothing, made at start and never stored: FFmpeg asks for some at the loopback end of a connection whose other end is checked. Used by egress-proxy.ts.
import { generateKeyPairSync, sign } from 'node:crypto';

export type KeyAndCertificate = { readonly key: string; readonly cert: string };

const ECDSA_WITH_SHA256 = Buffer.from('2a8648ce3d040302', 'hex');
const COMMON_NAME = Buffer.from('550403', 'hex');
const DAY = 86_400_000;
const VALID_DAYS = 3650;

/** X.509 version 3 (RFC 5280 §4.1), signed by itself. */
export function makeThrowawayCertificate(now: Date): KeyAndCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(tlv(0x06, ECDSA_WITH_SHA256));
  const name = sequence(tlv(0x31, sequence(tlv(0x06, COMMON_NAME), tlv(0x0c, Buffer.from('loopback')))));
  const validity = sequence(
    utcTime(new Date(now.getTime() - DAY)),
    utcTime(new Date(now.getTime() + VALID_DAYS * DAY)),
  );
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.from([1])),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]);
  const der = sequence(body, algorithm, tlv(0x03, signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
  };
}

const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts);

/** Tag, length, value (X.690 §8.1). */
function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), value]);
}

/** `261121083000Z` */
const utcTime = (time: Date): Buffer =>
  tlv(0x17, Buffer.from(`${time.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
