// What a live channel costs, in cores: pixels × frames × preset. An estimate, on the safe side; decides whether one more is admitted. Pure.
import { type Channel, liveVideoCodec } from '#domain/channel.ts';
import type { Preset } from '#domain/codec.ts';

/** Cores for a million pixels a second with x264 veryfast: 1080p at 30/s takes about two thirds of a core. */
const CORES_PER_MEGAPIXEL = 0.011;
/** Of what encoding the same picture costs. */
const DECODE_SHARE = 0.2;
/** Relative to veryfast. */
const PRESET_FACTORS: Readonly<Record<Preset, number>> = {
  ultrafast: 0.4,
  superfast: 0.65,
  veryfast: 1,
  faster: 1.5,
  fast: 2,
  medium: 2.4,
  slow: 4,
  slower: 7,
  veryslow: 12,
};
/** Relative to H.264 in software. */
const HEVC_FACTOR = 3;
const HARDWARE_FACTOR = 0.1;
/** Moving packets, sound, the process itself. */
const PER_PROCESS = 0.03;
const UNKNOWN = { width: 1920, height: 1080, rate: 30 };

/** Width and height of `1280x720` or `720p`; null where it says neither. */
export function sizeOf(resolution: string | null): { readonly width: number | null; readonly height: number } | null {
  const both = /^(\d{2,5})x(\d{2,5})$/.exec(resolution ?? '');
  if (both) return { width: Number(both[1]), height: Number(both[2]) };
  const height = /^(\d{2,5})p$/.exec(resolution ?? '')?.[1];
  return height === undefined ? null : { width: null, height: Number(height) };
}

function pixels(resolution: string | null): number {
  const size = sizeOf(resolution);
  if (!size) return UNKNOWN.width * UNKNOWN.height;
  return (size.width ?? (size.height * 16) / 9) * size.height;
}

/** Cores that a channel keeps busy while it runs. @param hasHardware whether its codec can be encoded in hardware here */
export function channelCost({ spec, abr }: Pick<Channel, 'spec' | 'abr'>, hasHardware: boolean): number {
  const wanted = spec.isAbr && abr.length > 0 ? abr : [null];
  const rate = spec.frameRate ?? UNKNOWN.rate;
  const work = wanted.map((profile) => {
    const codec = liveVideoCodec(profile?.videoCodec ?? spec.videoCodec);
    if (codec === 'copy' || codec === 'none') return 0;
    const factor = hasHardware && spec.hwaccel !== 'none' ? HARDWARE_FACTOR : codec === 'hevc' ? HEVC_FACTOR : 1;
    const megapixels = (pixels(profile?.resolution ?? spec.resolution) * rate) / 1e6;
    return megapixels * CORES_PER_MEGAPIXEL * PRESET_FACTORS[profile?.preset ?? spec.preset] * factor;
  });
  const encode = work.reduce((sum, one) => sum + one, 0);
  const largest = Math.max(...wanted.map((profile) => pixels(profile?.resolution ?? spec.resolution)));
  const decode = encode > 0 ? ((largest * rate) / 1e6) * CORES_PER_MEGAPIXEL * DECODE_SHARE : 0;
  const standby = spec.fallbackInput ? 1 : 0;
  return encode + decode + PER_PROCESS * (1 + standby + wanted.length);
}
