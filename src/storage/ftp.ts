// Files on an FTP server, plain or with TLS. Opened by open.ts.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Client } from 'basic-ftp';
import { PlatformError } from '#domain/error.ts';
import { beyondEnd, wantedRange } from '#storage/byte-range.ts';
import {
  codeOf,
  createFtpPool,
  type FtpOptions,
  type FtpPlace,
  type FtpPool,
  ftpError,
} from '#storage/ftp-connection.ts';
import { listFtp, removeAllFtp } from '#storage/ftp-walk.ts';
import { checkKey, checkPrefix } from '#storage/key.ts';
import { type ReadAttempt, resumingRead } from '#storage/resuming-read.ts';
import { storageError } from '#storage/storage-error.ts';
import type { ObjectInfo, ReadOptions, Store, WriteOptions } from '#storage/store.ts';
import { STREAM_BUFFER, writeBody } from '#storage/write-body.ts';

const STALL_TIMEOUT_MS = 30_000;

/** Connects nothing yet. @throws PlatformError `invalid_request` */
export function openFtp(options: FtpOptions): Store {
  // Line ends would be further commands.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused.
  if (/[\u0000-\u001f\u007f]/.test(options.user + options.password + options.prefix)) {
    throw new PlatformError('invalid_request', 'FTP user, password and path cannot hold control characters.');
  }
  const place: FtpPlace = {
    options,
    pool: createFtpPool(options),
    folders: new Set(),
    toError: (key, thrown) => ftpError(urlOf(options, key), options.guard.role, thrown),
    path: (key) => options.prefix + checkKey(key),
  };
  const call = async <T>(key: string, work: (client: Client) => Promise<T>): Promise<T> => {
    try {
      return await place.pool.use(work);
    } catch (error) {
      throw place.toError(key, error);
    }
  };
  const write = (key: string, body: Readable | Uint8Array, writing: WriteOptions = {}) =>
    writeFile(place, key, { body, writing });

  return {
    kind: 'ftp',
    abilities: { ranges: true, list: true, write: true, remove: true },
    stat: (key) => call(key, (client) => statFile(place, client, key)),
    read: (key, reading = {}) => readFile(place, key, reading),
    write,
    remove: (key) => call(key, (client) => removeFile(client, place.path(key))),
    removeAll: (prefix) => call(prefix, (client) => removeAllFtp(place, client, checkPrefix(prefix))),
    list: (prefix) => listFtp(place, checkPrefix(prefix)),
    localPath: () => null,
    adopt: async (path, key, writing = {}) => {
      const { size } = await stat(path);
      return write(key, createReadStream(path, { highWaterMark: STREAM_BUFFER }), { ...writing, size });
    },
    close: async () => place.pool.close(),
  };
}

function urlOf({ host, prefix, secure }: FtpOptions, key: string): string {
  return `${secure ? 'ftps' : 'ftp'}://${host}/${prefix.replace(/^\//, '')}${key}`;
}

async function statFile(place: FtpPlace, client: Client, key: string): Promise<ObjectInfo> {
  const path = place.path(key);
  const size = await sizeOf(client, path);
  let modifiedAt: Date | null = null;
  try {
    modifiedAt = await client.lastMod(path);
  } catch (error) {
    // Not every server knows MDTM; a date is no reason to fail.
    if (codeOf(error) === undefined) throw error;
  }
  return { key, size, contentType: null, etag: null, modifiedAt };
}

/** Null where the server does not know SIZE, although the file may be there. */
async function sizeOf(client: Client, path: string): Promise<number | null> {
  try {
    return await client.size(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 500 || code === 502 || code === 504) return null;
    throw error;
  }
}

async function readFile(place: FtpPlace, key: string, reading: ReadOptions): Promise<Readable> {
  const path = place.path(key);
  const asked = wantedRange(key, reading, null);
  let size: number | null | undefined;
  let range = asked;
  const toError = (thrown: unknown) => place.toError(key, thrown);

  const open = async (offset: number, signal: AbortSignal): Promise<ReadAttempt> => {
    let client: Client | undefined;
    try {
      client = await place.pool.take();
      const now = await sizeOf(client, path);
      if (size !== undefined && now !== size) {
        throw storageError(`${urlOf(place.options, key)} was changed while it was being read.`, {
          role: place.options.guard.role,
          fault: 'truncated',
          retryable: false,
        });
      }
      size = now;
      range = wantedRange(key, reading, size);
      if (range.end !== null && offset >= range.end) {
        place.pool.release(client);
        return { body: Readable.from([]), end: range.end, resumable: false };
      }
      signal.throwIfAborted();
      return { body: download(place.pool, client, { path, offset }), end: range.end, resumable: size !== null };
    } catch (error) {
      if (client) place.pool.release(client);
      throw toError(error);
    }
  };
  return resumingRead({
    open,
    start: asked.start,
    signal: reading.signal,
    stallTimeout: place.options.timeout ?? STALL_TIMEOUT_MS,
    toError: (cause) => {
      const error = toError(cause);
      // Some servers know no SIZE and refuse an offset behind the end only when the transfer begins.
      return codeOf(cause) === 554 ? beyondEnd(key, asked.start, null) : error;
    },
    toTruncated: (got, wanted) =>
      storageError(`${urlOf(place.options, key)} ended after ${got} of ${wanted} bytes.`, {
        role: place.options.guard.role,
        fault: 'truncated',
      }),
  });
}

type Download = { readonly path: string; readonly offset: number };

/**
 * A transfer as a stream. It ends only when the server has confirmed the transfer on the control connection: an ended
 * data connection alone looks the same whether the file is whole or not.
 */
function download(pool: FtpPool, client: Client, { path, offset }: Download): Readable {
  let wakeUp: (() => void) | undefined;
  let over = false;
  const out = new Readable({
    highWaterMark: STREAM_BUFFER,
    read() {
      wakeUp?.();
      wakeUp = undefined;
    },
    destroy(error, done) {
      // There is no clean way out of a running transfer: the connection goes with it.
      if (!over) client.close();
      done(error);
    },
  });
  const sink = new Writable({
    highWaterMark: STREAM_BUFFER,
    write(piece: Buffer, _encoding, done) {
      if (out.push(piece)) done();
      else wakeUp = done;
    },
  });
  const finish = (error?: unknown) => {
    over = true;
    pool.release(client);
    if (error === undefined) out.push(null);
    else out.destroy(error instanceof Error ? error : new Error(String(error)));
  };
  client.downloadTo(sink, path, offset).then(() => finish(), finish);
  return out;
}

type Writing = { readonly body: Readable | Uint8Array; readonly writing: WriteOptions };

async function writeFile(place: FtpPlace, key: string, { body, writing }: Writing): Promise<number> {
  const path = place.path(key);
  writing.signal?.throwIfAborted();
  const { stream, bytes, failure } = writeBody(body, writing);
  const part = `${path.slice(0, path.lastIndexOf('/') + 1)}.part-${randomUUID().slice(0, 13)}`;
  let client: Client | undefined;
  try {
    client = await place.pool.take();
    await makeFolders(place, client, path);
    await client.uploadFrom(place.options.secure ? endingLate(client, stream) : stream, part);
    await checkArrived(place, client, { key, part, bytes: bytes() });
    await moveInto(client, part, path);
    return bytes();
  } catch (error) {
    stream.destroy();
    // The server's late word on a broken transfer would be taken for the answer to the next command.
    if (client && codeOf(error) === undefined && !(error instanceof PlatformError)) client.close();
    if (client) await removePart(place, client, part);
    throw failure() ?? place.toError(key, error);
  } finally {
    if (client) place.pool.release(client);
  }
}

/**
 * The body of an upload over TLS; an empty one ends only after the handshake of its data connection. Ended before, the
 * connection closes without TLS's own goodbye, which OpenSSL 3 takes for an attack and vsftpd for a reason to give up.
 */
function endingLate(client: Client, stream: Readable): Readable {
  const bytes = async function* () {
    let empty = true;
    for await (const piece of stream) {
      empty = false;
      yield piece;
    }
    const socket = client.ftp.dataSocket;
    if (!empty || !(socket instanceof TLSSocket)) return;
    if (!socket.authorized) await once(socket, 'secureConnect');
    await new Promise((resolve) => setImmediate(resolve));
  };
  return Readable.from(bytes(), { objectMode: false, highWaterMark: STREAM_BUFFER });
}

type Arrival = { readonly key: string; readonly part: string; readonly bytes: number };

/** Servers confirm transfers whose data connection broke: only the size says that everything arrived. */
async function checkArrived(place: FtpPlace, client: Client, { key, part, bytes }: Arrival): Promise<void> {
  const size = await sizeOf(client, part);
  if (size === null || size === bytes) return;
  throw storageError(`${urlOf(place.options, key)}: only ${size} of ${bytes} bytes arrived.`, {
    role: place.options.guard.role,
    fault: 'truncated',
  });
}

async function moveInto(client: Client, part: string, path: string): Promise<void> {
  try {
    await client.rename(part, path);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    // Servers on Windows do not rename over a file that is there.
    await client.remove(path, true);
    await client.rename(part, path);
  }
}

/** After a failure the connection is often gone with it; then another one clears up. */
async function removePart(place: FtpPlace, client: Client, part: string): Promise<void> {
  try {
    if (client.closed) {
      const { host, port, user, password, secure, guard } = place.options;
      const other = createFtpPool({ host, port, user, password, secure, guard, timeout: 5000 });
      try {
        await other.use((fresh) => fresh.remove(part, true));
      } finally {
        other.close();
      }
    } else await client.remove(part, true);
  } catch {
    // The failure that brought us here is the one to report; a server that is gone cannot be tidied.
  }
}

/** Makes the folders on the way to a path. What is there already, or cannot be made, shows when the file is written. */
async function makeFolders({ folders }: FtpPlace, client: Client, path: string): Promise<void> {
  const parts = path.split('/').slice(0, -1);
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = parts.slice(0, depth).join('/');
    if (folder === '' || folders.has(folder)) continue;
    await client.sendIgnoringError(`MKD ${await client.protectWhitespace(folder)}`);
    folders.add(folder);
  }
}

async function removeFile(client: Client, path: string): Promise<void> {
  try {
    await client.remove(path);
  } catch (error) {
    if (codeOf(error) !== 550) throw error;
    // 550 stands for missing and for not allowed; what still has a size is there.
    const stillThere = await client.size(path).then(
      () => true,
      () => false,
    );
    if (stillThere) throw error;
  }
}
