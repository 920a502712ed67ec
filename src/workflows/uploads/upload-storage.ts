// Where the pieces of an upload lie in managed storage until it is whole: all below its own prefix. Pure.
import { uploadIdOf, uploadPrefix } from '#domain/video.ts';

/** The one file that chunks are written into at their places; in a bucket, what has come of the upload so far. */
export const growingKey = (id: string): string => `${uploadPrefix(id)}growing`;

export const isGrowingKey = (key: string): boolean => {
  const id = uploadIdOf(key);
  return id !== null && key === growingKey(id);
};

/** Chunks that are objects of their own. */
export const partsPrefix = (id: string): string => `${uploadPrefix(id)}parts/`;

/** @param token tells apart two that come for the same place */
export const partKey = (id: string, index: number, token: string): string => `${partsPrefix(id)}${index}-${token}`;
