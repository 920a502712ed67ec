// The filter graph of the picture: from the source's frames to upright, progressive, constant-rate SDR frames of each wanted size.
import type { PicturePreparation, Timeline, VideoRendition } from '#domain/plan.ts';
import type { Rational, VideoFacts } from '#domain/source-facts.ts';
import { type Drawing, drawOn } from '#media/command/decoration.ts';
import { isWideGamut } from '#media/examine-picture.ts';
import { toNumber } from '#media/grid.ts';

/** A size a branch of the graph must have. */
export type Branch = Pick<VideoRendition, 'width' | 'height' | 'fit' | 'pixelFormat'>;

/** What is drawn on a branch, with the numbers of its inputs. */
export type BranchDrawing = { readonly drawing: Drawing; readonly inputs: readonly number[] };

export type Preparation = {
  readonly video: VideoFacts;
  readonly preparation: PicturePreparation;
  readonly timeline: Timeline;
  /** Frames of the timeline that are wanted: startFrame ≤ n < endFrame. */
  readonly startFrame: number;
  readonly endFrame: number;
  /** By branch; left out, nothing is drawn. */
  readonly drawings?: readonly (BranchDrawing | null)[];
};

/** Filters that put exactly the wanted frames on the grid, counted from 0. */
export function gridFilters({ video, preparation, timeline, startFrame, endFrame }: Preparation): string[] {
  const { fps, sourceStart, videoShift } = timeline;
  const rate = `${fps.num}/${fps.den}`;
  // Of any chunk: one that ends before the first picture comes holds nothing else.
  const startsLate = video.startTime >= sourceStart + (startFrame - 0.5) / toNumber(fps);
  return [
    // Else every picture would count as one that changed its shape.
    ...(video.absurdAspect ? ['setsar=1'] : []),
    ...(preparation.steady ? steadyFilters(video, preparation.deinterlace ? [isSize] : [isSize, isShape]) : []),
    // The source's own clock (-copyts), moved so that the timeline's zero is zero and frames fall on the grid, never between.
    `setpts=PTS-(${seconds(sourceStart - videoShift)})/TB`,
    // Before fps: a deinterlacer must see the fields as they come.
    ...(preparation.deinterlace
      ? [`bwdif=mode=${showsFields(video, fps) ? 'send_field' : 'send_frame'}:parity=auto:deint=all`]
      : []),
    // After it: scaled before, lines of one field would run into those of the other.
    ...(preparation.steady && preparation.deinterlace ? steadyFilters(video, [isShape]) : []),
    // Constant rate. A frame's number on the grid depends on its time alone, so every chunk picks the same frames as one pass would.
    // A picture that comes late is filled from the beginning with its first frame, to stay in step with the sound.
    startsLate ? `fps=${rate}:start_time=0` : `fps=${rate}`,
    // A picture that ends early is held: every rendition has the length of the timeline.
    'tpad=stop=-1:stop_mode=clone',
    // After fps the time base is one frame: pts is the frame's number.
    `trim=start_pts=${startFrame}:end_pts=${endFrame}`,
    'setpts=PTS-STARTPTS',
  ];
}

/** At about twice the rate of the frames each field has a moment of its own, as it was taken: repeated frames would only stutter. */
const showsFields = ({ averageFrameRate }: VideoFacts, fps: Rational): boolean =>
  averageFrameRate !== null && toNumber(fps) > 1.5 * toNumber(averageFrameRate);

/** Whether a picture has the size of the first one. */
const isSize = ({ width, height }: VideoFacts): string => `eq(iw,${width})*eq(ih,${height})`;

/** Whether its pixels have their shape: a broadcast goes from 4:3 to 16:9 by that alone. Containers that say it in rough figures mean no change. */
const isShape = ({ sampleAspectRatio }: VideoFacts): string => `lt(abs(sar/${toNumber(sampleAspectRatio)}-1),0.02)`;

/**
 * Filters that keep one size where the source changes its own on the way (calls that were recorded, broadcasts, a phone that is turned):
 * what is not alike is fitted into the first one's. The graph itself is never built anew (decoders.ts): it would begin its clock again.
 */
function steadyFilters(video: VideoFacts, alike: readonly ((video: VideoFacts) => string)[]): string[] {
  const { width, height, sampleAspectRatio, pixelFormat } = video;
  const isSame = alike.map((test) => test(video)).join('*');
  const aspect = `dar/${toNumber(sampleAspectRatio)}`;
  const fitted = [`round(min(${width},${height}*${aspect}))`, `round(min(${height},${width}/(${aspect})))`];
  return [
    `scale=w='if(${isSame},${width},${fitted[0]})':h='if(${isSame},${height},${fitted[1]})':eval=frame:flags=bicubic`,
    `pad=${width}:${height}:-1:-1:eval=frame`,
    // Else another filter's wish for a format could be met here, before the picture is scaled.
    `format=${pixelFormat}`,
  ];
}

/** Filters that make the picture upright (FFmpeg's own autorotation is off: it also acts on nonsense matrices). */
export function uprightFilters({ rotation, mirrored }: Pick<PicturePreparation, 'rotation' | 'mirrored'>): string[] {
  const turn = { 0: [], 90: ['transpose=clock'], 180: ['hflip', 'vflip'], 270: ['transpose=cclock'] }[rotation];
  return [...(mirrored ? ['hflip'] : []), ...turn];
}

/** Filters that bring HDR to BT.709 SDR at the given size; scaling comes first because linear light in floats is dear. */
export function toneMapFilters(kind: 'pq' | 'hlg', size: { width: number; height: number }): string[] {
  const transfer = kind === 'pq' ? 'smpte2084' : 'arib-std-b67';
  return [
    // Input properties are said, not guessed: sources often leave some of them out and zscale then finds no path.
    `zscale=w=${size.width}:h=${size.height}:tin=${transfer}:min=bt2020nc:pin=bt2020:t=linear:npl=100`,
    'format=gbrpf32le',
    'zscale=p=bt709',
    'tonemap=tonemap=hable:desat=0',
    'zscale=t=bt709:m=bt709:r=tv',
    'format=yuv420p',
  ];
}

/** Names what every player takes of itself in high definition. */
const BT709 = 'setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709';

/** BT.2020 has the curve of BT.709 (ITU-R BT.2020-2, table 4); what lies outside the smaller gamut ends at its edge. */
const TO_BT709 = 'zscale=pin=bt2020:tin=bt709:min=bt2020nc:p=bt709:t=bt709:m=bt709';

/** Where a source says nothing of its colours, players go by its stored lines: from here on they take BT.709, below BT.601. */
const HIGH_DEFINITION = 720;
const isHighDefinition = ({ height }: VideoFacts): boolean => height >= HIGH_DEFINITION;

/**
 * An 8-bit picture that is only tagged as HDR is none (doctor.ts): the tag must not reach the result, or players map its tones. Colours
 * of high definition that no tag names are named, or players would take the smaller renditions for another kind than the larger ones.
 */
export function plainColour(video: VideoFacts): string[] {
  const { color, chroma } = video;
  if (isWideGamut(video)) return [TO_BT709];
  const tagged = color.transfer === 'smpte2084' || color.transfer === 'arib-std-b67';
  const unnamed = color.matrix === null && chroma !== 'rgb' && isHighDefinition(video);
  return tagged || unnamed ? [BT709] : [];
}

/**
 * Filters that lay transparency on a colour, `0xRRGGBB`. Ends with a format that has no alpha. The colour is painted with lutrgb:
 * drawbox, the obvious one, writes past the end of RGBA pictures in FFmpeg 5.1 and is killed for it.
 */
export function flattenFilters(background: string, label: string): string {
  const names = [`${label}f`, `${label}m`, `${label}b`];
  const [red, green, blue] = [16, 8, 0].map((bits) => (Number(background) >> bits) & 0xff);
  return (
    `format=rgba,split[${names[0]}][${names[1]}];` +
    `[${names[1]}]lutrgb=r=${red}:g=${green}:b=${blue}:a=255[${names[2]}];` +
    `[${names[2]}][${names[0]}]overlay=format=auto`
  );
}

/** Filters from the prepared picture to one branch's size and pixel format. */
export function sizeFilters(
  branch: Branch,
  options: { fullRange: boolean; square: { width: number; height: number } | null; toBt709?: boolean },
): string[] {
  const { width, height, fit } = branch;
  const range =
    (options.fullRange ? ':in_range=pc:out_range=tv' : '') + (options.toBt709 ? ':out_color_matrix=bt709' : '');
  // cover and pad compare aspects, and scale knows only stored pixels: they need square ones first.
  const square =
    options.square && (fit === 'cover' || fit === 'pad')
      ? [`scale=${options.square.width}:${options.square.height}:flags=bicubic`, 'setsar=1']
      : [];
  const scale = {
    contain: [`scale=${width}:${height}:flags=bicubic${range}`],
    fill: [`scale=${width}:${height}:flags=bicubic${range}`],
    cover: [
      `scale=${width}:${height}:force_original_aspect_ratio=increase:flags=bicubic${range}`,
      `crop=${width}:${height}`,
    ],
    pad: [
      `scale=${width}:${height}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=bicubic${range}`,
      `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2`,
    ],
  }[fit];
  return [...square, ...scale, 'setsar=1', ...(options.toBt709 ? [BT709] : []), `format=${branch.pixelFormat}`];
}

/**
 * The whole graph: one input, prepared once, split to all branches. Branch i comes out at `[v<i>]`, extra branch j at `[x<j>]`.
 * `extras` are chains of filters for pictures taken on the way.
 */
export function pictureGraph(prepared: Preparation, branches: readonly Branch[], extras: readonly string[][]): string {
  const { video, preparation } = prepared;
  const largest = branches.reduce(
    (best, branch) => (branch.width * branch.height > best.width * best.height ? branch : best),
    {
      width: 2,
      height: 2,
    },
  );
  const mapSize =
    branches.length > 0 && preparation.toneMap
      ? fitInside(video, largest)
      : { width: even(video.displayWidth), height: even(video.displayHeight) };
  // A still is scaled once and then held: held first, every one of its frames would be scaled anew.
  const [before, after] = preparation.hold ? [['null'], gridFilters(prepared)] : [gridFilters(prepared), []];
  const chain = [
    ...before,
    ...uprightFilters(preparation),
    ...(preparation.toneMap ? toneMapFilters(preparation.toneMap, mapSize) : plainColour(video)),
    ...(preparation.background ? [flattenFilters(preparation.background, 'bg')] : []),
  ];
  const square =
    video.sampleAspectRatio.num === video.sampleAspectRatio.den
      ? null
      : { width: even(video.displayWidth), height: even(video.displayHeight) };
  const sizing = {
    fullRange: preparation.fullRange && !preparation.toneMap,
    square: preparation.toneMap ? null : square,
    // Red, green and blue: left to itself, FFmpeg makes BT.601 of them whatever the size.
    toBt709:
      !preparation.toneMap &&
      (video.chroma === 'rgb' || preparation.background !== null || preparation.hold) &&
      isHighDefinition(video),
  };
  const ends = [
    ...branches.map((branch, i) => ({
      text: drawBranch(prepared, { filters: holdAfter(sizeFilters(branch, sizing), after), ...branch, index: i }),
      label: `v${i}`,
    })),
    ...extras.map((filters, j) => ({ text: [...after, ...filters].join(','), label: `x${j}` })),
  ];
  const source = `[0:${video.streamIndex}]${chain.join(',')}`;
  const [only] = ends;
  if (ends.length === 1 && only) return `${source},${only.text}[${only.label}]`;
  const splits = ends.map((_, i) => `[s${i}]`).join('');
  return [`${source},split=${ends.length}${splits}`, ...ends.map((end, i) => `[s${i}]${end.text}[${end.label}]`)].join(
    ';',
  );
}

/** The format stays last: it is where hardware's surfaces begin. */
function holdAfter(sizing: readonly string[], hold: readonly string[]): string[] {
  const [format = 'null', ...rest] = [...sizing].reverse();
  return hold.length > 0 ? [...rest.reverse(), ...hold, format] : [...sizing];
}

type DrawnBranch = { readonly filters: readonly string[]; readonly pixelFormat: string; readonly index: number };

/** A branch's filters with what is drawn after them. */
export function drawBranch(prepared: Preparation, { filters, pixelFormat, index }: DrawnBranch): string {
  const { video, timeline, startFrame, drawings } = prepared;
  const drawn = drawings?.[index];
  if (!drawn) return filters.join(',');
  const start = timeline.sourceStart - timeline.videoShift + startFrame / toNumber(timeline.fps);
  return drawOn(filters, { ...drawn, video, pixelFormat, clock: { fps: timeline.fps, start }, label: `d${index}` });
}

/** The picture's size, upright and square, inside the largest branch: tone mapping works on no more pixels than are needed. */
function fitInside(video: VideoFacts, largest: { width: number; height: number }): { width: number; height: number } {
  const scale = Math.min(1, Math.max(largest.width / video.displayWidth, largest.height / video.displayHeight));
  return { width: even(video.displayWidth * scale), height: even(video.displayHeight * scale) };
}

export const even = (pixels: number): number => Math.max(2, Math.round(pixels / 2) * 2);

/** Seconds as FFmpeg reads them: never in exponent form. */
export const seconds = (value: number): string => value.toFixed(6);
