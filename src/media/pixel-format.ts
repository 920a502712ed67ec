// What the name of an FFmpeg pixel format says: bits, colour sampling, transparency, range. Pure; used by probe-streams.ts.
import type { VideoFacts } from '#domain/source-facts.ts';

export type PixelFacts = Pick<VideoFacts, 'bitDepth' | 'chroma' | 'hasAlpha'> & { readonly fullRange: boolean };

/** Planar and packed names that carry their sampling in another way than by digits. */
const SAMPLINGS: readonly [RegExp, VideoFacts['chroma']][] = [
  [/^(gray|ya\d|y400|mono)/, '400'],
  [/^(0?rgb|0?bgr|argb|abgr|gbr|pal8|xyz|x2rgb|x2bgr|bayer)/, 'rgb'],
  [/^(yuv|yuvj|yuva)420|^(nv12|nv21|p01[0-9])/, '420'],
  [/^(yuv|yuvj|yuva)422|^(yuyv|uyvy|yvyu|nv16|nv20|p21[0-9]|y210|y212)/, '422'],
  [/^(yuv|yuvj|yuva)444|^(ayuv|vuya|vuyx|xv30|xv36|nv24|nv42|p41[0-9])/, '444'],
];

/** Facts by name; an unknown name is 8 bit without a known sampling. */
export function readPixelFormat(name: string | null): PixelFacts {
  if (name === null) return { bitDepth: 8, chroma: null, hasAlpha: false, fullRange: false };
  const base = name.replace(/(le|be)$/, '');
  return {
    bitDepth: bitDepth(base),
    chroma: SAMPLINGS.find(([pattern]) => pattern.test(base))?.[1] ?? null,
    hasAlpha: /^(yuva|rgba|bgra|argb|abgr|gbrap|ya\d|ayuv|vuya$|pal8)/.test(base),
    fullRange: base.startsWith('yuvj'),
  };
}

function bitDepth(base: string): number {
  // yuv420p10, gbrap12, gray16, p010, p416, y212, xyz12
  const planar = /p(9|1[0246])$|^gray(9|1[0246])$|^p[024]1([0-9])$|^[xy]2?1([0-9])$|^xyz(12)$/.exec(base);
  if (planar) {
    const whole = planar[1] ?? planar[2] ?? planar[5];
    return whole === undefined ? 10 + Number(planar[3] ?? planar[4]) : Number(whole);
  }
  if (/^(rgb48|bgr48|rgba64|bgra64|ya16|ayuv64)/.test(base)) return 16;
  if (/^(x2rgb10|x2bgr10|xv30)/.test(base)) return 10;
  if (base === 'xv36') return 12;
  return /f(16|32)$/.test(base) ? 16 : 8;
}
