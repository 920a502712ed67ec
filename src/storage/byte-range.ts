// The wanted part of an object, held against its size. Used by every store's read and by the range reader.
import { PlatformError } from '#domain/error.ts';
import type { ReadOptions } from '#storage/store.ts';

export type ByteRange = {
  readonly start: number;
  /** exclusive; null to the end of an object whose size is not known */
  readonly end: number | null;
};

/**
 * Start and exclusive end of what is to be read, cut at the object's size where that is known.
 * @throws PlatformError `invalid_request` where the range is no range or begins behind the last byte
 */
export function wantedRange(key: string, options: ReadOptions, size: number | null): ByteRange {
  const { start = 0, end } = options;
  if (!Number.isSafeInteger(start) || start < 0 || (end !== undefined && (!Number.isSafeInteger(end) || end < start))) {
    throw new PlatformError('invalid_request', `${start}–${end ?? ''} is not a range of bytes.`);
  }
  if (size !== null && start > 0 && start >= size) throw beyondEnd(key, start, size);
  const wanted = end === undefined ? null : end + 1;
  if (size === null) return { start, end: wanted };
  return { start, end: Math.min(wanted ?? size, size) };
}

/** What every store answers to a range that begins behind the last byte. */
export function beyondEnd(key: string, start: number, size: number | null): PlatformError {
  const length = size === null ? 'fewer' : String(size);
  return new PlatformError('invalid_request', `The range begins at byte ${start}, but "${key}" has ${length} bytes.`);
}
