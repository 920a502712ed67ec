// The doctor's look at the picture: shape, clock, colours. Pure; used by doctor.ts.
import type { SourceFacts, VideoFacts } from '#domain/source-facts.ts';
import { type Add, figure } from '#media/findings.ts';
import { chooseFrameRate, rateNumber } from '#media/frame-rate.ts';
import type { MediaLimits } from '#media/tool.ts';

/** seconds */
const LONG_GOP = 10;

export function examineStill({ video, warnings }: SourceFacts, add: Add): void {
  if (!video) return;
  if (isTurned(video)) add(['rotated', 'change', orientation(video), 'turned upright']);
  if (isOdd(video))
    add([
      'odd_size',
      'change',
      `${video.displayWidth}x${video.displayHeight}`,
      'cut to even sides where it becomes video',
    ]);
  if (video.hdr !== null) add(['hdr', 'change', video.hdr === 'pq' ? 'PQ' : 'HLG', 'tone-mapped to SDR']);
  if (video.bitDepth > 8) add(['high_bit_depth', 'change', `${video.bitDepth} bits per sample`, 'brought to 8 bits']);
  if (video.hasAlpha)
    add(['alpha', 'change', 'transparent pixels', 'kept in PNG, WebP and AVIF; laid on a plain colour elsewhere']);
  const pages = warnings.find((line) => line.includes('pages or frames'));
  const detail = `one ${video.codec.toUpperCase()} picture of ${video.displayWidth}x${video.displayHeight}`;
  add([
    'still_picture',
    pages === undefined ? 'note' : 'warning',
    pages === undefined ? detail : `${detail}; ${pages}`,
    'as video it is held for 5 seconds, without sound',
  ]);
}

export function examinePicture(video: VideoFacts, limits: MediaLimits, add: Add): void {
  if (isTurned(video))
    add(['rotated', 'change', orientation(video), 'turned upright before scaling; the stream itself is never copied']);
  const { num, den } = video.sampleAspectRatio;
  if (num !== den)
    add([
      'anamorphic',
      'change',
      `${video.width}x${video.height} with pixels of ${num}:${den}`,
      `scaled to square pixels: ${video.displayWidth}x${video.displayHeight}`,
    ]);
  if (isOdd(video)) add(['odd_size', 'change', `${video.displayWidth}x${video.displayHeight}`, 'scaled to even sides']);
  examineRate(video, limits, add);
  examineColor(video, add);
  if (isInterlaced(video))
    add([
      'interlaced',
      'change',
      `fields in the order ${video.fieldOrder}`,
      'deinterlaced, one frame for each pair of fields',
    ]);
  if (video.longestGop > LONG_GOP)
    add([
      'long_gop',
      'note',
      `up to ${figure(video.longestGop)} s between keyframes`,
      'encoded with a keyframe at every segment; the source itself is not copied',
    ]);
}

function examineRate(video: VideoFacts, limits: MediaLimits, add: Add): void {
  const target = chooseFrameRate(video, null, limits.maxFrameRate);
  const action = `shown at a constant ${figure(rateNumber(target))} frames/s`;
  if (!video.constantFrameRate && video.frames > 1) {
    const usual = video.nominalFrameRate === null ? '' : `, mostly ${figure(rateNumber(video.nominalFrameRate))}`;
    add([
      'variable_frame_rate',
      'change',
      `${figure(video.averageFrameRate === null ? 0 : rateNumber(video.averageFrameRate))} frames/s on average${usual}`,
      video.skipsFrames ? `single frames are missing: where it is encoded, ${action}` : action,
    ]);
  }
  const usual = video.nominalFrameRate === null ? 0 : rateNumber(video.nominalFrameRate);
  if (usual > 60.5) add(['high_frame_rate', 'change', `${figure(usual)} frames/s`, action]);
}

function examineColor(video: VideoFacts, add: Add): void {
  const { hdr, color } = video;
  if (hdr !== null)
    add([
      'hdr',
      'change',
      `${hdr === 'pq' ? 'PQ' : 'HLG'}, ${color.primaries ?? 'unknown'} primaries, ${video.bitDepth} bits`,
      'tone-mapped to SDR (BT.709), thumbnails too',
    ]);
  if (isFalseHdr(video))
    add([
      'hdr',
      'note',
      `tagged ${color.transfer} with only ${video.bitDepth} bits, which no HDR standard allows`,
      'taken for the SDR picture that it is; the tag is dropped',
    ]);
  if (isWideGamut(video))
    add([
      'wide_gamut',
      'change',
      `${color.primaries ?? 'bt2020'} primaries, ${color.transfer ?? 'unnamed'} curve`,
      'brought to BT.709',
    ]);
  if (video.dolbyVisionProfile !== null) {
    // Profile 5 has no picture for other screens: its base layer is in Dolby's own colour space.
    const alone = video.dolbyVisionProfile === 5;
    add([
      'dolby_vision',
      alone ? 'warning' : 'note',
      `profile ${video.dolbyVisionProfile}`,
      alone
        ? 'decoded without its metadata: the colours will not be right'
        : 'its base layer is used, the metadata is left out',
    ]);
  }
  if (video.bitDepth > 8)
    add(['high_bit_depth', 'change', `${video.bitDepth} bits (${video.pixelFormat})`, 'brought to 8 bits']);
  if (video.chroma !== '420')
    add(['unusual_chroma', 'change', video.pixelFormat ?? 'unknown sampling', 'brought to 4:2:0']);
  if (color.range === 'pc' && video.chroma !== 'rgb')
    add(['full_range', 'change', 'levels 0–255', 'brought to 16–235, as players expect']);
  if (video.hasAlpha)
    add([
      'alpha',
      'change',
      `${video.codec}${video.pixelFormat ? ` (${video.pixelFormat})` : ''} with transparency`,
      'laid on black',
    ]);
}

export function isInterlaced({ fieldOrder }: VideoFacts): boolean {
  return fieldOrder !== 'progressive' && fieldOrder !== 'unknown';
}

function isTurned({ rotation, mirrored }: VideoFacts): boolean {
  return rotation !== 0 || mirrored;
}

function isOdd({ displayWidth, displayHeight }: VideoFacts): boolean {
  return displayWidth % 2 !== 0 || displayHeight % 2 !== 0;
}

/** BT.2020 without HDR: few screens show it as it is meant, and players that do not know the tag show it pale. */
export const isWideGamut = ({ color, hdr, chroma, hasAlpha }: VideoFacts): boolean =>
  hdr === null &&
  color.matrix === 'bt2020nc' &&
  !['smpte2084', 'arib-std-b67'].includes(color.transfer ?? '') &&
  chroma !== 'rgb' &&
  !hasAlpha;

function isFalseHdr({ color, hdr }: VideoFacts): boolean {
  return hdr === null && (color.transfer === 'smpte2084' || color.transfer === 'arib-std-b67');
}

function orientation(video: VideoFacts): string {
  const parts = [
    video.rotation === 0 ? null : `a rotation of ${video.rotation}°`,
    video.mirrored ? 'a mirroring' : null,
  ].filter((one) => one !== null);
  return `${video.width}x${video.height} with ${parts.join(' and ')}`;
}
