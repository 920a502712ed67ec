// Pictures and animations: of a still, of one frame of a film, of the frames of another animation. Used by plan-direct.ts.
import { PlatformError } from '#domain/error.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { DirectPlan } from '#domain/plan.ts';
import type { Rational, SourceFacts, VideoFacts } from '#domain/source-facts.ts';
import { LARGEST_ICON } from '#media/encode-bitmap.ts';
import { LONGEST_SIDE, type StillOutput } from '#media/encode-picture.ts';
import { rateNumber } from '#media/frame-rate.ts';
import { blankDirect } from '#media/plan-blank.ts';
import { planDecoration } from '#media/plan-decoration.ts';
import type { Draft } from '#media/plan-draft.ts';
import { fileSize } from '#media/plan-video.ts';

/** An animation of a film that names nothing: small enough to send around. */
const ANIMATION_RATE: Rational = { num: 12, den: 1 };
const ANIMATION_WIDTH = 480;
/** Frames/s: a GIF that asks for more is shown at ten. */
const FASTEST = 50;
/** What FFmpeg can write an animation as. */
const ANIMATIONS = ['gif', 'webp', 'avif'];

export type Size = { readonly width: number; readonly height: number };

/** A picture of one frame, by the image library; or an animation, by FFmpeg. */
export function planPictureFile(draft: Draft, spec: OutputSpec, index: number): DirectPlan {
  const { facts } = draft;
  const { video } = facts;
  if (!video) throw new PlatformError('no_video', 'The source has no picture');
  const source = { width: video.displayWidth, height: video.displayHeight };
  const kind = pictureKind(facts, spec);
  const animation = kind === 'animation';
  if (animation && spec.picture && spec.picture.maxBytes !== null)
    throw new PlatformError(
      'invalid_request',
      `An animated ${facts.container === 'apng' ? 'png' : 'avif'} cannot be made to a size: choose a quality, or jpg or png for its first frame`,
    );
  const size = pictureSize(draft, { spec, source, animation });
  refuseLongSides(size, spec.container as StillOutput);
  const { picture, animation: options } = spec;
  const blank = blankDirect(draft, spec);
  const fps = animation ? (spec.fps ?? (isAnimated(facts) ? ownRate(video) : ANIMATION_RATE)) : null;
  if (fps && spec.container === 'gif') refuseLong(size, { fps, duration: blank.duration });
  return {
    ...blank,
    kind,
    ...size,
    decoration: planDecoration(draft, { spec, index, shortSide: Math.min(size.width, size.height) }),
    fps,
    videoStream: video.streamIndex,
    ...(picture ? { picture } : {}),
    ...(options ? { animation: options } : {}),
  };
}

/** Pictures that move: FFmpeg reads them like films, but nobody calls them so. */
const isAnimated = ({ container, brand, isStill }: SourceFacts): boolean =>
  !isStill && (container === 'gif' || container === 'apng' || brand === 'avis' || brand === 'msf1');

/** The image library reads the frames of GIFs itself, with their own delays and their transparency. */
export const libraryReads = ({ container, isStill }: SourceFacts): boolean => isStill || container === 'gif';

function pictureKind(facts: SourceFacts, { container, picture, animation }: OutputSpec): 'image' | 'animation' {
  if (facts.isStill) return 'image';
  if (!picture) return container === 'gif' || animation ? 'animation' : 'image';
  if (!isAnimated(facts)) return container === 'gif' || animation ? 'animation' : 'image';
  const stays = picture.animated && ANIMATIONS.includes(container);
  // Frames that are tried at several qualities are read once, by the library.
  const byLibrary = libraryReads(facts) && (container !== 'avif' || picture.maxBytes !== null);
  return stays && !byLibrary ? 'animation' : 'image';
}

function ownRate(video: VideoFacts): Rational {
  const rate = video.nominalFrameRate ?? video.averageFrameRate ?? ANIMATION_RATE;
  return rateNumber(rate) > FASTEST ? { num: FASTEST, den: 1 } : rate;
}

type Sizing = { readonly spec: OutputSpec; readonly source: Size; readonly animation: boolean };

function pictureSize({ facts, options }: Draft, { spec, source, animation }: Sizing): Size {
  const asksNothing = spec.width === null && spec.height === null;
  // Operations name exact sizes.
  if (spec.picture) {
    const size = asksNothing ? source : exactSize(source, spec);
    refuseHuge(size, options.limits.maxImagePixels);
    return spec.container === 'ico' ? iconSize(size) : size;
  }
  // Pictures may have odd sizes: a still that is not resized keeps every pixel.
  if ((!animation || (isAnimated(facts) && spec.animation === undefined && spec.picture)) && asksNothing) return source;
  const wish = animation && asksNothing ? { ...spec, width: Math.min(ANIMATION_WIDTH, source.width) } : spec;
  return fileSize(source, wish);
}

/** An icon is a square, whatever lies in it. */
function iconSize({ width, height }: Size): Size {
  const side = Math.min(LARGEST_ICON, Math.max(width, height));
  return { width: side, height: side };
}

/** To the pixel, and larger than the source only where that is meant. */
export function exactSize(source: Size, spec: Pick<OutputSpec, 'width' | 'height' | 'fit' | 'enlarge'>): Size {
  const { width, height, fit } = spec;
  const most = spec.enlarge ? Number.POSITIVE_INFINITY : 1;
  if (fit === 'fill') {
    const side = (wanted: number | null, own: number) => Math.min(wanted ?? own, own * most);
    return { width: side(width, source.width), height: side(height, source.height) };
  }
  if (width !== null && height !== null && fit !== 'contain') {
    // A box that the picture is to fill shrinks with it; one that it is laid into does not.
    const scale = fit === 'cover' && !spec.enlarge ? Math.min(1, source.width / width, source.height / height) : 1;
    return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  }
  const scale = Math.min(
    most,
    (width ?? Number.POSITIVE_INFINITY) / source.width,
    (height ?? Number.POSITIVE_INFINITY) / source.height,
  );
  const side = (own: number) => Math.max(1, Math.round(own * scale));
  return { width: side(source.width), height: side(source.height) };
}

/** A palette is known when the last frame was seen: until then all of them lie in memory. Bytes. */
const MOST_FRAMES = 1.2e9;

function refuseLong({ width, height }: Size, { fps, duration }: { fps: Rational; duration: number }): void {
  const frame = width * height * 4;
  const most = MOST_FRAMES / frame / rateNumber(fps);
  if (duration > most)
    throw new PlatformError(
      'media_limit',
      `A GIF of ${width}x${height} at ${Number(rateNumber(fps).toFixed(2))} frames/s can last ${Math.floor(most)} s, and this one would last ${Math.ceil(duration)} s: take a part of it, or make it smaller or slower`,
    );
}

function refuseLongSides({ width, height }: Size, format: StillOutput): void {
  const side = LONGEST_SIDE[format];
  if (Math.max(width, height) > side)
    throw new PlatformError('invalid_request', `${width}x${height}: ${format} holds at most ${side} pixels a side`);
}

function refuseHuge({ width, height }: Size, maxPixels: number): void {
  if (width * height > maxPixels)
    throw new PlatformError(
      'media_limit',
      `${width}x${height} are ${Math.round((width * height) / 1e6)} megapixels; at most ${Math.round(maxPixels / 1e6)} are made (MAX_IMAGE_PIXELS)`,
    );
}
