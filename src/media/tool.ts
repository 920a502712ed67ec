// The types that every media call shares: which FFmpeg, which input, which limits. Filled in by platform.ts and the workflows.
import type { Hardware, VideoCodec } from '#domain/codec.ts';

/** The FFmpeg found at start and what it really can do. Made by media/capabilities.ts. */
export type MediaTool = {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** As FFmpeg prints it: `5.1.9-0+deb12u1`. */
  readonly version: string;
  /** major · 100 + minor: 501 */
  readonly versionNumber: number;
  /** Software encoders by FFmpeg name. */
  readonly encoders: ReadonlySet<string>;
  readonly decoders: ReadonlySet<string>;
  readonly filters: ReadonlySet<string>;
  /** Hardware encoders that passed a real test encode. */
  readonly hardware: readonly { readonly kind: Hardware; readonly codec: VideoCodec; readonly encoder: string }[];
  /** Devices (`/dev/dri/renderD128`) that the VAAPI encoders among them passed on: each of them has all. */
  readonly renderNodes: readonly string[];
};

/** Where FFmpeg may read the source: a file of ours, or our own loopback range reader. Nothing else is ever opened. */
export type MediaInput =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'loopback'; readonly url: string };

/** What a source and a child may be and take at the most, each a setting. */
export type MediaLimits = {
  readonly maxWidth: number;
  readonly maxHeight: number;
  readonly maxStreams: number;
  /** seconds */
  readonly maxDuration: number;
  /** frames/s of an output */
  readonly maxFrameRate: number;
  /** pixels of a still picture */
  readonly maxImagePixels: number;
  /** seconds a probe may take */
  readonly probeTimeLimit: number;
  readonly child: ChildLimits;
};

export type ChildLimits = {
  /** bytes of address space */
  readonly memory: number;
  /** bytes of any one file it writes */
  readonly fileSize: number;
  readonly openFiles: number;
  readonly niceness: number;
};
