// What will be done with a source, decided once and stored with the job: timelines, renditions, tracks, tasks. Made by media/plan.ts.
import { isDeepStrictEqual } from 'node:util';
import type { AudioCodec, Container, Hardware, Preset, VideoCodec } from '#domain/codec.ts';
import type { Failure } from '#domain/error.ts';
import type { Finding } from '#domain/finding.ts';
import type {
  AnimationOptions,
  Fit,
  LoudnessTarget,
  MetadataWish,
  PictureOptions,
  ThumbnailSpec,
  WatermarkPosition,
} from '#domain/output.ts';
import type { Rational } from '#domain/source-facts.ts';

/**
 * The fixed output clock that every rendition of it shares (design: the grid). Frame n shows at n / fps seconds.
 * Segment i is the frames boundaries[i] ≤ n < boundaries[i + 1]; boundaries begins with 0 and ends with the frame count.
 */
export type Timeline = {
  readonly id: number;
  /** Seconds on the source's own clock where this timeline's zero is. */
  readonly sourceStart: number;
  /** Seconds added to the picture's own clock so that its frames fall on the grid; less than half a frame. */
  readonly videoShift: number;
  /** seconds */
  readonly duration: number;
  /** Constant. 1/1 with one frame count of 0 where there is no video. */
  readonly fps: Rational;
  readonly frames: number;
  /** Segment boundaries in frames; in a timeline without video, in milliseconds. */
  readonly boundaries: readonly number[];
  /** Keyframe distance in frames where keyframes are regular; null where they stand only at `keyframes`. */
  readonly gopFrames: number | null;
  /** Frame numbers of all keyframes where the top rendition is copied; null where regular. */
  readonly keyframes: readonly number[] | null;
  readonly chunks: readonly Chunk[];
};

/** A run of whole segments that one FFmpeg process encodes for all renditions of its timeline. */
export type Chunk = {
  readonly index: number;
  readonly firstSegment: number;
  readonly segments: number;
  readonly startFrame: number;
  /** exclusive */
  readonly endFrame: number;
};

/** How the picture is prepared before it is split into renditions; all of it follows from the findings. */
export type PicturePreparation = {
  /** The size may change on the way: what is of another one is fitted into the first. */
  readonly steady: boolean;
  readonly deinterlace: boolean;
  readonly rotation: 0 | 90 | 180 | 270;
  readonly mirrored: boolean;
  readonly toneMap: 'pq' | 'hlg' | null;
  /** Colour to lay under transparency, `0xRRGGBB`; null where there is none. */
  readonly background: string | null;
  /** Full-range levels are brought to limited range. */
  readonly fullRange: boolean;
  /** The single frame of a still picture is held. */
  readonly hold: boolean;
};

export type EncodeRate =
  | { readonly mode: 'capped-crf'; readonly crf: number; readonly maxBitrate: number; readonly bufferSize: number }
  | {
      readonly mode: 'abr' | 'two-pass';
      readonly bitrate: number;
      readonly maxBitrate: number;
      readonly bufferSize: number;
    };

/** Where a watermark goes on one picture. */
export type WatermarkPlan = {
  /** Index of the output whose watermark image it is: outputs with equal ones share it. */
  readonly image: number;
  readonly position: WatermarkPosition;
  /** 0–1 */
  readonly opacity: number;
  /** Share of the picture's width. */
  readonly scale: number;
  /** Share of the picture's short side. */
  readonly margin: number;
};

/** What is drawn into a picture after it was scaled. */
export type Decoration = {
  readonly watermark: WatermarkPlan | null;
  /** Subtitles drawn into it; they were extracted when the job was planned. */
  readonly burn: { readonly streamIndex: number; readonly kind: 'text' | 'bitmap' } | null;
};

export type VideoRendition = {
  /** `v0`, `v1`, …: unique in the plan; the name of its folder in storage. */
  readonly id: string;
  /** `720p`; what playlists and results call it. */
  readonly name: string;
  readonly timeline: number;
  readonly codec: VideoCodec;
  /** packaged: the source's own packets, cut out of the original on request; copied: the same, written to storage; encoded: by `encoder`. */
  readonly method: 'packaged' | 'copied' | 'encoded';
  readonly hardware: Hardware | null;
  /** pixels, even */
  readonly width: number;
  readonly height: number;
  readonly fit: Fit;
  readonly preset: Preset;
  readonly rate: EncodeRate;
  /** 8 bit 4:2:0 unless the codec and the caller want more. */
  readonly pixelFormat: 'yuv420p' | 'yuv420p10le';
  readonly decoration: Decoration | null;
  readonly segmentFormat: 'cmaf' | 'ts';
};

export type AudioRendition = {
  /** `a0`, `a1`, … */
  readonly id: string;
  /** `English`, `Track 2`: what players show. */
  readonly name: string;
  readonly language: string | null;
  readonly isDefault: boolean;
  readonly timeline: number;
  readonly streamIndex: number;
  readonly codec: AudioCodec;
  readonly method: 'packaged' | 'encoded';
  /** bits/s; 0 for lossless */
  readonly bitrate: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly normalize: boolean;
  /** Left out, the usual one. */
  readonly loudness?: LoudnessTarget;
  readonly segmentFormat: 'cmaf' | 'ts';
};

export type SubtitleTrack = {
  /** `s0`, … */
  readonly id: string;
  readonly name: string;
  readonly language: string | null;
  readonly isDefault: boolean;
  readonly isForced: boolean;
  readonly timeline: number;
  readonly streamIndex: number;
};

/** Pictures taken from the decode that runs anyway. */
export type PictureTrack = {
  /** `poster`, `storyboard`, `t0` (an output's thumbnails) */
  readonly id: string;
  readonly timeline: number;
  readonly output: number;
  readonly kind: 'poster' | 'storyboard' | 'thumbnails';
  /** Frame numbers: one picture at each `first + k · every`, `count` in all. */
  readonly first: number;
  readonly every: number;
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly spec: ThumbnailSpec;
};

/** How one output comes together. */
export type OutputPlan = {
  readonly index: number;
  readonly container: Container;
  /**
   * adaptive: playlists over the segments of its renditions · joined: one file by stream copy from segments ·
   * direct: one file by a command of its own (copy, audio files, gif) · image: by the image library or from one frame.
   */
  readonly method: 'adaptive' | 'joined' | 'direct' | 'image';
  readonly timeline: number;
  readonly video: readonly string[];
  readonly audio: readonly string[];
  readonly subtitles: readonly string[];
  readonly pictures: readonly string[];
  /** Its one sound track is put into every video segment where it is delivered. */
  readonly soundInside?: boolean;
  /** Stands behind the names of segments in its playlists, where an earlier output has played under the same names. */
  readonly edition?: string;
  /** For `direct` and `image`: size and sound of the one file. */
  readonly direct: DirectPlan | null;
  /** Why this output cannot be made of this source; its `output` task fails with it, the other outputs go on. */
  readonly refused: Failure | null;
};

export type DirectPlan = {
  readonly kind: 'copy' | 'audio' | 'film' | 'animation' | 'image';
  /** seconds on the source's own clock */
  readonly start: number;
  readonly duration: number;
  readonly width: number | null;
  readonly height: number | null;
  readonly fps: Rational | null;
  readonly fit: Fit;
  readonly decoration: Decoration | null;
  readonly videoStream: number | null;
  readonly audioStreams: readonly number[];
  readonly audioCodec: AudioCodec | 'copy' | null;
  readonly audioBitrate: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly normalize: boolean;
  readonly picture?: PictureOptions;
  readonly animation?: AnimationOptions;
  readonly sound?: SoundFilePlan;
  /** Left out, the usual one, where `normalize` asks for any. */
  readonly loudness?: LoudnessTarget;
  /** Of a film for older players. */
  readonly film?: FilmFilePlan;
};

/** The picture of a film for older players. */
export type FilmFilePlan = {
  readonly codec: 'mpeg4' | 'wmv2' | 'mpeg2video' | 'theora';
  /** bits/s; null is constant quality */
  readonly bitrate: number | null;
  /** On x264's scale. */
  readonly quality: number;
};

/** A sound file beyond its codec. */
export type SoundFilePlan = {
  readonly tags: MetadataWish;
  /** Stream index of the cover that goes along; null where there is none, or the container has no place for one. */
  readonly cover: number | null;
  /** Bits a sample of lossless formats. */
  readonly bits: 16 | 24;
  readonly loudness: LoudnessTarget | null;
};

export const TASK_KINDS = ['first-light', 'chunk', 'copy', 'audio', 'subtitles', 'direct', 'upload', 'output'] as const;
/**
 * first-light: the lowest rendition's first segment, quickly · chunk: all encoded renditions of one chunk ·
 * copy: the copied rendition, whole, or what the packaged ones consist of · audio: all sound of a timeline, whole · subtitles: all text tracks ·
 * direct: one file by its own command · upload: the segments that one other task made, to the destination of an adaptive output
 * while the rest is still being made · output: playlists or joining, and delivery, of one output.
 */
export type TaskKind = (typeof TASK_KINDS)[number];

export type PlannedTask = {
  readonly kind: TaskKind;
  /** Timeline of first-light, chunk, copy, audio, subtitles; output index of direct, upload and output. */
  readonly subject: number;
  /** Chunk index; of an upload, the place in `Plan.tasks` of the task whose segments it sends; 0 for the others. */
  readonly index: number;
  /** Relative cost, used for progress: pixels encoded, or bytes handled / 10. */
  readonly weight: number;
};

export type PlanCost = {
  /** CPU seconds of this machine's kind, a rough forecast. */
  readonly cpuSeconds: number;
  /** bytes of scratch at the most while it runs */
  readonly scratchBytes: number;
  /** bytes of result, about */
  readonly outputBytes: number;
  /** minutes of output, all renditions added up */
  readonly outputMinutes: number;
};

export type Plan = {
  readonly findings: readonly Finding[];
  readonly videoStream: number | null;
  readonly preparation: PicturePreparation;
  readonly timelines: readonly Timeline[];
  readonly video: readonly VideoRendition[];
  readonly audio: readonly AudioRendition[];
  readonly subtitles: readonly SubtitleTrack[];
  readonly pictures: readonly PictureTrack[];
  readonly outputs: readonly OutputPlan[];
  /** Every task but `output`, in the order they should start. `output` tasks are sent when what they need is done. */
  readonly tasks: readonly PlannedTask[];
  readonly cost: PlanCost;
};

/** Whether two plans of one source have the same tasks do the same: what was done by the one is done by the other. */
export const isSameWork = (a: Plan, b: Plan): boolean => isDeepStrictEqual(workOf(a), workOf(b));

/**
 * Whether a chunk of the one plan is the same work in the other, whatever else differs: then what was made of it serves both. What the
 * end of a source decides (its length, later chunks) may differ.
 */
export function isSameChunk(a: Plan, b: Plan, task: Pick<PlannedTask, 'subject' | 'index'>): boolean {
  const [one, other] = [chunkOf(a, task), chunkOf(b, task)];
  return one !== null && isDeepStrictEqual(one, other);
}

function chunkOf(plan: Plan, { subject, index }: Pick<PlannedTask, 'subject' | 'index'>): unknown {
  const timeline = plan.timelines[subject];
  const chunk = timeline?.chunks[index];
  if (!timeline || !chunk) return null;
  const { id, sourceStart, videoShift, fps, gopFrames } = timeline;
  const { firstSegment, segments, startFrame, endFrame } = chunk;
  const pictures = plan.pictures.filter((track) => track.timeline === id);
  const work = {
    ...{ chunk, clock: { id, sourceStart, videoShift, fps, gopFrames } },
    boundaries: timeline.boundaries.slice(firstSegment, firstSegment + segments + 1),
    keyframes: timeline.keyframes?.filter((frame) => frame >= startFrame && frame < endFrame) ?? null,
    stream: plan.videoStream,
    preparation: plan.preparation,
    video: plan.video.filter((rendition) => rendition.timeline === id && rendition.method === 'encoded'),
    pictures: pictures.map(({ count, ...track }) => {
      const taken = Math.ceil((endFrame - track.first) / track.every);
      // A poster is chosen among all its candidates.
      return { ...track, count: track.kind === 'poster' ? count : Math.min(count, taken) };
    }),
  };
  return JSON.parse(JSON.stringify(work));
}

/** As it would come out of the database. */
const workOf = ({ findings: _findings, cost: _cost, ...work }: Plan): unknown => JSON.parse(JSON.stringify(work));
