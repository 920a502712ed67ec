// Whether a stream can be copied to where a channel sends it, by what FFmpeg found in the input; what cannot is encoded. Pure; used by the live room.
import type { LiveOutput, LivePlan, LiveRendition } from '#media/live-plan.ts';

/** What an input turned out to be, in FFmpeg's names; null where it has no such stream. */
export type LiveFacts = {
  readonly video: { readonly codec: string; readonly pixels: string | null } | null;
  readonly audio: { readonly codec: string } | null;
  /** Its keyframes lie too far apart to cut it there. */
  readonly isUncut: boolean;
};

type Carrier = { readonly video: readonly string[]; readonly audio: readonly string[] };

/** What players of HLS (RFC 8216, ISO/IEC 13818-1) and receivers of FLV and MPEG-TS take. */
const HLS: Carrier = { video: ['h264', 'hevc'], audio: ['aac', 'mp3', 'ac3', 'eac3'] };
const FLV: Carrier = { video: ['h264'], audio: ['aac', 'mp3'] };
const TRANSPORT: Carrier = {
  video: ['h264', 'hevc', 'mpeg2video', 'mpeg1video'],
  audio: ['aac', 'mp3', 'mp2', 'ac3', 'eac3'],
};
/** What browsers decode of H.264; a receiver of a transport stream knows what it asked for. */
const EIGHT_BIT = ['yuv420p', 'yuvj420p'];

/** The plan with everything encoded that cannot be copied, and why. */
export function fitPlan(plan: LivePlan, facts: LiveFacts): { readonly plan: LivePlan; readonly reasons: string[] } {
  const reasons: string[] = [];
  const renditions = plan.renditions.map((rendition, i) => {
    const carriers = carriersOf(plan, i);
    const video = rendition.video === 'copy' ? videoProblem(facts, carriers) : null;
    const audio = rendition.audio === 'copy' ? audioProblem(facts, carriers) : null;
    if (video !== null) reasons.push(`${rendition.id}: the picture is encoded to h264, ${video}`);
    if (audio !== null) reasons.push(`${rendition.id}: the sound is encoded to aac, ${audio}`);
    return withoutCopy(rendition, { video: video !== null, audio: audio !== null });
  });
  return { plan: { ...plan, renditions }, reasons };
}

/** The same rendition, encoded where it was to be copied. */
export const withoutCopy = (rendition: LiveRendition, of: { video: boolean; audio: boolean }): LiveRendition => ({
  ...rendition,
  video: of.video && rendition.video === 'copy' ? 'h264' : rendition.video,
  audio: of.audio && rendition.audio === 'copy' ? 'aac' : rendition.audio,
});

const isFlv = ({ outputType, outputUrl }: LiveOutput): boolean =>
  outputType === 'rtmp' || (outputType === 'file' && /\.flv$/i.test(outputUrl ?? ''));

function carriersOf({ hls, pushes }: LivePlan, index: number): readonly (Carrier & { readonly name: string })[] {
  const own = pushes.filter(({ rendition }) => rendition === index);
  return [
    ...(hls.includes(index) ? [{ ...HLS, name: 'hls' }] : []),
    ...own.map((output) => ({ ...(isFlv(output) ? FLV : TRANSPORT), name: output.outputType })),
  ];
}

type Carriers = ReturnType<typeof carriersOf>;

function videoProblem({ video, isUncut }: LiveFacts, carriers: Carriers): string | null {
  if (!video) return null;
  const refusing = carriers.find((carrier) => !carrier.video.includes(video.codec));
  if (refusing) return `${refusing.name} carries no ${video.codec}`;
  const isHls = carriers.some(({ name }) => name === 'hls');
  if (isHls && video.codec === 'h264' && video.pixels !== null && !EIGHT_BIT.includes(video.pixels))
    return `players of hls do not decode h264 of ${video.pixels}`;
  return isHls && isUncut ? 'its keyframes lie too far apart for segments' : null;
}

function audioProblem({ audio }: LiveFacts, carriers: Carriers): string | null {
  const refusing = audio && carriers.find((carrier) => !carrier.audio.includes(audio.codec));
  return refusing ? `${refusing.name} carries no ${audio.codec}` : null;
}

/** Collects what FFmpeg's log says of the first picture and the first sound of its input. */
export class LiveFactsReader {
  #video: LiveFacts['video'] = null;
  #audio: LiveFacts['audio'] = null;
  #isOver = false;

  /** The facts with the line that ends the list of the input's streams; null with all others. */
  read(line: string): Omit<LiveFacts, 'isUncut'> | null {
    if (this.#isOver) return null;
    if (/Stream mapping:|Output #0/.test(line)) {
      this.#isOver = true;
      return { video: this.#video, audio: this.#audio };
    }
    // Stream #0:0[0x100](eng): Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p(tv, progressive), 1280x720, 25 fps
    const [, type, codec = '', more = ''] = /Stream #0:\d+.*?: (Video|Audio): (\w+)(.*)/.exec(line) ?? [];
    const pixels = /(?:^|, )((?:yuv|gray|rgb|gbr|nv|bgr)\w*)/.exec(more)?.[1] ?? null;
    if (type === 'Video') this.#video ??= { codec, pixels };
    if (type === 'Audio') this.#audio ??= { codec };
    return null;
  }
}
