// Takes MPEG-TS segments that FFmpeg wrote to scratch over into storage. Used by the executors of chunk and audio.
import { readdir, stat } from 'node:fs/promises';
import type { Rational } from '#domain/source-facts.ts';
import type { SegmentFacts, TrackPart } from '#domain/task.ts';
import { runMedia } from '#media/ffmpeg.ts';
import { segmentName } from '#media/package.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';

/** ticks/s of MPEG-TS (ISO/IEC 13818-1 §2.4.2.1) */
const TS_CLOCK = 90_000;

export type TransportTrack = {
  readonly rendition: string;
  readonly firstSegment: number;
  /** Seconds; of the run's segments, one more than there are segments. */
  readonly boundaries: readonly number[];
  /** null for sound */
  readonly fps: Rational | null;
};

/** Moves `<rendition>-00012.ts` of scratch into storage, in order. */
export async function storeTransportSegments(
  platform: Platform,
  context: TaskContext,
  track: TransportTrack,
): Promise<TrackPart> {
  const pattern = new RegExp(`^${track.rendition}-(\\d{5})\\.ts$`);
  const names = (await readdir(context.scratch)).filter((name) => pattern.test(name)).sort();
  const [first] = names;
  const codecs = first ? await transportCodecs(platform, context, `${context.scratch}/${first}`) : '';
  const segments: SegmentFacts[] = [];
  for (const name of names) {
    const index = Number(pattern.exec(name)?.[1]);
    const from = track.boundaries[index - track.firstSegment];
    const to = track.boundaries[index - track.firstSegment + 1];
    if (from === undefined || to === undefined || (await stat(`${context.scratch}/${name}`)).size === 0) continue;
    const key = `${context.prefix}/${track.rendition}/${segmentName({ extension: 'ts' }, index)}`;
    const size = await platform.storage.adopt(`${context.scratch}/${name}`, key, {
      contentType: 'video/mp2t',
      signal: context.signal,
    });
    const start = Math.round(from * TS_CLOCK);
    const duration = Math.round(to * TS_CLOCK) - start;
    const samples = track.fps ? Math.round(((to - from) * track.fps.num) / track.fps.den) : 0;
    segments.push({ index, key, size, start, duration, samples });
  }
  return { rendition: track.rendition, init: null, codecs, timescale: TS_CLOCK, segments };
}

/** Profiles that MPEG-TS carries, as ffprobe names them; flags of RFC 6381. */
const AVC_PROFILES: Readonly<Record<string, string>> = {
  'Constrained Baseline': '42e0',
  Baseline: '4200',
  Main: '4d40',
  High: '6400',
};

/** MPEG-TS has no init segment to read the codec from: ffprobe reads the first segment. */
async function transportCodecs(platform: Platform, context: TaskContext, path: string): Promise<string> {
  let text = '';
  await runMedia({
    program: platform.tool.ffprobe,
    args: [
      '-v',
      'error',
      '-protocol_whitelist',
      'file',
      '-f',
      'mpegts',
      '-show_entries',
      'stream=codec_name,profile,level',
      '-of',
      'json',
      `file:${path}`,
    ],
    limits: platform.limits.child,
    timeLimit: platform.limits.probeTimeLimit,
    signal: context.signal,
    onStdout: async (stdout) => {
      for await (const bytes of stdout) text += String(bytes);
    },
  });
  const [stream] =
    (JSON.parse(text || '{}') as { streams?: { codec_name?: string; profile?: string; level?: number }[] }).streams ??
    [];
  const level = stream?.level ?? 0;
  switch (stream?.codec_name) {
    case 'h264':
      return `avc1.${AVC_PROFILES[stream.profile ?? ''] ?? '6400'}${level.toString(16).padStart(2, '0')}`;
    case 'hevc':
      return `hvc1.1.6.L${level}.B0`;
    case 'aac':
      return 'mp4a.40.2';
    case 'mp3':
      return 'mp4a.40.34';
    default:
      return '';
  }
}
