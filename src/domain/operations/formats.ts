// Formats by name, as operations list them, and which of them a probed file is. Pure.
import type { MediaType } from '#domain/operations/definition.ts';
import type { SourceFacts } from '#domain/source-facts.ts';

export const VIDEO_INPUTS = [
  ...['mp4', 'mov', 'avi', 'mkv', 'webm', 'wmv', 'flv'],
  ...['m4v', '3gp', 'ts', 'mpg', 'ogv', 'mxf'],
] as const;
export const IMAGE_INPUTS = ['jpg', 'jpeg', 'png', 'webp', 'gif', 'bmp', 'avif', 'heic', 'tiff'] as const;
export const AUDIO_INPUTS = [
  ...['mp3', 'wav', 'aac', 'm4a', 'ogg', 'flac', 'opus'],
  ...['wma', 'aiff', 'amr', 'ac3', 'mka', 'weba'],
] as const;

export type RecognizedFormat = {
  /** A name of the lists above, or of a format that no operation takes. */
  readonly format: string;
  readonly media_type: MediaType;
  readonly mime_type: string;
};

const found = (media_type: MediaType, format: string, mime_type: string): RecognizedFormat => ({
  format,
  media_type,
  mime_type,
});

/** By FFmpeg's name of the demuxer: format with video, format without, their MIME types. */
const CONTAINERS: Readonly<Record<string, readonly [video: string, mime: string, audio: string, mime: string]>> = {
  avi: ['avi', 'video/x-msvideo', 'avi', 'video/x-msvideo'],
  asf: ['wmv', 'video/x-ms-wmv', 'wma', 'audio/x-ms-wma'],
  flv: ['flv', 'video/x-flv', 'flv', 'video/x-flv'],
  mpegts: ['ts', 'video/mp2t', 'ts', 'video/mp2t'],
  mpeg: ['mpg', 'video/mpeg', 'mpg', 'video/mpeg'],
  mpegvideo: ['mpg', 'video/mpeg', 'mpg', 'video/mpeg'],
  ogg: ['ogv', 'video/ogg', 'ogg', 'audio/ogg'],
  mxf: ['mxf', 'application/mxf', 'mxf', 'application/mxf'],
  mp3: ['mp3', 'audio/mpeg', 'mp3', 'audio/mpeg'],
  aac: ['aac', 'audio/aac', 'aac', 'audio/aac'],
  flac: ['flac', 'audio/flac', 'flac', 'audio/flac'],
  wav: ['wav', 'audio/wav', 'wav', 'audio/wav'],
  w64: ['wav', 'audio/wav', 'wav', 'audio/wav'],
  aiff: ['aiff', 'audio/aiff', 'aiff', 'audio/aiff'],
  amr: ['amr', 'audio/amr', 'amr', 'audio/amr'],
  ac3: ['ac3', 'audio/ac3', 'ac3', 'audio/ac3'],
  eac3: ['ac3', 'audio/eac3', 'ac3', 'audio/eac3'],
};

const PICTURES: Readonly<Record<string, string>> = { jpeg: 'jpg' };

/** What a probed file is called. Content decides: a sound file in an MP4 is m4a, one of Opus in Ogg is opus. */
export function recognizeFormat(facts: SourceFacts): RecognizedFormat {
  const { container, video, audio } = facts;
  if (facts.isStill) {
    const codec = video?.codec ?? 'jpeg';
    return found('image', PICTURES[codec] ?? codec, `image/${codec}`);
  }
  if (container === 'gif') return found('image', 'gif', 'image/gif');
  if (container === 'apng') return found('image', 'png', 'image/png');
  if (container.split(',').includes('mov')) return movieFormat(facts);
  if (container.includes('matroska')) return matroskaFormat(facts);
  if (container === 'ogg' && !video && audio[0]?.codec === 'opus') return found('audio', 'opus', 'audio/ogg');
  const [film, filmType, sound, soundType] = CONTAINERS[container] ?? [];
  if (film === undefined || filmType === undefined || sound === undefined || soundType === undefined)
    return found(video ? 'video' : 'audio', container, 'application/octet-stream');
  return video ? found('video', film, filmType) : found('audio', sound, soundType);
}

function movieFormat({ brand, video }: SourceFacts): RecognizedFormat {
  if (brand === 'avis') return found('image', 'avif', 'image/avif');
  if (brand === 'hevc' || brand === 'msf1') return found('image', 'heic', 'image/heic');
  if (!video) return found('audio', 'm4a', 'audio/mp4');
  if (brand === 'qt') return found('video', 'mov', 'video/quicktime');
  if (brand?.startsWith('3g')) return found('video', '3gp', 'video/3gpp');
  return found('video', 'mp4', 'video/mp4');
}

const WEB_CODECS = ['vp8', 'vp9', 'av1', 'opus', 'vorbis'];

/** WebM is Matroska with these codecs alone; FFmpeg has one demuxer for both. */
function matroskaFormat({ video, audio }: SourceFacts): RecognizedFormat {
  const codecs = [...(video ? [video.codec] : []), ...audio.map(({ codec }) => codec)];
  const isWeb = codecs.every((codec) => WEB_CODECS.includes(codec));
  if (!video) return isWeb ? found('audio', 'weba', 'audio/webm') : found('audio', 'mka', 'audio/x-matroska');
  return isWeb ? found('video', 'webm', 'video/webm') : found('video', 'mkv', 'video/x-matroska');
}
