// Places as they are stored: every secret in them sealed, so that a dump of the database contains none. Used by jobs.ts and outputs.ts.
import { PlatformError } from '#domain/error.ts';
import { type Location, type LocationKind, SECRET_FIELDS } from '#domain/location.ts';
import type { OutputSpec, WatermarkSpec } from '#domain/output.ts';

/** Seals short texts under the platform's newest key (AES-256-GCM), and opens what any of its keys sealed. */
export type Sealer = {
  readonly seal: (text: string) => string;
  /** @throws PlatformError where the text was sealed under another key */
  readonly unseal: (sealed: string) => string;
  /** The same under the newest key; null where it is already. @throws PlatformError as `unseal` */
  readonly reseal: (sealed: string) => string | null;
};

/** What a secret that no key opens reads as, where that is allowed: nothing opens by it. */
export const CLOSED = '***';

/**
 * The same for those who show and list: what no key opens reads as stars, so that one row of a lost key does not hide all others.
 * Who works with a secret asks the sealer itself, and fails.
 */
export const forShowing = (sealer: Sealer): Sealer => ({
  ...sealer,
  unseal: (sealed) => {
    try {
      return sealer.unseal(sealed);
    } catch (error) {
      if (error instanceof PlatformError && error.code === 'wrong_key') return CLOSED;
      throw error;
    }
  },
});

/** A location whose secret fields are `{sealed: …}`. */
export type SealedLocation = { readonly kind: LocationKind; readonly [field: string]: unknown };
export type SealedSpec = Omit<OutputSpec, 'destination' | 'watermark'> & {
  readonly destination: SealedLocation | null;
  readonly watermark: (Omit<WatermarkSpec, 'source'> & { readonly source: SealedLocation }) | null;
};

export function sealLocation(location: Location, sealer: Sealer): SealedLocation {
  const fields = Object.entries(location).map(([field, value]) => [
    field,
    isSecret(field, value) ? { sealed: sealer.seal(JSON.stringify(value)) } : value,
  ]);
  return Object.fromEntries(fields) as SealedLocation;
}

export function openLocation(stored: SealedLocation, sealer: Sealer): Location {
  const fields = Object.entries(stored).map(([field, value]) => [
    field,
    isSealed(value) ? openField(field, sealer.unseal(value.sealed)) : value,
  ]);
  return Object.fromEntries(fields) as Location;
}

const openField = (field: string, text: string): unknown => {
  if (text !== CLOSED) return JSON.parse(text);
  return field === 'headers' ? { [CLOSED]: CLOSED } : CLOSED;
};

export const sealSpec = (spec: OutputSpec, sealer: Sealer): SealedSpec => ({
  ...spec,
  destination: spec.destination && sealLocation(spec.destination, sealer),
  watermark: spec.watermark && { ...spec.watermark, source: sealLocation(spec.watermark.source, sealer) },
});

export const openSpec = (stored: SealedSpec, sealer: Sealer): OutputSpec => ({
  ...stored,
  destination: stored.destination && openLocation(stored.destination, sealer),
  watermark: stored.watermark && { ...stored.watermark, source: openLocation(stored.watermark.source, sealer) },
});

const SEALED_URL = 'sealed:';

/** A URL that may carry credentials or a token is sealed whole; a plain one stays readable. */
export const sealUrl = (url: string, sealer: Sealer): string =>
  mayHoldSecret(url) ? SEALED_URL + sealer.seal(url) : url;

export const openUrl = (stored: string, sealer: Sealer): string =>
  stored.startsWith(SEALED_URL) ? sealer.unseal(stored.slice(SEALED_URL.length)) : stored;

/** A text or JSON value as it is stored, with everything sealed in it under the newest key; what is not sealed stays. */
export function resealStored(stored: unknown, sealer: Pick<Sealer, 'reseal'>): unknown {
  if (typeof stored === 'string') {
    if (!stored.startsWith(SEALED_URL)) return stored;
    const resealed = sealer.reseal(stored.slice(SEALED_URL.length));
    return resealed === null ? stored : SEALED_URL + resealed;
  }
  if (isSealed(stored)) return { sealed: sealer.reseal(stored.sealed) ?? stored.sealed };
  if (Array.isArray(stored)) return stored.map((value) => resealStored(value, sealer));
  if (typeof stored !== 'object' || stored === null) return stored;
  return Object.fromEntries(Object.entries(stored).map(([field, value]) => [field, resealStored(value, sealer)]));
}

function isSecret(field: string, value: unknown): boolean {
  if (value === null || value === '') return false;
  if ((SECRET_FIELDS as readonly string[]).includes(field))
    return typeof value !== 'object' || Object.keys(value ?? {}).length > 0;
  return field === 'url' && typeof value === 'string' && mayHoldSecret(value);
}

/** User info before the host, or a query: presigned URLs and tokens. */
const mayHoldSecret = (url: string): boolean => url.includes('?') || /^[a-z]+:\/\/[^/]*@/i.test(url);

function isSealed(value: unknown): value is { readonly sealed: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'sealed' in value &&
    typeof value.sealed === 'string' &&
    Object.keys(value).length === 1
  );
}
