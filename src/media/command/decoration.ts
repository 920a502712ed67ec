// What is drawn into a rendition after it was scaled: burnt-in subtitles, then the watermark. Each is a file of ours. Used by picture.ts.
import type { Rational, VideoFacts } from '#domain/source-facts.ts';

/** A picture, or a run of pictures, that is laid over a rendition. */
export type Overlay = {
  /** Options and `-i` of the input. */
  readonly inputArguments: readonly string[];
  readonly x: number;
  readonly y: number;
  /** Pixels it is scaled to; null where it has its size already. */
  readonly size: { readonly width: number; readonly height: number } | null;
};

/** What one rendition of one run of FFmpeg carries. */
export type Drawing = {
  /** An ASS file in the working directory, by a name of ours without anything to escape; its zero in seconds of the source's own clock. */
  readonly text: { readonly file: string; readonly zero: number } | null;
  readonly overlays: readonly Overlay[];
};

/** Inputs beside the source, and the number each has, in the order of the pictures that use them. Equal ones are one. */
export function overlayInputs(drawings: readonly (Drawing | null)[]): {
  readonly args: readonly string[];
  readonly numbers: readonly (readonly number[])[];
} {
  const keys: string[] = [];
  const args: string[] = [];
  const numbers = drawings.map((drawing) =>
    (drawing?.overlays ?? []).map(({ inputArguments }) => {
      const key = inputArguments.join('\0');
      if (!keys.includes(key)) {
        keys.push(key);
        args.push(...inputArguments);
      }
      return keys.indexOf(key) + 1;
    }),
  );
  return { args, numbers };
}

export type DrawingClock = {
  readonly fps: Rational;
  /** Seconds on the source's own clock where the run's first frame is. */
  readonly start: number;
};

/** libass draws by the frame's time: for the length of the filter it is the script's. Afterwards a frame's number again, exactly. */
function textFilters({ file, zero }: NonNullable<Drawing['text']>, { fps, start }: DrawingClock): string[] {
  return [
    'settb=1/1000000',
    `setpts=PTS+(${(start - zero).toFixed(6)})/TB`,
    `subtitles=filename=${file}`,
    `settb=${fps.den}/${fps.num}`,
    'setpts=N',
  ];
}

export type Drawn = {
  readonly drawing: Drawing;
  /** Numbers of the overlays' inputs. */
  readonly inputs: readonly number[];
  readonly clock: DrawingClock;
  readonly video: VideoFacts;
  readonly pixelFormat: string;
  /** Unique in the graph. */
  readonly label: string;
};

/** Goes on with a chain of filters: text first, then each overlay. Ends in the branch's pixel format, without a label. */
export function drawOn(
  filters: readonly string[],
  { drawing, inputs, clock, video, pixelFormat, label }: Drawn,
): string {
  const withText = [...filters, ...(drawing.text === null ? [] : textFilters(drawing.text, clock))].join(',');
  if (drawing.overlays.length === 0) return `${withText},format=${pixelFormat}`;
  return drawing.overlays.reduce((chain, { size, x, y }, i) => {
    const [under, over] = [`${label}u${i}`, `${label}o${i}`];
    const scale = size ? `${size.width}:${size.height}:flags=bicubic:` : '';
    return (
      // RGB: without being told, FFmpeg makes BT.601 of it.
      `${chain}[${under}];[${inputs[i]}:v]format=rgba,scale=${scale}out_color_matrix=${matrixOf(video)}:out_range=tv,format=yuva420p[${over}];` +
      `[${under}][${over}]overlay=x=${x}:y=${y}:format=yuv420:eof_action=repeat,format=${pixelFormat}`
    );
  }, withText);
}

/** The matrix a rendition has: the source's, BT.709 after tone mapping; where nothing is said, what players take for its size. */
function matrixOf({ color, hdr, displayHeight, displayWidth }: VideoFacts): string {
  const taggedHdr = color.transfer === 'smpte2084' || color.transfer === 'arib-std-b67';
  if (hdr || taggedHdr || color.matrix === 'bt709') return 'bt709';
  if (color.matrix === 'bt2020nc' || color.matrix === 'bt2020c') return 'bt2020';
  if (color.matrix === 'smpte240m') return 'smpte240m';
  if (color.matrix === null && Math.min(displayWidth, displayHeight) >= 720) return 'bt709';
  return 'bt601';
}
