// Facts of an ordinary film, each of which a test can change. Used by the tests of the pure parts.
import type { AudioFacts, SourceFacts, VideoFacts } from '#domain/source-facts.ts';
import type { MediaLimits } from '#media/tool.ts';

export function videoFacts(changes: Partial<VideoFacts> = {}): VideoFacts {
  return {
    streamIndex: 0,
    codec: 'h264',
    profile: 'High',
    level: 40,
    pixelFormat: 'yuv420p',
    bitDepth: 8,
    chroma: '420',
    hasAlpha: false,
    width: 1920,
    height: 1080,
    sampleAspectRatio: { num: 1, den: 1 },
    rotation: 0,
    mirrored: false,
    displayWidth: 1920,
    displayHeight: 1080,
    averageFrameRate: { num: 24, den: 1 },
    nominalFrameRate: { num: 24, den: 1 },
    constantFrameRate: true,
    frames: 240,
    fieldOrder: 'progressive',
    color: { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', range: 'tv' },
    hdr: null,
    dolbyVisionProfile: null,
    startTime: 0,
    endTime: 10,
    bitrate: 5_000_000,
    keyframes: [0, 2, 4, 6, 8],
    longestGop: 2,
    hasBFrames: true,
    hasOpenGops: false,
    ...changes,
  };
}

export function audioFacts(changes: Partial<AudioFacts> = {}): AudioFacts {
  return {
    streamIndex: 1,
    codec: 'aac',
    profile: 'LC',
    sampleRate: 48000,
    channels: 2,
    channelLayout: 'stereo',
    language: null,
    title: null,
    isDefault: true,
    startTime: 0,
    endTime: 10,
    bitrate: 128_000,
    ...changes,
  };
}

export function sourceFacts(changes: Partial<SourceFacts> = {}): SourceFacts {
  return {
    container: 'mov,mp4,m4a,3gp,3g2,mj2',
    size: 6_400_000,
    declaredDuration: 10,
    duration: 10,
    startTime: 0,
    bitrate: 5_128_000,
    streams: 2,
    isStill: false,
    video: videoFacts(),
    otherVideoStreams: 0,
    audio: [audioFacts()],
    subtitles: [],
    coverArt: null,
    scanned: true,
    warnings: [],
    ...changes,
  };
}

/** The limits of the settings' defaults. */
export const LIMITS: MediaLimits = {
  maxWidth: 8192,
  maxHeight: 4320,
  maxStreams: 32,
  maxDuration: 43_200,
  maxFrameRate: 120,
  maxImagePixels: 100_000_000,
  probeTimeLimit: 30,
  child: { memory: 6 * 1024 ** 3, fileSize: 100 * 1024 ** 3, openFiles: 256, niceness: 10 },
};
