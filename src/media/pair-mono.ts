// Broadcast recordings keep every channel in a mono track of its own: two and two of them are one stereo sound. Pure; used by probe-facts.ts.
import type { AudioFacts } from '#domain/source-facts.ts';

/** Where that is the custom; elsewhere mono tracks are what they say, sounds to choose from. FFmpeg's names. */
const BROADCAST = /^(mxf|mxf_opatom|gxf|mov,.*)$/;

/**
 * Tracks two and two, the odd ones left, where every one is mono PCM and nothing tells the two apart; as they are where it is not so.
 * An odd last one stays mono.
 */
export function pairMono<T extends { readonly facts: AudioFacts }>(container: string, tracks: readonly T[]): T[] {
  const isBroadcast =
    BROADCAST.test(container) &&
    tracks.length > 1 &&
    tracks.every(({ facts }) => facts.channels === 1 && facts.codec.startsWith('pcm_') && facts.title === null);
  if (!isBroadcast) return [...tracks];
  const paired: T[] = [];
  for (let i = 0; i < tracks.length; i++) {
    const [left, right] = [tracks[i], tracks[i + 1]];
    if (left && right && areSides(left.facts, right.facts)) {
      paired.push({ ...left, facts: joinSides(left.facts, right.facts) });
      i++;
    } else if (left) paired.push(left);
  }
  return paired;
}

const areSides = (left: AudioFacts, right: AudioFacts): boolean =>
  left.sampleRate === right.sampleRate &&
  left.language === right.language &&
  [null, 'mono', 'FL'].includes(placeOf(left)) &&
  [null, 'mono', 'FR'].includes(placeOf(right));

/** FFmpeg writes a channel that stands alone as `FL`, or as `1 channels (FL)`. */
const placeOf = ({ channelLayout }: AudioFacts): string | null =>
  channelLayout === null ? null : (/^1 channels \((\w+)\)$/.exec(channelLayout)?.[1] ?? channelLayout);

const joinSides = (left: AudioFacts, right: AudioFacts): AudioFacts => ({
  ...left,
  channels: 2,
  channelLayout: 'stereo',
  isDefault: left.isDefault || right.isDefault,
  startTime: Math.min(left.startTime, right.startTime),
  endTime: Math.max(left.endTime, right.endTime),
  bitrate: left.bitrate + right.bitrate,
  ...(right.hasHoles ? { hasHoles: true as const } : {}),
  right: right.streamIndex,
});
