// Holds pictures of an output against the source at the same moments: likeness (SSIM) and colour. Used by the checks of the corpus matrix.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Frame, needTool, type StreamDescription } from '../kit/decode.ts';
import { type ExpectedVideo, isTransparent } from './expected.ts';
import { keepLast } from './keep-last.ts';

/** Moments that are looked at, spread over the whole length. */
const SAMPLES = 8;
/** Comparing is done in pictures of this long side, pixels: likeness is asked, not sharpness at a quick preset and a low rate. */
const LONGEST_SIDE = 240;
/** ssim compares blocks of 8 pixels: tiny pictures are blown up. */
const SHORTEST_SIDE = 32;

export type PictureLikeness = {
  /** Of the worst moment, 0–1. */
  readonly worst: number;
  readonly mean: number;
  /** Mean colours of the frames apart at the most, of 255. */
  readonly colour: number;
  readonly moments: number;
};

export type Compared = {
  readonly url: string;
  readonly stream: StreamDescription;
  /** Times from the start of the output. */
  readonly frames: readonly Frame[];
};

/** The best of what a source may be taken for: transparency may be dropped or lie on a colour. */
export async function comparePictures(file: string, video: ExpectedVideo, output: Compared): Promise<PictureLikeness> {
  const pairs = chooseMoments(video.frames, output.frames);
  const size = comparisonSize(output.stream);
  const found: PictureLikeness[] = [];
  for (const [sourceFilters, shownFilters] of waysToSee(video, output.stream)) {
    const numbers = { source: pairs.map((pair) => pair.source), shown: pairs.flatMap((pair) => pair.outputs) };
    const [sources, shown] = [
      await grabSource({ url: file, stream: video.stream, numbers: numbers.source, filters: sourceFilters, size }),
      await grabFrames({ ...output, numbers: numbers.shown, filters: shownFilters, size }),
    ];
    found.push(await likeness({ pairs, sources, shown, size }));
  }
  const [best] = found.sort((a, b) => b.mean - a.mean);
  if (!best) throw new Error('no way to look at the source');
  return best;
}

type Ways = readonly (readonly [source: readonly string[], output: readonly string[]])[];

/** Filters to SDR, upright (FFmpeg turns by itself), progressive RGB, for the source and for the output. */
function waysToSee(video: ExpectedVideo, output: StreamDescription): Ways {
  const progressive = video.isInterlaced ? ['yadif=deint=all'] : [];
  // What is kept transparent looks alike on any ground; what lies under transparency nobody sees.
  const plain = isTransparent(output) ? laidOn(0) : asRgb(output);
  if (video.isHdr) return [[[...progressive, ...toneMapped(video.stream)], plain]];
  const grounds = [0, 255].map((colour) => [[...progressive, ...laidOn(colour)], plain] as const);
  if (isTransparent(output)) return grounds.slice(0, 1);
  return [[[...progressive, ...asRgb(video.stream)], plain], ...(video.hasAlpha ? grounds : [])];
}

/** Another operator than the engine's would be as right: only the likeness of the structure is asked of HDR. */
function toneMapped(stream: StreamDescription): string[] {
  const primaries =
    stream.matrix.startsWith('bt2020') || stream.matrix === '' || stream.matrix === 'unknown' ? 'bt2020' : 'bt709';
  const matrix =
    stream.matrix === '' || stream.matrix === 'unknown' || stream.matrix === 'gbr' ? 'bt2020nc' : stream.matrix;
  return [
    `zscale=min=${matrix}:tin=${stream.transfer}:pin=${primaries}:t=linear:npl=203`,
    'format=gbrpf32le',
    'zscale=p=bt709',
    'tonemap=mobius',
    'zscale=t=bt709:m=bt709:r=tv',
    'format=yuv444p',
    'scale=in_color_matrix=bt709',
    'format=rgb24',
  ];
}

function laidOn(colour: number): string[] {
  return [
    `format=rgba,split[p][q];[p]lutrgb=r=${colour}:g=${colour}:b=${colour}:a=255[r];[r][q]overlay=format=auto,format=rgb24`,
  ];
}

/**
 * As players read it: by its tags, or by its size where it has none (BT.709 from 720 lines on). An 8-bit picture that calls itself
 * PQ or HLG was labelled by mistake, and its matrix with it: no standard has such a thing.
 */
function asRgb({ matrix: tagged, transfer, height, range, pixelFormat }: StreamDescription): string[] {
  const matrix = ['smpte2084', 'arib-std-b67'].includes(transfer) ? 'bt709' : tagged;
  const named = {
    smpte170m: 'smpte170m',
    bt470bg: 'bt470',
    bt709: 'bt709',
    bt2020nc: 'bt2020',
    fcc: 'fcc',
    smpte240m: 'smpte240m',
  }[matrix];
  const colours = named ?? (height >= 720 && !pixelFormat.startsWith('yuvj') ? 'bt709' : 'smpte170m');
  const isFull = range === 'pc' || pixelFormat.startsWith('yuvj');
  return [
    /^yuv/.test(pixelFormat) ? `scale=in_color_matrix=${colours}:in_range=${isFull ? 'pc' : 'tv'}` : 'null',
    'format=rgb24',
  ];
}

type Pair = {
  readonly source: number /** The frame shown at that moment between its neighbours. */;
  readonly outputs: readonly [number, number, number];
};

/** Moments in the middle of a source frame, so that half a frame of shift asks for no other picture. */
function chooseMoments(source: readonly Frame[], output: readonly Frame[]): Pair[] {
  const first = Math.max(0, source[0]?.time ?? 0);
  const last = source.at(-1);
  const end = (last?.time ?? 0) + (last?.duration ?? 0);
  const chosen = new Map<number, Pair>();
  for (let i = 0; i < SAMPLES; i++) {
    const moment = first + ((i + 0.5) / SAMPLES) * (end - first);
    const number = Math.max(
      0,
      source.findLastIndex((frame) => frame.time <= moment + 1e-6),
    );
    const frame = source[number];
    const middle = frame ? frame.time + Math.min(frame.duration, 1) / 2 : moment;
    const shown = Math.max(
      0,
      output.findLastIndex((one) => one.time <= middle + 1e-6),
    );
    const near = (by: number) => Math.min(output.length - 1, Math.max(0, shown + by));
    chosen.set(number, { source: number, outputs: [near(-1), near(0), near(1)] });
  }
  return [...chosen.values()];
}

function comparisonSize({ width, height }: StreamDescription): { width: number; height: number } {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const side = (pixels: number) => Math.max(SHORTEST_SIDE, Math.round((pixels * scale) / 2) * 2);
  return { width: side(width), height: side(height) };
}

type Grab = {
  readonly url: string;
  readonly stream: StreamDescription;
  /** Numbers of the wanted frames, any order, any number of times. */
  readonly numbers: readonly number[];
  readonly filters: readonly string[];
  readonly size: { readonly width: number; readonly height: number };
};

/** Frames by their number as RGB, by that number. */
async function grabFrames({ url, stream, numbers, filters, size }: Grab): Promise<Map<number, Buffer>> {
  const wanted = [...new Set(numbers)].sort((a, b) => a - b);
  const select = `select='${wanted.map((number) => `eq(n,${number})`).join('+')}'`;
  // Fields belong together only before frames are left out.
  const [first = '', ...rest] = filters;
  const chain = first.startsWith('yadif') ? [first, select, ...rest] : [select, ...filters];
  const graph = [...chain, `scale=${size.width}:${size.height}:flags=area`, 'format=rgb24'].join(',');
  const args = [
    '-v',
    'error',
    '-nostdin',
    '-i',
    url,
    '-map',
    `0:${stream.index}`,
    '-vf',
    graph,
    '-fps_mode',
    'passthrough',
  ];
  const { stdout } = await needTool(
    'ffmpeg',
    [...args, '-frames:v', String(wanted.length), '-f', 'rawvideo', '-'],
    600,
  );
  const bytes = size.width * size.height * 3;
  return new Map(wanted.map((number, i) => [number, stdout.subarray(i * bytes, (i + 1) * bytes)]));
}

const grabSource = keepLast(8, grabFrames);

type Likeness = {
  readonly pairs: readonly Pair[];
  readonly sources: ReadonlyMap<number, Buffer>;
  readonly shown: ReadonlyMap<number, Buffer>;
  readonly size: { readonly width: number; readonly height: number };
};

async function likeness({ pairs, sources, shown, size }: Likeness): Promise<PictureLikeness> {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-pictures-'));
  try {
    const rows = pairs.flatMap((pair) =>
      pair.outputs.map((number) => [sources.get(pair.source), shown.get(number)] as const),
    );
    const whole = rows.filter((row): row is readonly [Buffer, Buffer] =>
      row.every((one) => one?.length === size.width * size.height * 3),
    );
    if (whole.length < rows.length) return { worst: 0, mean: 0, colour: 255, moments: pairs.length };
    const files = [join(folder, 'source.rgb'), join(folder, 'shown.rgb')] as const;
    await writeFile(files[0], Buffer.concat(whole.map(([source]) => source)));
    await writeFile(files[1], Buffer.concat(whole.map(([, one]) => one)));
    const values = await ssim(files, size);
    // Of three neighbours the most alike counts: a frame more or less is not a wrong picture.
    const best = pairs.map((_, i) => Math.max(...values.slice(i * 3, i * 3 + 3)));
    const colours = pairs.map((pair) => colourDistance(sources.get(pair.source), shown.get(pair.outputs[1])));
    return {
      worst: Math.min(...best),
      mean: best.reduce((sum, one) => sum + one, 0) / best.length,
      colour: Math.max(...colours),
      moments: pairs.length,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ssim(
  files: readonly [string, string],
  { width, height }: { width: number; height: number },
): Promise<number[]> {
  const input = (file: string) => [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-video_size',
    `${width}x${height}`,
    '-i',
    file,
  ];
  const graph = '[0:v]format=yuv420p[a];[1:v]format=yuv420p[b];[a][b]ssim=stats_file=-';
  const { stdout } = await needTool('ffmpeg', [
    '-v',
    'error',
    '-nostdin',
    ...input(files[0]),
    ...input(files[1]),
    '-lavfi',
    graph,
    '-f',
    'null',
    '-',
  ]);
  return [...stdout.toString().matchAll(/^n:\d+ Y:([\d.]+)/gm)].map((match) => Number(match[1]));
}

/** Greatest difference of the mean red, green and blue. */
function colourDistance(a: Buffer | undefined, b: Buffer | undefined): number {
  if (!a || !b) return 255;
  const means = (pixels: Buffer) => {
    const sums = [0, 0, 0] as [number, number, number];
    for (let i = 0; i + 2 < pixels.length; i += 3) {
      sums[0] += pixels[i] ?? 0;
      sums[1] += pixels[i + 1] ?? 0;
      sums[2] += pixels[i + 2] ?? 0;
    }
    return sums.map((sum) => sum / (pixels.length / 3));
  };
  const [one, two] = [means(a), means(b)];
  return Math.max(...one.map((value, i) => Math.abs(value - (two[i] ?? 0))));
}
