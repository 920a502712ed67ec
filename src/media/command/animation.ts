// The command of an animation: GIF with a palette of its own, WebP, AVIF. Facts in, string[] out.
import type { PictureOptions } from '#domain/output.ts';
import { type DirectOptions, fileOutput, frameChain, sceneInputs } from '#media/command/file.ts';

/** How good an animation is where nothing is said: libwebp's and AV1's own scales. */
const WEBP_QUALITY = 75;
const AVIF_CRF = 30;
const WHITE = '#ffffff';

export function animationCommand(options: DirectOptions): string[] {
  const { container, direct, facts, timeline, path } = options;
  // FFmpeg 5.1 writes no transparency into AVIF.
  const flat = container === 'avif' && (facts.video?.hasAlpha ?? false);
  const ground = flat ? `0x${(direct.picture?.background ?? WHITE).slice(1)}` : null;
  const chain = frameChain({ ...options, ground }, 0, timeline.frames);
  return [
    ...sceneInputs(options),
    '-filter_complex',
    container === 'gif' ? palette(chain, options) : `${chain}[v]`,
    '-map',
    '[v]',
    '-fps_mode',
    'passthrough',
    ...codecArguments(options),
    ...fileOutput(container, path),
  ];
}

/** A palette of the clip's own; Bayer dither unless asked otherwise, which compresses best. */
function palette(chain: string, { direct }: DirectOptions): string {
  const { colors = 256, dither = 'bayer' } = direct.animation ?? {};
  const most = colors < 256 ? `max_colors=${colors}:` : '';
  const pattern = dither === 'bayer' ? 'bayer:bayer_scale=4' : dither;
  return `${chain},split[p0][p1];[p0]palettegen=${most}stats_mode=diff[palette];[p1][palette]paletteuse=dither=${pattern}[v]`;
}

function codecArguments({ container, direct, facts }: DirectOptions): string[] {
  const plays = direct.animation?.loop ?? 0;
  // GIF counts how often it is repeated, -1 being never; WebP how often it is played.
  if (container === 'gif') return ['-loop', String(plays === 0 ? 0 : plays === 1 ? -1 : plays - 1)];
  const quality = direct.picture?.quality ?? null;
  if (container === 'webp') {
    const lossless = direct.picture?.lossless ? '1' : '0';
    return [
      ...['-c:v', 'libwebp_anim', '-lossless', lossless, '-quality', String(quality ?? WEBP_QUALITY)],
      ...['-compression_level', '4', '-loop', String(plays)],
      ...(facts.video?.hasAlpha || direct.picture?.lossless ? [] : ['-pix_fmt', 'yuv420p']),
    ];
  }
  return avifArguments({ quality, lossless: direct.picture?.lossless ?? false });
}

/** AV1 as AVIF has it. @param quality 1–100; null is the usual one */
export function avifArguments({ quality, lossless }: Pick<PictureOptions, 'quality' | 'lossless'>): string[] {
  const encoder = ['-c:v', 'libaom-av1', '-cpu-used', '6', '-b:v', '0'];
  // Without loss colours stay red, green and blue: as any other they would be rounded.
  if (lossless) return [...encoder, '-crf', '0', '-aom-params', 'lossless=1', '-colorspace', 'rgb', '-pix_fmt', 'gbrp'];
  const crf = quality === null ? AVIF_CRF : Math.round(60 - quality * 0.55);
  return [...encoder, '-crf', String(crf), '-pix_fmt', 'yuv420p'];
}
