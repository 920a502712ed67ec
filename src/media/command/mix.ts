// Filters that make fewer channels of a sound's own, as loud as it was and without clipping. Used by the commands of sound and by the doctor.
import type { AudioFacts } from '#domain/source-facts.ts';

/** Layouts by their number of channels, as FFmpeg's `-ac` takes them and as it guesses them where a source names none. */
export const LAYOUTS = ['mono', 'stereo', '2.1', '4.0', '5.0', '5.1', '6.1', '7.1'] as const;

export type Channels = Pick<AudioFacts, 'channels' | 'channelLayout'>;

/**
 * Channels that nothing gives a place to: tracks of a recorder or a broadcast, side by side. FFmpeg fails on nine and more of them; of three
 * it takes the last for bass and drops it, of sixteen most for places that stereo has not.
 */
export const isDiscrete = ({ channels, channelLayout }: Channels): boolean =>
  channelLayout === null ? channels === 3 || channels > LAYOUTS.length : channelLayout === 'hexadecagonal';

/** The layout that a source without one is taken for; null where it has one, or is taken for tracks side by side. */
export const guessedLayout = (source: Channels): string | null =>
  source.channelLayout === null && source.channels > 2 && !isDiscrete(source)
    ? (LAYOUTS[source.channels - 1] ?? null)
    : null;

/**
 * −1 dB (AES TD1008): what lies below passes unchanged and undelayed. FFmpeg adds centre and surround to each side as ITU-R BS.775 has it:
 * as loud as before, but up to 7.7 dB above full scale where all channels are at their peak. Turned down for that
 * (as FFmpeg does with whole numbers), all other films would be too quiet.
 */
const LIMITER = 'alimiter=limit=0.891:level=disabled:latency=1';

/**
 * None where no channel goes. Mixed in floats, or it would depend on the codec's samples how loud the result is.
 * @param limited false where what follows keeps peaks down itself
 */
export function mixFilters(source: Channels | undefined, channels: number, limited = true): string[] {
  if (!source || source.channels <= channels) return [];
  const mix = isDiscrete(source) ? pairUp(source.channels, channels) : layoutOf(channels);
  return mix === null ? [] : ['aformat=sample_fmts=fltp', mix, ...(limited ? [LIMITER] : [])];
}

/** Of surround in fewer channels the encoder decides: Opus knows other layouts than AAC. */
const layoutOf = (channels: number): string | null =>
  channels <= 2 ? `aformat=channel_layouts=${LAYOUTS[channels - 1] ?? 'stereo'}` : null;

/** Pairs keep their sides: odd channels left, even ones right, a last single one in the middle. As loud as one pair was. */
function pairUp(count: number, channels: number): string {
  const gain = 1 / Math.sqrt(Math.ceil(count / 2));
  const pairs = count - (count % 2);
  const side = (first: number) => [
    ...Array.from({ length: pairs / 2 }, (_, i) => `${gain.toFixed(4)}*c${2 * i + first}`),
    ...(count > pairs ? [`${(gain * Math.SQRT1_2).toFixed(4)}*c${pairs}`] : []),
  ];
  const [left, right] = [side(0), side(1)];
  if (channels >= 2) return `pan=stereo|c0=${left.join('+')}|c1=${right.join('+')}`;
  const all = Array.from({ length: count }, (_, i) => `${(1 / Math.sqrt(count)).toFixed(4)}*c${i}`);
  return `pan=mono|c0=${all.join('+')}`;
}
