// Where a job's bytes lie in managed storage: one prefix a job, below it the source and one prefix for every attempt. Pure.
import { uploadPrefix } from '#domain/video.ts';

/** All of a job's, with a slash at its end: `jobs/UUID/`. */
export const jobPrefix = (uuid: string): string => `jobs/${uuid}/`;

/** What was fetched, without an extension: content decides what it is. */
export const sourceKey = (uuid: string): string => `${jobPrefix(uuid)}source/original`;

/** The same with a clock that does not jump. */
export const straightKey = (uuid: string): string => `${jobPrefix(uuid)}source/straight`;

/** The upright picture that stands for a still source. */
export const stillKey = (uuid: string): string => `${jobPrefix(uuid)}source/still.png`;

/** One attempt's own, without a slash at its end: `jobs/UUID/t12-1`. */
export const attemptPrefix = (uuid: string, { taskId, attempt }: { taskId: number; attempt: number }): string =>
  `${jobPrefix(uuid)}t${taskId}-${attempt}`;

/** The job a key belongs to; null where it is none of a job's. */
export const jobUuidOf = (key: string): string | null => /^jobs\/([0-9a-f-]{36})\//.exec(key)?.[1] ?? null;

/** What was uploaded, where it stays when it becomes the original of a video. */
export const uploadKey = (id: string): string => `${uploadPrefix(id)}original`;

/** The watermark of an output as it came inside the request. */
export const watermarkSourceKey = (uuid: string, output: number): string =>
  `${jobPrefix(uuid)}source/watermark-${output}`;

/** The same, or one that was fetched, as it is drawn. */
export const watermarkKey = (uuid: string, output: number): string => `${watermarkSourceKey(uuid, output)}.png`;

/** Subtitles that are burnt in: text of a stream of the source. */
export const burnScriptKey = (uuid: string, streamIndex: number): string =>
  `${jobPrefix(uuid)}source/burn-${streamIndex}.ass`;

/** The same for bitmaps: a list, and pictures beside it. */
export const burnSlidesKey = (uuid: string, streamIndex: number, name = 'slides.json'): string =>
  `${jobPrefix(uuid)}source/burn-${streamIndex}/${name}`;
