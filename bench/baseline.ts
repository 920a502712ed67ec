// The other side of each comparison: FFmpeg commands as a careful person would write them by hand, with the same encoder settings as ours.
import { spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import type { Plan, Timeline, VideoRendition } from '#domain/plan.ts';
import { planFilm } from '../test/road/direct-encode.ts';

/** The preset ladder of the settings. */
const LADDER = [1080, 720, 480, 360].map((height) => ({
  name: `${height}p`,
  height,
  videoBitrate: null,
  audioBitrate: null,
}));

export type Ladder = { readonly source: string; readonly plan: Plan; readonly timeline: Timeline };

/** What the engine would encode of a source: sizes, quality, caps, keyframes. */
export async function readLadder(source: string): Promise<Ladder> {
  const { plan, timeline } = await planFilm(source, { renditions: LADDER, preset: 'veryfast', passthrough: 'never' });
  return { source, plan, timeline };
}

/** Best single command: one decode, split, all renditions, sound once in a group of its own. */
export function singleCommand({ source, plan, timeline }: Ladder, folder: string): string[] {
  const { video } = plan;
  const labels = video.map((_, i) => `[s${i}]`).join('');
  const scales = video.map(({ width, height }, i) => `[s${i}]scale=${width}:${height}:flags=bicubic[v${i}]`);
  const group = [...video.map((_, i) => `v:${i},agroup:sound`), 'a:0,agroup:sound'].join(' ');
  return [
    ...['-v', 'error', '-nostdin', '-y', '-i', source],
    ...['-filter_complex', [`[0:v]split=${video.length}${labels}`, ...scales].join(';')],
    ...video.flatMap((_, i) => ['-map', `[v${i}]`]),
    ...(plan.audio.length > 0 ? ['-map', '0:a:0'] : []),
    ...video.flatMap((rendition, i) => encoder(rendition, timeline, `:${i}`)),
    ...sound(plan),
    ...segments(timeline),
    ...[
      '-master_pl_name',
      'master.m3u8',
      '-var_stream_map',
      plan.audio.length > 0 ? group : video.map((_, i) => `v:${i}`).join(' '),
    ],
    ...['-hls_segment_filename', `${folder}/%v/s%03d.m4s`, `${folder}/%v/i.m3u8`],
  ];
}

/** One process for each rendition, one after the other, each with its sound: what scripts usually do. */
export function naiveCommands({ source, plan, timeline }: Ladder, folder: string): string[][] {
  return plan.video.map((rendition) => [
    ...['-v', 'error', '-nostdin', '-y', '-i', source],
    ...[
      '-vf',
      `scale=${rendition.width}:${rendition.height}:flags=bicubic`,
      '-map',
      '0:v:0',
      ...(plan.audio.length > 0 ? ['-map', '0:a:0'] : []),
    ],
    ...encoder(rendition, timeline, ''),
    ...sound(plan),
    ...segments(timeline),
    ...[
      '-hls_segment_filename',
      `${folder}/${rendition.name}-%03d.m4s`,
      '-hls_fmp4_init_filename',
      `${rendition.name}.mp4`,
      `${folder}/${rendition.name}.m3u8`,
    ],
  ]);
}

function encoder({ preset, rate }: VideoRendition, { gopFrames }: Timeline, stream: string): string[] {
  const quality = rate.mode === 'capped-crf' ? rate.crf : 21;
  const set = (name: string, value: string | number) => [`-${name}:v${stream}`, String(value)];
  return [
    ...[...set('c', 'libx264'), ...set('preset', preset), ...set('profile', 'high'), ...set('pix_fmt', 'yuv420p')],
    ...[...set('crf', quality), ...set('maxrate', rate.maxBitrate), ...set('bufsize', rate.bufferSize)],
    ...[...set('g', gopFrames ?? 48), ...set('keyint_min', gopFrames ?? 48), ...set('sc_threshold', 0)],
  ];
}

const sound = ({ audio: [track] }: Plan): string[] =>
  track
    ? ['-c:a', 'aac', '-b:a', String(track.bitrate), '-ac', String(track.channels), '-ar', String(track.sampleRate)]
    : [];

const segments = (timeline: Timeline): string[] => {
  const seconds = ((timeline.boundaries[1] ?? 0) * timeline.fps.den) / timeline.fps.num;
  return ['-f', 'hls', '-hls_time', String(seconds), '-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4'];
};

/** Runs commands one after the other in a fresh folder. */
export async function runCommands(commands: readonly (readonly string[])[], folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const args of commands) await runFfmpeg(args);
}

export function runFfmpeg(args: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes) => {
    said = (said + bytes).slice(-5000);
  });
  child.once('error', reject);
  child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ${args.join(' ')}\n${said}`))));
  return promise;
}

/** A command line that can be pasted into a shell. */
export const shellLine = (args: readonly string[]): string =>
  ['ffmpeg', ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
