// Holds the sound of an output against the source: is it there, as loud, and in step? Used by the checks of the corpus matrix.
import { needTool, readFrames, type StreamDescription } from '../kit/decode.ts';
import { keepLast } from './keep-last.ts';

const RATE = 8000;
/** One value of the envelope, samples: 5 ms. */
const HOP = 40;
/** Greatest lag that is looked for, hops: 300 ms. */
const REACH = 60;
/** Only the beginning of long sound is compared, seconds. */
const MOST = 90;
/** Root mean square below this is silence (-66 dB). */
export const SILENCE = 0.0005;

export type SoundTrack = {
  readonly url: string;
  readonly stream: StreamDescription;
  /** Seconds on the track's own clock where the media begins. */
  readonly zero: number;
  /** seconds */
  readonly duration: number;
};

export type SoundLikeness = {
  /** Seconds by which the output is late; negative where it is early. */
  readonly lag: number;
  /** Of the energies over time, at that lag; 1 is the same. */
  readonly correlation: number;
  /** Root mean squares, 0–1. */
  readonly sourceLevel: number;
  readonly outputLevel: number;
};

export async function compareSound(source: SoundTrack, output: SoundTrack): Promise<SoundLikeness> {
  const length = Math.ceil((Math.min(MOST, source.duration) * RATE) / HOP) + 2 * REACH;
  const [a, b] = [await envelopeOfSource({ ...source, length }), await envelope({ ...output, length })];
  let best = { lag: 0, correlation: -1 };
  for (let shift = -REACH; shift <= REACH; shift++) {
    const correlation = correlate(a.values, b.values, shift);
    const better =
      correlation > best.correlation + 1e-9 ||
      (Math.abs(correlation - best.correlation) <= 1e-9 && Math.abs(shift) < Math.abs(best.lag));
    if (better) best = { lag: shift, correlation };
  }
  return { lag: (best.lag * HOP) / RATE, correlation: best.correlation, sourceLevel: a.level, outputLevel: b.level };
}

/** Loudness in steps of 5 ms, with 300 ms of silence before and after, so that beginning and end are marks too. */
async function envelope({
  url,
  stream,
  zero,
  duration,
  length,
}: SoundTrack & { /** hops */ readonly length: number }): Promise<{ values: Float64Array; level: number }> {
  const [first] = await readFrames(url, stream, 1);
  const lead = first ? first.time - zero : 0;
  const { stdout } = await needTool('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-i', url, '-map', `0:${stream.index}`],
    ...[
      '-af',
      // Holes in the source's clock are time too. Through stereo: what surround sound loses on its way to mono depends on that way.
      'aresample=async=1:min_hard_comp=0.1,aformat=sample_fmts=fltp:channel_layouts=stereo,pan=mono|c0=0.5*c0+0.5*c1',
      '-ar',
      String(RATE),
      '-t',
      String(Math.min(MOST, duration)),
      '-f',
      's16le',
      '-',
    ],
  ]);
  const samples = new Int16Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + (stdout.length & ~1)));
  const values = new Float64Array(length);
  const offset = REACH * HOP + Math.round(lead * RATE);
  let sum = 0;
  samples.forEach((sample, i) => {
    const energy = (sample / 32_768) ** 2;
    sum += energy;
    const at = Math.floor((i + offset) / HOP);
    if (at >= 0 && at < length) values[at] = (values[at] ?? 0) + energy / HOP;
  });
  return { values: values.map(Math.sqrt), level: Math.sqrt(sum / Math.max(1, samples.length)) };
}

const envelopeOfSource = keepLast(8, envelope);

/** Pearson's, of a and of b moved back by so many hops. */
function correlate(a: Float64Array, b: Float64Array, shift: number): number {
  let [n, sumA, sumB, sumAB, sumAA, sumBB] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    // Beyond the ends there is silence: every shift is judged by the same stretch.
    const [x, y] = [a[i] ?? 0, b[i + shift] ?? 0];
    n++;
    sumA += x;
    sumB += y;
    sumAB += x * y;
    sumAA += x * x;
    sumBB += y * y;
  }
  const spread = Math.sqrt((sumAA - (sumA * sumA) / n) * (sumBB - (sumB * sumB) / n));
  return spread > 0 ? (sumAB - (sumA * sumB) / n) / spread : 0;
}
