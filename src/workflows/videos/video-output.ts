// What a video's job makes: one adaptive stream in managed storage, HLS and DASH from the same segments. Pure; called by submit-video.ts.

import type { Config } from '#config/settings.ts';
import type { OutputSpec } from '#domain/output.ts';
import { presetRendition } from '#media/ladder.ts';

export type StreamWish = {
  /** `720p`, …; null takes VIDEO_QUALITY_PRESETS. */
  readonly qualities: readonly string[] | null;
  /** A further job of a video: the first one made sound, pictures and the copied stream. */
  readonly isFurther: boolean;
};

/** bits/s are the presets' own, and never above the source's size. */
export function videoOutput({ HWACCEL }: Pick<Config, 'HWACCEL'>, { qualities, isFurther }: StreamWish): OutputSpec {
  return {
    container: 'hls',
    videoCodec: null,
    audioCodec: isFurther ? 'none' : null,
    width: null,
    height: null,
    fit: 'contain',
    fps: null,
    rate: { mode: 'capped-crf', crf: null, maxBitrate: null },
    preset: null,
    hwaccel: HWACCEL,
    audioBitrate: null,
    audioChannels: null,
    audioSampleRate: null,
    normalizeAudio: false,
    start: 0,
    duration: null,
    renditions: qualities?.map(presetRendition).filter((one) => one !== null) ?? null,
    segmentFormat: 'cmaf',
    passthrough: isFurther ? 'never' : 'auto',
    thumbnails: null,
    watermark: null,
    subtitles: null,
    storyboard: !isFurther,
    instant: !isFurther,
    destination: null,
  };
}
