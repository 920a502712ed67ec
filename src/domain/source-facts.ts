// What a probe found in a source: plain facts, nothing decided. Made by media/probe.ts, read by the doctor and the plan.
import { isDeepStrictEqual } from 'node:util';

/** A fraction as FFmpeg writes it: 30000/1001. Always positive, never 0/0. */
export type Rational = { readonly num: number; readonly den: number };

export const FIELD_ORDERS = ['progressive', 'tt', 'bb', 'tb', 'bt', 'unknown'] as const;
export type FieldOrder = (typeof FIELD_ORDERS)[number];

export type ColorFacts = {
  /** FFmpeg names (`bt709`, `bt2020`, `smpte2084`, …); null where the source says nothing. */
  readonly primaries: string | null;
  readonly transfer: string | null;
  readonly matrix: string | null;
  readonly range: 'tv' | 'pc' | null;
};

export type VideoFacts = {
  /** Index of the stream in the container (`-map 0:N`). */
  readonly streamIndex: number;
  readonly codec: string;
  readonly profile: string | null;
  readonly level: number | null;
  readonly pixelFormat: string | null;
  readonly bitDepth: number;
  /** 420, 422, 444, 400 or rgb. */
  readonly chroma: '420' | '422' | '444' | '400' | 'rgb' | null;
  readonly hasAlpha: boolean;
  /** Pixels as stored. */
  readonly width: number;
  readonly height: number;
  /** Shape of a stored pixel; 1/1 is square. */
  readonly sampleAspectRatio: Rational;
  /** Present where the header claims pixels of a shape that no picture has: they count as square. */
  readonly absurdAspect?: true;
  /** Clockwise degrees that make the picture upright. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** True where the picture must also be flipped left-right, before it is turned. */
  readonly mirrored: boolean;
  /** Size in square pixels, upright: what a viewer should see. Not rounded to even. */
  readonly displayWidth: number;
  readonly displayHeight: number;
  /** frames / time over the whole stream, frames/s; null for a single frame. */
  readonly averageFrameRate: Rational | null;
  /** The commonest frame interval as a rate, frames/s. */
  readonly nominalFrameRate: Rational | null;
  readonly constantFrameRate: boolean;
  /** Present where the rate is not constant only because single frames are missing (a camera or a recorder that was too slow, a cut). */
  readonly skipsFrames?: true;
  readonly frames: number;
  readonly fieldOrder: FieldOrder;
  readonly color: ColorFacts;
  readonly hdr: 'pq' | 'hlg' | null;
  readonly dolbyVisionProfile: number | null;
  /** Seconds on the source's own clock: presentation time of the first decodable frame, and end of the last one. */
  readonly startTime: number;
  readonly endTime: number;
  /** bits/s, measured over the packets. */
  readonly bitrate: number;
  /** Presentation times of the keyframes, seconds on the source's own clock, rising. */
  readonly keyframes: readonly number[];
  /** Seconds between two keyframes, at the most. */
  readonly longestGop: number;
  readonly hasBFrames: boolean;
  /** Pictures are shown before a keyframe that are stored after it: a player that begins there cannot decode them. */
  readonly hasOpenGops: boolean;
  /** Present where decode times go back on the way: an edit list shows parts of the film again, or leaves out what lies between them. */
  readonly jumpsBack?: true;
};

export type AudioFacts = {
  readonly streamIndex: number;
  readonly codec: string;
  readonly profile: string | null;
  readonly sampleRate: number;
  readonly channels: number;
  readonly channelLayout: string | null;
  /** BCP 47 or ISO 639 tag as the source has it; null where it has none or `und`. */
  readonly language: string | null;
  readonly title: string | null;
  readonly isDefault: boolean;
  readonly startTime: number;
  readonly endTime: number;
  readonly bitrate: number;
  /** Present where packets are missing on the way (lost in transmission) while all others have the time that is theirs. */
  readonly hasHoles?: true;
  /** Bits a sample of lossless sound where more than 16; left out elsewhere. */
  readonly bitDepth?: number;
  /** Stream of the right side, where two mono tracks are one stereo sound and `streamIndex` is the left one. */
  readonly right?: number;
};

/** All streams of a sound. */
export const soundStreams = ({ streamIndex, right }: Pick<AudioFacts, 'streamIndex' | 'right'>): number[] =>
  right === undefined ? [streamIndex] : [streamIndex, right];

export type SubtitleFacts = {
  readonly streamIndex: number;
  readonly codec: string;
  /** Text becomes WebVTT; bitmaps cannot. */
  readonly kind: 'text' | 'bitmap';
  readonly language: string | null;
  readonly title: string | null;
  readonly isDefault: boolean;
  readonly isForced: boolean;
};

export type SourceFacts = {
  /** Demuxer as FFmpeg names it: `mov,mp4,m4a,3gp,3g2,mj2`. `still` for a picture. */
  readonly container: string;
  /** Major brand of an MP4, MOV or HEIF (`isom`, `qt`); left out where there is none. */
  readonly brand?: string;
  /** bytes */
  readonly size: number;
  /** What the header says, seconds; null where it says nothing. */
  readonly declaredDuration: number | null;
  /** What the packets say, seconds: from `startTime` to the end of the longest stream. 0 for a picture. */
  readonly duration: number;
  /** Earliest presentation time of video and audio, seconds on the source's own clock. */
  readonly startTime: number;
  /** bits/s over everything */
  readonly bitrate: number;
  readonly streams: number;
  /** A picture, not a film: one frame without a clock, read by the image library. */
  readonly isStill: boolean;
  readonly video: VideoFacts | null;
  /** Which of several programs of a broadcast this is: picture, sound and texts are all of this one. Left out where there is one at the most. */
  readonly program?: {
    /** As the broadcast numbers it. */
    readonly number: number;
    readonly name: string | null;
    /** Further programs that have a picture or sound; they are not used. */
    readonly others: number;
  };
  /** Further video streams that are not cover art; they are not used. */
  readonly otherVideoStreams: number;
  readonly audio: readonly AudioFacts[];
  readonly subtitles: readonly SubtitleFacts[];
  /** Stream index of an attached picture (album art), which is not video. */
  readonly coverArt: number | null;
  /** False where the packets were not all read (time limit); durations then rest on the header. */
  readonly scanned: boolean;
  /**
   * `jumps`: it goes back, or far ahead, on the way (recordings that were joined, a sender that began anew), and times and durations mean
   * little. `straightened`: this is the copy whose clock goes on. Left out where it never jumped.
   */
  readonly clock?: 'jumps' | 'straightened';
  /**
   * What of the container is passed over when it is copied straight, because with it nothing would be seen: the index of an AVI that
   * points anywhere, an edit list that shows nothing of the picture. Left out where it is right.
   */
  readonly passedOver?: 'index' | 'edits';
  /** Offsets in bytes of the files that were written one behind the other into this one; left out where it is one file. */
  readonly parts?: readonly number[];
  /**
   * track_ID by stream index, where the container's index tells of every packet and agrees with the headers: then segments can be cut
   * out of the original on request.
   */
  readonly indexed?: Readonly<Record<number, number>>;
  /** What FFmpeg complained of while reading, at most 20 lines. */
  readonly warnings: readonly string[];
};

/** Whether a picture is read by the same command, as far as it goes: what only its end tells, and what a plan says anyway, may differ. */
export const isSamePicture = (a: SourceFacts, b: SourceFacts): boolean => isDeepStrictEqual(pictureOf(a), pictureOf(b));

/** As it would come out of the database. */
function pictureOf({ container, startTime, clock, isStill, video }: SourceFacts): unknown {
  if (!video) return null;
  const { averageFrameRate: _a, nominalFrameRate: _n, constantFrameRate: _c, skipsFrames: _s, ...steady } = video;
  const { frames: _f, endTime: _e, bitrate: _b, keyframes: _k, longestGop: _l, ...picture } = steady;
  const { hasBFrames: _h, hasOpenGops: _o, jumpsBack: _j, ...read } = picture;
  return JSON.parse(JSON.stringify({ container, startTime, clock, isStill, video: read }));
}
