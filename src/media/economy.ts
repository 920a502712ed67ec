// Bitrates of a film that is to become smaller, or as large as a number of bytes: never above the source's own. Pure; used by plan-video.ts and plan-sound.ts.
import { PlatformError } from '#domain/error.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { EncodeRate } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';

/** What boxes and frame tables take, and how far a short clip's two passes may miss. */
const USABLE = 0.95;
const OVERHEAD_BYTES = 4000;
/** bits/s below which a picture is none, and sound is no sound. */
const LEAST_VIDEO = 24_000;
const LEAST_SOUND = 32_000;
/** Share of a small file that sound may take. */
const SOUND_SHARE = 0.25;
/** Constant quality that asks for no cap still gets one far above what it usually takes: a buffer must have a size. */
const GENEROUS = 6;
/** x264's quality doubles its rate about every six steps. */
const STEPS_A_DOUBLING = 6;

export type SharedOut = { readonly video: number /** of each track */; readonly sound: number };

/**
 * bits/s of picture and sound that make a file of `targetSize` bytes.
 * @throws PlatformError `invalid_request` where too little is left for a picture
 */
export function shareOut(
  targetSize: number,
  film: { readonly duration: number; readonly tracks: number; readonly audioBitrate: number },
): SharedOut {
  const total = (Math.max(0, targetSize * USABLE - OVERHEAD_BYTES) * 8) / film.duration;
  const sound =
    film.tracks === 0
      ? 0
      : Math.max(LEAST_SOUND, Math.min(film.audioBitrate, Math.floor((total * SOUND_SHARE) / film.tracks)));
  const video = Math.floor(total - sound * film.tracks);
  if (video < LEAST_VIDEO) {
    const needed = ((LEAST_VIDEO + LEAST_SOUND * film.tracks) * film.duration) / 8 / USABLE + OVERHEAD_BYTES;
    throw new PlatformError(
      'invalid_request',
      `${(targetSize / 1e6).toFixed(2)} MB are too few for ${film.duration.toFixed(1)} s: at least ${(Math.ceil(needed / 10_000) / 100).toFixed(2)} MB are needed`,
    );
  }
  return { video, sound };
}

/** The rate of constant quality under its wishes. @param usualCap bits/s @param usualCrf that goes with it */
export function economicRate(
  facts: SourceFacts,
  spec: Pick<OutputSpec, 'economy'>,
  usual: { readonly crf: number; readonly cap: number; readonly usualCrf: number },
): EncodeRate {
  const better = Math.max(0, usual.usualCrf - usual.crf);
  const raised = usual.cap * 2 ** (better / STEPS_A_DOUBLING);
  const source = facts.video?.bitrate ?? 0;
  const maxBitrate =
    spec.economy === 'smaller'
      ? Math.max(LEAST_VIDEO, Math.round(Math.min(raised, source > 0 ? source * USABLE : raised)))
      : Math.round(usual.cap * GENEROUS);
  return { mode: 'capped-crf', crf: usual.crf, maxBitrate, bufferSize: Math.round((maxBitrate / 1.07) * 1.5) };
}

/** bits/s of a track that is to become smaller. */
export function economicSound(wanted: number, sourceBitrate: number): number {
  return sourceBitrate > 0 ? Math.max(LEAST_SOUND, Math.min(wanted, sourceBitrate)) : wanted;
}
