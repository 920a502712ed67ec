// The source that came inside the request, as base64. Opened by open.ts.
import { Readable } from 'node:stream';
import { PlatformError } from '#domain/error.ts';
import { wantedRange } from '#storage/byte-range.ts';
import { checkKey } from '#storage/key.ts';
import { storageError } from '#storage/storage-error.ts';
import type { Store } from '#storage/store.ts';
import { endOnAbort } from '#storage/write-body.ts';

export type InlineOptions = {
  /** base64, plain or URL-safe; whitespace and a `data:…;base64,` in front are allowed */
  readonly data: string;
  readonly key: string;
  /** bytes, decoded */
  readonly maxBytes: number;
};

/**
 * A read-only store of one object. The size is judged before anything is decoded.
 * @throws PlatformError `source_too_large`, `invalid_request` where the text is not base64
 */
export function openInline({ data, key, maxBytes }: InlineOptions): Store {
  const bytes = decode(data, maxBytes);
  const check = (asked: string) => {
    if (checkKey(asked) !== key) {
      throw storageError(`There is no inline file "${asked}".`, { role: 'source', fault: 'not_found' });
    }
  };
  const readOnly = async (): Promise<never> => {
    throw new PlatformError('invalid_request', 'An inline source cannot be changed.');
  };
  const info = { key, size: bytes.length, contentType: null, etag: null, modifiedAt: null };
  return {
    kind: 'inline',
    abilities: { ranges: true, list: true, write: false, remove: false },
    stat: async (asked) => {
      check(asked);
      return info;
    },
    read: async (asked, options = {}) => {
      check(asked);
      options.signal?.throwIfAborted();
      const { start, end } = wantedRange(key, options, bytes.length);
      const stream = Readable.from([bytes.subarray(start, end ?? undefined)], { objectMode: false });
      endOnAbort(stream, options.signal);
      return stream;
    },
    write: readOnly,
    remove: readOnly,
    removeAll: readOnly,
    adopt: readOnly,
    list: async function* (prefix) {
      if (key.startsWith(prefix)) yield info;
    },
    localPath: () => null,
    close: async () => undefined,
  };
}

function decode(data: string, maxBytes: number): Buffer {
  const text = data.replace(/^data:[^,]{0,200};base64,/, '');
  // Four characters carry three bytes; line ends make it a little more text than that.
  if (text.length > (maxBytes * 4) / 3 + 100 + maxBytes / 10) throw tooLarge(maxBytes);
  const plain = text.replace(/\s+/g, '');
  const padding = /={0,2}$/.exec(plain)?.[0].length ?? 0;
  const size = Math.floor(((plain.length - padding) * 3) / 4);
  if (size > maxBytes) throw tooLarge(maxBytes);
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(plain) || (plain.length - padding) % 4 === 1) {
    throw new PlatformError('invalid_request', 'The data of the inline source is not base64.');
  }
  return Buffer.from(plain, 'base64');
}

function tooLarge(maxBytes: number): PlatformError {
  return new PlatformError(
    'source_too_large',
    `The inline source is larger than ${maxBytes} bytes (MAX_INLINE_BYTES).`,
  );
}
