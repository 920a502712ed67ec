// What a task is and what it leaves behind. The result of a task is the checkpoint: once stored, its work is never done again.
import type { TaskStatus } from '#domain/job.ts';
import type { TaskKind } from '#domain/plan.ts';

export type Task = {
  readonly id: number;
  readonly jobId: number;
  readonly kind: TaskKind;
  readonly subject: number;
  readonly index: number;
  readonly status: TaskStatus;
  /** Fencing number: every claim raises it, every write names it. */
  readonly attempt: number;
  readonly weight: number;
  readonly workerId: string | null;
  readonly result: TaskResult | null;
};

/** One segment as it lies in storage. */
export type SegmentFacts = {
  /** Number in its timeline, from 0. */
  readonly index: number;
  /** Storage key. */
  readonly key: string;
  /** bytes */
  readonly size: number;
  /** In the track's timescale. */
  readonly start: number;
  readonly duration: number;
  /** Samples: video frames or audio frames. */
  readonly samples: number;
};

/** A track of the original whose segments are cut out of it when they are asked for: none of them lies in storage. */
export type OriginalTrack = {
  /** Storage key of the original. */
  readonly key: string;
  /** track_ID in it. */
  readonly track: number;
  readonly kind: 'video' | 'audio';
  /** ticks/s */
  readonly timescale: number;
  /** Ticks of a frame. */
  readonly frame: number;
  /** Seconds on the original's own clock where the timeline's zero is. */
  readonly zero: number;
  /** Ticks between decoding and showing at the most: B-frames. */
  readonly delay: number;
};

/** What one task made of one rendition: its init segment and a run of segments. */
export type TrackPart = {
  readonly rendition: string;
  /** null for MPEG-TS, which needs none. */
  readonly init: { readonly key: string; readonly size: number; readonly hash: string } | null;
  /** RFC 6381: `avc1.640028`. */
  readonly codecs: string;
  /** ticks/s of `start` and `duration` */
  readonly timescale: number;
  readonly segments: readonly SegmentFacts[];
  /** Where its segments are cut out of the original; then their keys only name them. */
  readonly original?: OriginalTrack;
};

export type StoredFile = {
  /** `poster.jpg`, `storyboard.vtt`, `master.m3u8`, or the one file of a file output. */
  readonly name: string;
  readonly key: string;
  readonly size: number;
  readonly mediaType: string;
};

export type TaskResult = {
  readonly parts: readonly TrackPart[];
  /** Single pictures by track: frame number and storage key. */
  readonly pictures: readonly { readonly track: string; readonly frame: number; readonly key: string }[];
  readonly files: readonly StoredFile[];
  /** Bytes of an output's segments at its destination, where they are not those that were stored. */
  readonly deliveredBytes?: number;
  /** Frames encoded, all renditions. */
  readonly frames: number;
  /** Wall-clock seconds of the children. */
  readonly seconds: number;
};

export const EMPTY_RESULT: TaskResult = { parts: [], pictures: [], files: [], frames: 0, seconds: 0 };
