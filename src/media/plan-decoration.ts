// What is drawn into the pictures of an output: its watermark, and subtitles where they are to be burnt in. Used by plan-video.ts and plan-direct.ts.
import { isDeepStrictEqual } from 'node:util';
import { PlatformError } from '#domain/error.ts';
import type { OutputSpec, WatermarkSpec } from '#domain/output.ts';
import type { Decoration, WatermarkPlan } from '#domain/plan.ts';
import type { SubtitleFacts } from '#domain/source-facts.ts';
import type { Draft } from '#media/plan-draft.ts';

/** Whether an output wants anything drawn into its picture: then nothing of the source can be copied. */
export const isDecorated = (spec: Pick<OutputSpec, 'watermark' | 'subtitles'>): boolean =>
  spec.watermark !== null || spec.subtitles !== null;

type Wanted = {
  readonly spec: OutputSpec;
  readonly index: number /** pixels, of the largest picture */;
  readonly shortSide: number;
};

/** @throws PlatformError `no_subtitles` */
export function planDecoration({ facts, specs }: Pick<Draft, 'facts' | 'specs'>, wanted: Wanted): Decoration | null {
  const { spec, index, shortSide } = wanted;
  if (!isDecorated(spec)) return null;
  const track = spec.subtitles && chooseSubtitles(facts.subtitles, spec.subtitles.burn, index);
  return {
    watermark: spec.watermark && planWatermark(spec.watermark, imageOf(specs, index), shortSide),
    burn: track && { streamIndex: track.streamIndex, kind: track.kind },
  };
}

function planWatermark(
  { position, opacity, scale, margin }: WatermarkSpec,
  image: number,
  shortSide: number,
): WatermarkPlan {
  return { image, position, opacity, scale, margin: Math.min(0.5, margin < 1 ? margin : margin / shortSide) };
}

/** The first output with the same watermark source: the image is fetched once. */
export function imageOf(specs: readonly Pick<OutputSpec, 'watermark'>[], index: number): number {
  const source = specs[index]?.watermark?.source;
  // What came inside the request was taken out of it: there is nothing left to compare.
  if (source?.kind === 'inline') return index;
  return specs.findIndex(({ watermark }) => watermark && isDeepStrictEqual(watermark.source, source));
}

/** A track by its number among the subtitle tracks, or the first of a language, the default one before others. */
function chooseSubtitles(tracks: readonly SubtitleFacts[], wish: number | string, output: number): SubtitleFacts {
  const found =
    typeof wish === 'number'
      ? tracks[wish]
      : tracks
          .filter(({ language }) => language !== null && baseLanguage(language) === baseLanguage(wish))
          .sort((a, b) => Number(b.isDefault) - Number(a.isDefault))[0];
  if (found) return found;
  const has = tracks.map(({ language }, i) => `${i} (${language ?? 'no language'})`).join(', ') || 'none';
  throw new PlatformError(
    'no_subtitles',
    `outputs.${output}.subtitles.burn: the source has no subtitles ${wish}; it has ${has}`,
  );
}

/** `eng`, `en` and `en-GB` are one language. */
function baseLanguage(tag: string): string {
  try {
    return new Intl.Locale(tag).language;
  } catch {
    // Sources write any text into the language field.
    return tag.toLowerCase();
  }
}
