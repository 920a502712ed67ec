// The part of libheif's C interface that reading one picture needs: WebAssembly, so that a stranger's bytes stay in a sandbox. Used by heic-worker.ts.
import { readSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The npm package `libheif-js` (LGPL-3.0, used as it is): functions take and give numbers, most of them addresses in its memory. */
type Library = Readonly<Record<`_${string}`, (...values: number[]) => number>> & {
  /** A new view whenever the memory has grown: never keep it. */
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
};

/** What libheif answers where it fails (heif_error.h): `code` 2 is invalid input, 4 an unsupported feature, … */
export class HeifError extends Error {
  readonly code: number;
  readonly subcode: number;

  constructor(code: number, subcode: number, message: string) {
    super(message);
    this.code = code;
    this.subcode = subcode;
  }
}

/** Addresses are numbers; structures are passed by address, and results are written to one. */
export type Libheif = {
  /** Bytes of its memory, valid until the next call. */
  view(address: number, length: number): Uint8Array<ArrayBuffer>;
  uint16(address: number): number;
  uint32(address: number): number;
  allocate(bytes: number): number;
  /** Puts a file into its memory. */
  load(file: number, size: number): number;
  /** A function that answers with a number: `heif_…` without the prefix. */
  ask(name: string, ...values: number[]): number;
  /** A function that answers with a `heif_error`. @throws HeifError */
  need(name: string, ...values: number[]): void;
};

export function loadLibheif(): Libheif {
  // The package is CommonJS; its WebAssembly lies beside it and is compiled at once, which only this thread waits for.
  const open = createRequire(import.meta.url)('libheif-js/libheif-wasm/libheif.js') as (options: object) => Library;
  const quiet = () => undefined;
  const library = open({ print: quiet, printErr: quiet });
  const call = (name: string, values: readonly number[]): number => {
    const found = library[`_${name}`];
    if (found === undefined) throw new Error(`libheif-js has no ${name}`);
    return found(...values);
  };
  const allocate = (bytes: number): number => {
    const address = call('malloc', [bytes]);
    if (address === 0) throw new HeifError(MEMORY_ERROR, 0, `No memory for ${bytes} bytes`);
    return address;
  };
  const data = () => new DataView(library.HEAPU8.buffer);
  const uint32 = (address: number) => data().getUint32(address, true);
  // struct heif_error { int code; int subcode; const char* message }, written to the first argument
  const error = allocate(12);
  return {
    allocate,
    uint32,
    uint16: (address) => data().getUint16(address, true),
    view: (address, length) => library.HEAPU8.subarray(address, address + length),
    load: (file, size) => {
      const address = allocate(size);
      for (let at = 0; at < size; ) {
        const bytes = readSync(file, library.HEAPU8, address + at, size - at, at);
        if (bytes === 0) throw new Error('The file became shorter while it was read.');
        at += bytes;
      }
      return address;
    },
    ask: (name, ...values) => call(`heif_${name}`, values),
    need: (name, ...values) => {
      call(`heif_${name}`, [error, ...values]);
      if (uint32(error) !== 0) throw new HeifError(uint32(error), uint32(error + 4), text(library, uint32(error + 8)));
    },
  };
}

const MEMORY_ERROR = 6;

function text(library: Library, address: number): string {
  const end = library.HEAPU8.indexOf(0, address);
  return Buffer.from(library.HEAPU8.subarray(address, end)).toString('utf8').trim();
}
