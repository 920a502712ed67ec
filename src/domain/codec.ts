// The closed lists of codecs, containers and presets. No other spelling ever reaches a command line.

export const VIDEO_CODECS = ['h264', 'hevc', 'av1', 'vp9'] as const;
export type VideoCodec = (typeof VIDEO_CODECS)[number];

/** `wav` is PCM of 16 bits, `wma` Windows Media Audio 2. */
export const AUDIO_CODECS = [
  ...(['aac', 'opus', 'mp3', 'flac', 'wav', 'pcm_s24le', 'vorbis'] as const),
  ...(['alac', 'ac3', 'wma', 'pcm_s16be', 'pcm_s24be', 'mp2'] as const),
] as const;
export type AudioCodec = (typeof AUDIO_CODECS)[number];

/** What callers may write for a video codec: the plain names and FFmpeg's encoder names. */
export const VIDEO_CODEC_NAMES: Readonly<Record<string, VideoCodec | 'copy' | 'none'>> = {
  h264: 'h264',
  avc: 'h264',
  libx264: 'h264',
  h264_nvenc: 'h264',
  h264_qsv: 'h264',
  h264_vaapi: 'h264',
  h264_videotoolbox: 'h264',
  hevc: 'hevc',
  h265: 'hevc',
  libx265: 'hevc',
  hevc_nvenc: 'hevc',
  hevc_qsv: 'hevc',
  hevc_vaapi: 'hevc',
  hevc_videotoolbox: 'hevc',
  av1: 'av1',
  libsvtav1: 'av1',
  'libaom-av1': 'av1',
  librav1e: 'av1',
  av1_nvenc: 'av1',
  av1_qsv: 'av1',
  av1_vaapi: 'av1',
  vp9: 'vp9',
  'libvpx-vp9': 'vp9',
  vp9_vaapi: 'vp9',
  vp9_qsv: 'vp9',
  copy: 'copy',
  none: 'none',
};

export const AUDIO_CODEC_NAMES: Readonly<Record<string, AudioCodec | 'copy' | 'none'>> = {
  aac: 'aac',
  libfdk_aac: 'aac',
  aac_at: 'aac',
  opus: 'opus',
  libopus: 'opus',
  mp3: 'mp3',
  libmp3lame: 'mp3',
  flac: 'flac',
  wav: 'wav',
  pcm_s16le: 'wav',
  pcm_s24le: 'pcm_s24le',
  vorbis: 'vorbis',
  libvorbis: 'vorbis',
  alac: 'alac',
  ac3: 'ac3',
  wma: 'wma',
  wmav2: 'wma',
  mp2: 'mp2',
  pcm_s16be: 'pcm_s16be',
  pcm_s24be: 'pcm_s24be',
  copy: 'copy',
  none: 'none',
};

/** Hz that the codecs can hold, rising; the others hold any. */
export const AUDIO_SAMPLE_RATES: Readonly<Partial<Record<AudioCodec, readonly number[]>>> = {
  mp3: [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000],
  aac: [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000],
  opus: [48_000],
  vorbis: [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000],
  ac3: [32_000, 44_100, 48_000],
  mp2: [16_000, 22_050, 24_000, 32_000, 44_100, 48_000],
  wma: [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000],
};

/** Channels that the codecs can hold; the others hold eight. */
export const MOST_CHANNELS: Readonly<Partial<Record<AudioCodec, number>>> = { mp3: 2, mp2: 2, wma: 2, ac3: 6 };

export const CONTAINERS = [
  'hls',
  'dash',
  'mp4',
  'mov',
  'webm',
  'mkv',
  'ts',
  'flv',
  '3gp',
  'avi',
  'wmv',
  'mpg',
  'ogv',
  'mp3',
  'm4a',
  'm4b',
  'aac',
  'ogg',
  'opus',
  'flac',
  'wav',
  'aiff',
  'ac3',
  'wma',
  'gif',
  'jpg',
  'png',
  'webp',
  'avif',
  'tiff',
  'bmp',
  'ico',
] as const;
export type Container = (typeof CONTAINERS)[number];

export type ContainerFacts = {
  /** adaptive: playlists and segments · video, audio, image: one file · film: one file of older players, coded in one run · animation: gif. */
  readonly kind: 'adaptive' | 'video' | 'film' | 'audio' | 'image' | 'animation';
  readonly mediaType: string;
  /** Allowed codecs, the default first. Empty where the container has no such track. */
  readonly video: readonly VideoCodec[];
  readonly audio: readonly AudioCodec[];
};

/** What each container may hold; the first codec of each list is its default. */
export const CONTAINER_FACTS: Readonly<Record<Container, ContainerFacts>> = {
  hls: {
    kind: 'adaptive',
    mediaType: 'application/vnd.apple.mpegurl',
    video: ['h264', 'hevc', 'av1', 'vp9'],
    audio: ['aac', 'opus', 'flac'],
  },
  dash: {
    kind: 'adaptive',
    mediaType: 'application/dash+xml',
    video: ['h264', 'hevc', 'av1', 'vp9'],
    audio: ['aac', 'opus', 'flac'],
  },
  mp4: {
    kind: 'video',
    mediaType: 'video/mp4',
    video: ['h264', 'hevc', 'av1', 'vp9'],
    audio: ['aac', 'opus', 'mp3', 'flac'],
  },
  mov: {
    kind: 'video',
    mediaType: 'video/quicktime',
    video: ['h264', 'hevc'],
    audio: ['aac', 'mp3', 'wav', 'pcm_s24le'],
  },
  webm: { kind: 'video', mediaType: 'video/webm', video: ['vp9', 'av1'], audio: ['opus', 'vorbis'] },
  mkv: {
    kind: 'video',
    mediaType: 'video/x-matroska',
    video: ['h264', 'hevc', 'av1', 'vp9'],
    audio: ['aac', 'opus', 'mp3', 'flac', 'vorbis', 'wav', 'pcm_s24le'],
  },
  flv: { kind: 'video', mediaType: 'video/x-flv', video: ['h264'], audio: ['aac', 'mp3'] },
  '3gp': { kind: 'video', mediaType: 'video/3gpp', video: ['h264'], audio: ['aac'] },
  // Their codecs are what their players know: nobody chooses.
  avi: { kind: 'film', mediaType: 'video/x-msvideo', video: [], audio: ['mp3'] },
  wmv: { kind: 'film', mediaType: 'video/x-ms-wmv', video: [], audio: ['wma'] },
  mpg: { kind: 'film', mediaType: 'video/mpeg', video: [], audio: ['mp2'] },
  ogv: { kind: 'film', mediaType: 'video/ogg', video: [], audio: ['vorbis'] },
  ts: { kind: 'video', mediaType: 'video/mp2t', video: ['h264', 'hevc'], audio: ['aac', 'mp3'] },
  mp3: { kind: 'audio', mediaType: 'audio/mpeg', video: [], audio: ['mp3'] },
  m4a: { kind: 'audio', mediaType: 'audio/mp4', video: [], audio: ['aac', 'alac'] },
  m4b: { kind: 'audio', mediaType: 'audio/mp4', video: [], audio: ['aac'] },
  aac: { kind: 'audio', mediaType: 'audio/aac', video: [], audio: ['aac'] },
  ogg: { kind: 'audio', mediaType: 'audio/ogg', video: [], audio: ['vorbis', 'opus', 'flac'] },
  opus: { kind: 'audio', mediaType: 'audio/ogg', video: [], audio: ['opus'] },
  flac: { kind: 'audio', mediaType: 'audio/flac', video: [], audio: ['flac'] },
  wav: { kind: 'audio', mediaType: 'audio/wav', video: [], audio: ['wav', 'pcm_s24le'] },
  aiff: { kind: 'audio', mediaType: 'audio/aiff', video: [], audio: ['pcm_s16be', 'pcm_s24be'] },
  ac3: { kind: 'audio', mediaType: 'audio/ac3', video: [], audio: ['ac3'] },
  wma: { kind: 'audio', mediaType: 'audio/x-ms-wma', video: [], audio: ['wma'] },
  gif: { kind: 'animation', mediaType: 'image/gif', video: [], audio: [] },
  jpg: { kind: 'image', mediaType: 'image/jpeg', video: [], audio: [] },
  png: { kind: 'image', mediaType: 'image/png', video: [], audio: [] },
  webp: { kind: 'image', mediaType: 'image/webp', video: [], audio: [] },
  avif: { kind: 'image', mediaType: 'image/avif', video: [], audio: [] },
  tiff: { kind: 'image', mediaType: 'image/tiff', video: [], audio: [] },
  bmp: { kind: 'image', mediaType: 'image/bmp', video: [], audio: [] },
  ico: { kind: 'image', mediaType: 'image/vnd.microsoft.icon', video: [], audio: [] },
};

/** Speed presets, x264's names; each encoder maps them to its own scale. */
export const PRESETS = [
  'ultrafast',
  'superfast',
  'veryfast',
  'faster',
  'fast',
  'medium',
  'slow',
  'slower',
  'veryslow',
] as const;
export type Preset = (typeof PRESETS)[number];

export const HARDWARE = ['nvenc', 'qsv', 'vaapi', 'videotoolbox'] as const;
export type Hardware = (typeof HARDWARE)[number];
export const HWACCEL_CHOICES = ['auto', 'none', ...HARDWARE] as const;
export type HwaccelChoice = (typeof HWACCEL_CHOICES)[number];
