// The one interface of every place bytes lie: disk, S3, HTTP, FTP, inline. Each passes test/storage/conformance.ts.
import type { Readable } from 'node:stream';

/** Which side of a job a store stands on; decides the codes of its errors: source_*, destination_* or storage_failed. */
export type StoreRole = 'source' | 'destination' | 'managed';

export type ObjectInfo = {
  readonly key: string;
  /** bytes; null where the server does not say */
  readonly size: number | null;
  readonly contentType: string | null;
  readonly etag: string | null;
  readonly modifiedAt: Date | null;
};

export type ReadOptions = {
  /** Bytes, both ends included; `end` left out reads to the end. */
  readonly start?: number;
  readonly end?: number;
  readonly signal?: AbortSignal;
};

export type WriteOptions = {
  readonly contentType?: string;
  readonly cacheControl?: string;
  /** bytes, where known beforehand */
  readonly size?: number;
  readonly signal?: AbortSignal;
  /** Called with the bytes sent so far. */
  readonly onProgress?: (bytes: number) => void;
};

export type StoreAbilities = {
  readonly ranges: boolean;
  readonly list: boolean;
  readonly write: boolean;
  readonly remove: boolean;
};

/** Keys are relative, with forward slashes, never starting with one, never with `..`. A store refuses others with `invalid_request`. */
export interface Store {
  readonly kind: 'disk' | 's3' | 'http' | 'ftp' | 'inline' | 'cloudinary';
  readonly abilities: StoreAbilities;
  /** @throws PlatformError `*_not_found`, `*_denied`, `*_unreachable`, … by role */
  stat(key: string, signal?: AbortSignal): Promise<ObjectInfo>;
  /** A stream that fails with `*_truncated`/`*_unreachable` when the transfer ends early, and is resumed by range where the server can. */
  read(key: string, options?: ReadOptions): Promise<Readable>;
  /** Whole or not at all: a failed write leaves no object under the key. Resolves with the bytes written. */
  write(key: string, body: Readable | Uint8Array, options?: WriteOptions): Promise<number>;
  /** Missing is fine. */
  remove(key: string): Promise<void>;
  /** Everything whose key begins with `prefix`. */
  removeAll(prefix: string): Promise<void>;
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** A path FFmpeg may open, where the object is a local file; else null. */
  localPath(key: string): string | null;
  /** Takes over a finished local file: moved where the file system can (the file is then gone), else uploaded. Resolves with its bytes. */
  adopt(path: string, key: string, options?: WriteOptions): Promise<number>;
  close(): Promise<void>;
}
