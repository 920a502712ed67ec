// The words of the tus resumable upload protocol 1.0.0 (tus.io/protocols/resumable-upload): headers read and checked. Pure; used by the tus routes.
import { PlatformError } from '#domain/error.ts';

export const TUS_VERSION = '1.0.0';
export const TUS_EXTENSIONS = [
  'creation',
  'creation-with-upload',
  'creation-defer-length',
  'termination',
  'expiration',
  'checksum',
  'concatenation',
] as const;
/** sha1 is what the protocol wants of every server. */
export const TUS_ALGORITHMS = ['sha1', 'sha256', 'md5'] as const;
export type TusAlgorithm = (typeof TUS_ALGORITHMS)[number];

export type TusChecksum = { readonly algorithm: TusAlgorithm; readonly digest: string };

function wrong(path: string, message: string): PlatformError {
  return new PlatformError('invalid_request', `${path}: ${message}`, { errors: [{ path, message }] });
}

/** `Upload-Metadata: filename ZmlsbS5tcDQ=,is_confidential` @throws PlatformError `invalid_request` */
export function readMetadata(header: string | undefined): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const pair of (header ?? '').split(',').map((one) => one.trim())) {
    if (pair === '') continue;
    const [name = '', value = '', ...rest] = pair.split(' ');
    if (name === '' || rest.length > 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
      throw wrong('Upload-Metadata', 'a list of names, each with its value in base64 behind a space');
    // A metadatum's own names, never those of Object.
    const text = Buffer.from(value, 'base64').toString('utf8');
    Object.defineProperty(fields, name, { value: text, enumerable: true, configurable: true, writable: true });
  }
  return fields;
}

/** How long the upload is; null where it is told later. @throws PlatformError `invalid_request` */
export function readLength(length: string | undefined, defer: string | undefined): number | null {
  if (defer === undefined) return readBytes('Upload-Length', length);
  if (defer !== '1') throw wrong('Upload-Defer-Length', '1');
  if (length !== undefined) throw wrong('Upload-Defer-Length', 'not together with Upload-Length');
  return null;
}

/** A count of bytes. @throws PlatformError `invalid_request` */
export function readBytes(name: string, header: string | undefined): number {
  const bytes = Number(header);
  if (header === undefined || !/^\d+$/.test(header) || !Number.isSafeInteger(bytes))
    throw wrong(name, 'a whole number of bytes');
  return bytes;
}

/** `Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=` @throws PlatformError `invalid_request` */
export function readChecksum(header: string | undefined): TusChecksum | null {
  if (header === undefined) return null;
  const [algorithm, digest, ...rest] = header.trim().split(/\s+/);
  const known = TUS_ALGORITHMS.find((one) => one === algorithm);
  if (!known || digest === undefined || rest.length > 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(digest))
    throw wrong('Upload-Checksum', `one of ${TUS_ALGORITHMS.join(', ')}, a space, and the digest in base64`);
  return { algorithm: known, digest };
}

export type TusConcat =
  | { readonly kind: 'whole' }
  | { readonly kind: 'partial' }
  | { readonly kind: 'final'; readonly ids: readonly string[] };

/** `Upload-Concat: partial`, or `final;/upload/tus/a /upload/tus/b` with relative or absolute addresses. @throws PlatformError `invalid_request` */
export function readConcat(header: string | undefined): TusConcat {
  if (header === undefined) return { kind: 'whole' };
  if (header === 'partial') return { kind: 'partial' };
  const list = /^final;(.*)$/.exec(header)?.[1]?.trim();
  const ids = (list ?? '')
    .split(/\s+/)
    .filter((one) => one !== '')
    .map(
      (address) =>
        address
          .replace(/[?#].*$/, '')
          .replace(/\/+$/, '')
          .split('/')
          .at(-1)
          ?.toLowerCase() ?? '',
    );
  if (ids.length === 0) throw wrong('Upload-Concat', 'partial, or final; and the addresses of the parts');
  return { kind: 'final', ids };
}
