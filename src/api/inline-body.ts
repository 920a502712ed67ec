// How large a body of JSON may be that carries a file in base64. Used by the routes that take one.
import type { Config } from '#config/settings.ts';

/** Bytes for the rest of the request beside the file. */
const ALLOWANCE = 1024 ** 2;

/** bytes */
export const inlineBodyLimit = ({ MAX_INLINE_BYTES }: Pick<Config, 'MAX_INLINE_BYTES'>): number =>
  Math.ceil((MAX_INLINE_BYTES * 4) / 3) + ALLOWANCE;
