// The Range header of a request (RFC 9110 §14). Pure; used by send-file.ts.

export type WantedBytes = { readonly start: number /** included */; readonly end: number };

/**
 * The one range that a Range header asks for; null where the whole is to be sent (no header, another unit, or several
 * ranges, which §14.2 lets a server ignore); `unsatisfiable` where it begins behind the end.
 */
export function parseRange(header: string | undefined, size: number): WantedBytes | null | 'unsatisfiable' {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '');
  if (!match) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length > 0 ? { start: size - length, end: size - 1 } : 'unsatisfiable';
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return null;
  return start < size ? { start, end } : 'unsatisfiable';
}
