// What managed storage can do with objects that come in pieces: files that are written at any place, joining, and multipart uploads that clients send themselves. Types; given by disk.ts and s3.ts.

/** An object and how long it is, bytes. */
export type SizedObject = { readonly key: string; readonly size: number };

export type PlacedWrite = {
  readonly offset: number;
  /** Pieces are given away: their memory is freed once they are written. */
  readonly body: AsyncIterable<Uint8Array>;
  /** No more than so many bytes are written. */
  readonly limit: number;
  readonly progress?: WriteProgress;
};

/** Told how much is written while more comes: to stop for it would let the connection run full, and every byte would grow cold. */
export type WriteProgress = {
  /** bytes from one time to the next */
  readonly every: number;
  /** Called again only once it has resolved; what it throws ends the write. */
  readonly tell: (bytes: number) => Promise<void>;
};

export type PlacedBytes = {
  /** Written, from the offset on; also where the body failed. */
  readonly bytes: number;
  /** What the body failed with; null where it came to its end, or there is a rest. */
  readonly error: Error | null;
  /** What came beyond the limit and was not written; null where nothing did. To be read, or returned. */
  readonly rest: AsyncIterator<Uint8Array> | null;
};

/** Files that several writers fill at places of their own. What is not written yet takes no room on the disk. */
export type GrowingFiles = {
  /**
   * What was written is safe from a power cut after sync alone: to wait for the disk at every write would halve the speed.
   * @throws PlatformError `disk_full`, `storage_failed`; what the body fails with is an answer
   */
  write(key: string, write: PlacedWrite): Promise<PlacedBytes>;
  /** Missing is fine. */
  sync(key: string): Promise<void>;
  /** Ends a file with exactly `size` bytes, safe on the disk, under its last key. Found ended already is fine. */
  settle(key: string, end: SizedObject): Promise<void>;
  /** bytes free for more */
  room(): Promise<number>;
};

/** A part of a multipart upload as S3 has it. */
export type UploadedPart = { readonly number: number; readonly size: number; readonly etag: string };

/** Multipart uploads that clients send straight to S3. */
export type DirectUploads = {
  begin(key: string, contentType: string | null): Promise<string>;
  /** An address that takes one part by PUT, for a while. @param seconds it lives */
  sign(key: string, part: { readonly id: string; readonly number: number; readonly seconds: number }): Promise<string>;
  parts(key: string, id: string): Promise<UploadedPart[]>;
  complete(key: string, id: string, parts: readonly UploadedPart[]): Promise<void>;
  /** Missing is fine. */
  abort(key: string, id: string): Promise<void>;
};

export type PiecewiseStorage = {
  /** Null where objects are written as a whole only: S3. */
  readonly growing: GrowingFiles | null;
  /** Null where clients can send nothing to the storage themselves: disk. */
  readonly direct: DirectUploads | null;
  /** Makes one object of several, in their order; they stay. In S3 without the bytes passing through here, where parts are 5 MiB or more. */
  join(key: string, parts: readonly SizedObject[], signal?: AbortSignal): Promise<void>;
};
