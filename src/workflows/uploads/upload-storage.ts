// Where the pieces of an upload lie in managed storage until it is whole: all below its own prefix. Pure.
import { uploadPrefix } from '#domain/video.ts';

/** The one file that chunks are written into at their places. */
export const growingKey = (id: string): string => `${uploadPrefix(id)}growing`;

/** Chunks that are objects of their own. */
export const partsPrefix = (id: string): string => `${uploadPrefix(id)}parts/`;

/** @param token tells apart two that come for the same place */
export const partKey = (id: string, index: number, token: string): string => `${partsPrefix(id)}${index}-${token}`;
