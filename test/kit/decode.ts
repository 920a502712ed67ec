// Independent eyes for tests: what a file or stream is when FFmpeg's own tools decode it. Nothing of the engine is used here.
import { spawn } from 'node:child_process';

export type ToolRun = { readonly stdout: Buffer; readonly stderr: string; readonly exitCode: number | null };

/** Runs a program to its end and keeps what it wrote. Killed after `timeLimit` seconds. */
export async function runTool(program: string, args: readonly string[], timeLimit = 300): Promise<ToolRun> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => {
    stderr = (stderr + bytes).slice(-200_000);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeLimit * 1000);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(timer);
  return { stdout: Buffer.concat(stdout), stderr, exitCode };
}

/** The same, where a failure is the test's. */
export async function needTool(program: string, args: readonly string[], timeLimit = 300): Promise<ToolRun> {
  const run = await runTool(program, args, timeLimit);
  if (run.exitCode !== 0) throw new Error(`${program} ${args.join(' ')}\n${run.stderr.slice(-2000)}`);
  return run;
}

export type StreamDescription = {
  readonly index: number;
  readonly type: string;
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  /** width of a stored pixel ÷ its height; 1 where nothing is said */
  readonly pixelAspect: number;
  readonly pixelFormat: string;
  readonly transfer: string;
  readonly matrix: string;
  readonly range: string;
  readonly fieldOrder: string;
  readonly alphaMode: boolean;
  readonly isAttachedPicture: boolean;
  /** Names of what stands beside the stream: `Display Matrix`, `Mastering display metadata`, … */
  readonly sideData: readonly string[];
  readonly channels: number;
  readonly sampleRate: number;
  /** seconds a tick */
  readonly tick: number;
};

export type MediaDescription = {
  /** Demuxer's name. */
  readonly format: string;
  readonly brand: string;
  /** Seconds the header claims; null where it says nothing. */
  readonly duration: number | null;
  readonly streams: readonly StreamDescription[];
};

type Raw = Record<string, unknown>;

/** Streams of a file or playlist as ffprobe reads them; no streams where it cannot be opened. */
export async function describeMedia(url: string): Promise<MediaDescription> {
  const { stdout } = await runTool('ffprobe', ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', url], 60);
  const found = JSON.parse(stdout.toString() || '{}') as { streams?: Raw[]; format?: Raw };
  const tags = (found.format?.tags ?? {}) as Raw;
  const duration = Number(found.format?.duration ?? Number.NaN);
  return {
    format: String(found.format?.format_name ?? ''),
    brand: String(tags.major_brand ?? ''),
    duration: Number.isFinite(duration) ? duration : null,
    streams: (found.streams ?? []).map(describeStream),
  };
}

function describeStream(raw: Raw): StreamDescription {
  const text = (name: string) => String(raw[name] ?? '');
  const number = (name: string) => Number(raw[name] ?? 0) || 0;
  const fraction = (name: string, separator: string) => {
    const [num = 0, den = 0] = text(name).split(separator).map(Number);
    return num > 0 && den > 0 ? num / den : 1;
  };
  const disposition = (raw.disposition ?? {}) as Raw;
  const sideData = (raw.side_data_list ?? []) as Raw[];
  return {
    index: number('index'),
    type: text('codec_type'),
    codec: text('codec_name'),
    width: number('width'),
    height: number('height'),
    pixelAspect: fraction('sample_aspect_ratio', ':'),
    pixelFormat: text('pix_fmt'),
    transfer: text('color_transfer'),
    matrix: text('color_space'),
    range: text('color_range'),
    fieldOrder: text('field_order'),
    alphaMode: ((raw.tags ?? {}) as Raw).alpha_mode === '1',
    isAttachedPicture: disposition.attached_pic === 1,
    sideData: sideData.map((data) => String(data.side_data_type ?? '')),
    channels: number('channels'),
    sampleRate: number('sample_rate'),
    tick: fraction('time_base', '/'),
  };
}

export type Frame = {
  /** Presentation time: the stream's ticks, and seconds. */
  readonly ticks: number;
  readonly time: number;
  /** Seconds it is shown or heard, as far as the container says; else 0. */
  readonly duration: number;
};

/** Every frame of one stream that a decoder gives out, in order, with its time. @param seconds of the beginning only */
export async function readFrames(url: string, stream: StreamDescription, seconds?: number): Promise<Frame[]> {
  const entries = 'frame=best_effort_timestamp,pkt_duration,duration,nb_samples';
  const { stdout } = await runTool(
    'ffprobe',
    [
      ...['-v', 'error', '-select_streams', String(stream.index), '-show_entries', entries, '-of', 'compact=p=0'],
      ...(seconds === undefined ? [] : ['-read_intervals', `%+${seconds}`]),
      url,
    ],
    600,
  );
  const frames: Frame[] = [];
  for (const line of stdout.toString().split('\n')) {
    const fields = new Map(line.split('|').map((part) => part.split('=') as [string, string]));
    const ticks = Number(fields.get('best_effort_timestamp') ?? Number.NaN);
    if (!Number.isFinite(ticks)) continue;
    const samples = Number(fields.get('nb_samples') ?? 0);
    const packet = Number(fields.get('duration') ?? fields.get('pkt_duration') ?? 0) || 0;
    const duration = samples > 0 && stream.sampleRate > 0 ? samples / stream.sampleRate : packet * stream.tick;
    frames.push({ ticks, time: ticks * stream.tick, duration });
  }
  return frames;
}

/** Seconds where the last frame ends; a frame of unknown length lasts as long as the usual one. */
export function endOf(frames: readonly Frame[]): number {
  const last = frames.reduce<Frame | null>((best, one) => (best === null || one.time >= best.time ? one : best), null);
  if (!last) return 0;
  return last.time + (last.duration > 0 ? last.duration : usualGap(frames));
}

/** The commonest distance of two frames, seconds; 0 for a single one. */
export function usualGap(frames: readonly Frame[]): number {
  const gaps = frames.slice(1).map((frame, i) => frame.time - (frames[i]?.time ?? 0));
  return gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
}

/** The streams that FFmpeg itself would take, told no stream by name. */
export async function ownChoice(url: string): Promise<{ video: number | null; audio: number | null }> {
  const pick = async (kind: 'v' | 'a') => {
    const silence = kind === 'v' ? ['-an'] : ['-vn'];
    const { stderr } = await runTool(
      'ffmpeg',
      ['-nostdin', '-i', url, ...silence, '-sn', '-dn', '-t', '0', '-f', 'null', '-'],
      60,
    );
    const mapped = /Stream #0:(\d+) -> #0:0/.exec(stderr)?.[1];
    return mapped === undefined ? null : Number(mapped);
  };
  return { video: await pick('v'), audio: await pick('a') };
}

export type Rendition = {
  readonly url: string;
  readonly width: number;
  readonly height: number;
  readonly codecs: string;
};
export type Master = { readonly variants: readonly Rendition[]; readonly audio: readonly string[] };

/** The renditions of an HLS master playlist (RFC 8216 §4.3.4), the default sound first. Read by hand: FFmpeg would open them all at once. */
export async function readMaster(url: string): Promise<Master> {
  const lines = (await fetchText(url)).split(/\r?\n/);
  const variants: Rendition[] = [];
  const audio: { url: string; isDefault: boolean }[] = [];
  lines.forEach((line, i) => {
    const attributes = readAttributes(line);
    if (line.startsWith('#EXT-X-MEDIA:') && attributes.get('TYPE') === 'AUDIO' && attributes.has('URI')) {
      audio.push({
        url: new URL(attributes.get('URI') ?? '', url).href,
        isDefault: attributes.get('DEFAULT') === 'YES',
      });
    }
    const next = lines[i + 1];
    if (!line.startsWith('#EXT-X-STREAM-INF:') || next === undefined) return;
    const [width = 0, height = 0] = (attributes.get('RESOLUTION') ?? '').split('x').map(Number);
    variants.push({ url: new URL(next, url).href, width, height, codecs: attributes.get('CODECS') ?? '' });
  });
  audio.sort((a, b) => Number(b.isDefault) - Number(a.isDefault));
  return { variants, audio: audio.map((one) => one.url) };
}

function readAttributes(line: string): Map<string, string> {
  return new Map(
    [...line.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)].map((match) => [
      match[1] ?? '',
      (match[2] ?? '').replaceAll('"', ''),
    ]),
  );
}

/** Seconds that the segments of a media playlist add up to, and whether it is ended. */
export async function readMediaPlaylist(url: string): Promise<{ seconds: number; segments: number; ended: boolean }> {
  const text = await fetchText(url);
  const lengths = [...text.matchAll(/^#EXTINF:([\d.]+)/gm)].map((match) => Number(match[1]));
  return {
    seconds: lengths.reduce((sum, one) => sum + one, 0),
    segments: lengths.length,
    ended: /^#EXT-X-ENDLIST/m.test(text),
  };
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return response.text();
}
