// Request bodies that were compressed on their way (Content-Encoding, RFC 9110 §8.4): JSON and fields are unpacked, files are refused. Wired by server.ts.
import { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Api } from '#api/context.ts';
import { PlatformError } from '#domain/error.ts';

const UNPACKERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const;
type Coding = keyof typeof UNPACKERS;
const isCoding = (text: string): text is Coding => Object.hasOwn(UNPACKERS, text);

/** Bodies that are read whole, and bounded as they are unpacked. Media is compressed already, and its bytes are counted as they come. */
const UNPACKED_TYPES = /^\s*(application\/(json|x-www-form-urlencoded)|text\/plain)\s*(;|$)/i;

export function unpackBodies(app: Api): void {
  app.addHook('preParsing', async ({ headers }, _reply, payload) => {
    const coding = (headers['content-encoding'] ?? '').trim().toLowerCase();
    if (coding === '' || coding === 'identity') return payload;
    if (!isCoding(coding))
      throw new PlatformError('invalid_request', `Content-Encoding: ${Object.keys(UNPACKERS).join(', ')}, or none`);
    if (!UNPACKED_TYPES.test(headers['content-type'] ?? ''))
      throw new PlatformError('invalid_request', `Content-Encoding: none with bytes or files, which are kept as sent`);
    const unpacked = UNPACKERS[coding]();
    // Whoever reads on is told; without a listener of its own a broken body would end the process.
    unpacked.on('error', () => payload.resume());
    let received = 0;
    payload.on('data', (piece: Buffer) => {
      received += piece.length;
    });
    payload.pipe(unpacked);
    // Fastify holds this one against Content-Length; its limit of the body counts what comes out.
    return Object.defineProperty(Readable.from(readAll(unpacked, coding)), 'receivedEncodedLength', {
      get: () => received,
    });
  });
}

async function* readAll(unpacked: Readable, coding: Coding): AsyncGenerator<Buffer> {
  try {
    for await (const piece of unpacked) yield piece as Buffer;
  } catch (cause) {
    throw new PlatformError('invalid_request', `The body is not what its Content-Encoding (${coding}) says`, { cause });
  }
}
