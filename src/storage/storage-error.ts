// Turns what went wrong at a store into the platform's error codes, by the store's role. Used by every store.
import { type ErrorCode, isNodeError, PlatformError, type PlatformErrorOptions } from '#domain/error.ts';
import type { StoreRole } from '#storage/store.ts';

export type StorageFault =
  | 'not_found'
  | 'denied'
  | 'unreachable'
  | 'truncated'
  | 'tls'
  | 'redirects'
  | 'refused'
  | 'refused_address';

const CODES: Readonly<Record<StorageFault, Readonly<Record<StoreRole, ErrorCode>>>> = {
  not_found: { source: 'source_not_found', destination: 'destination_not_found', managed: 'not_found' },
  denied: { source: 'source_denied', destination: 'destination_denied', managed: 'storage_failed' },
  unreachable: { source: 'source_unreachable', destination: 'destination_unreachable', managed: 'storage_failed' },
  truncated: { source: 'source_truncated', destination: 'destination_unreachable', managed: 'storage_failed' },
  tls: { source: 'source_tls', destination: 'destination_tls', managed: 'storage_failed' },
  redirects: { source: 'source_redirects', destination: 'destination_refused', managed: 'storage_failed' },
  refused: { source: 'source_unreachable', destination: 'destination_refused', managed: 'storage_failed' },
  refused_address: {
    source: 'source_refused_address',
    destination: 'destination_refused_address',
    managed: 'storage_failed',
  },
};

export type StorageErrorOptions = PlatformErrorOptions & { readonly role: StoreRole; readonly fault: StorageFault };

/** An error with the code that this fault has in this role. */
export function storageError(message: string, { role, fault, ...options }: StorageErrorOptions): PlatformError {
  return new PlatformError(CODES[fault][role], message, options);
}

const TLS_CODES =
  /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|EPROTO$|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|INVALID_CA$|HOSTNAME_MISMATCH$)/;

/**
 * An error of a socket, of TLS or of name resolution as a PlatformError. One of ours that lies in the chain of
 * causes (a refused address, thrown inside the dialling) comes out as it is; so does the reason of an abort.
 */
export function transportError(where: string, role: StoreRole, thrown: unknown): Error {
  const chain = [...causes(thrown)];
  const ours = chain.find((error) => error instanceof PlatformError);
  if (ours) return ours;
  if (thrown instanceof Error && thrown.name === 'AbortError') return thrown;
  const nodeError = chain.find(isNodeError);
  const code = nodeError?.code ?? '';
  const detail = (nodeError ?? chain[0])?.message ?? String(thrown);
  if (TLS_CODES.test(code)) {
    // Node's own advice is for those who start Node.
    const plain = detail.replace(/; if the root CA is installed locally.*$/s, '');
    return storageError(`The TLS connection to ${where} failed: ${plain}`, { role, fault: 'tls', cause: thrown });
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PlatformError('disk_full', `No space left while transferring ${where}.`, { cause: thrown });
  }
  return storageError(`${where} could not be reached: ${detail}`, { role, fault: 'unreachable', cause: thrown });
}

function* causes(thrown: unknown): Generator<Error> {
  const seen = new Set<unknown>();
  const open = [thrown];
  while (open.length > 0) {
    const error = open.shift();
    if (!(error instanceof Error) || seen.has(error)) continue;
    seen.add(error);
    yield error;
    // Several addresses of one name were tried: each failure stands in `errors`.
    if (error instanceof AggregateError) open.push(...error.errors);
    open.push(error.cause);
  }
}

/** The seconds of a Retry-After header (RFC 9110 §10.2.3: seconds or a date), at most a day; undefined where there is none. */
export function retryAfterSeconds(value: string | undefined, now: number = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : Math.ceil((Date.parse(value) - now) / 1000);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 86_400) : undefined;
}
