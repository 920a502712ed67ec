// What a video's job makes: one adaptive stream in managed storage, HLS and DASH from the same segments. Pure; called by submit-video.ts.

import { type OutputSpec, outputSpec } from '#domain/output.ts';
import { presetRendition } from '#media/ladder.ts';

export type StreamWish = {
  /** `720p`, …; null takes VIDEO_QUALITY_PRESETS. */
  readonly qualities: readonly string[] | null;
  /** A further job of a video: the first one made sound, pictures and the copied stream. */
  readonly isFurther: boolean;
};

/** bits/s are the presets' own, and never above the source's size. */
export function videoOutput({ qualities, isFurther }: StreamWish): OutputSpec {
  return outputSpec({
    container: 'hls',
    audioCodec: isFurther ? 'none' : null,
    renditions: qualities?.map(presetRendition).filter((one) => one !== null) ?? null,
    passthrough: isFurther ? 'never' : 'auto',
    storyboard: !isFurther,
    instant: !isFurther,
  });
}
