// What a channel's FFmpeg makes, and where each of it goes. Facts in, plan out; pure. Used by the live supervisor.

import type { LiveAudioCodec, LiveVideoCodec } from '#domain/channel.ts';
import { type Channel, type ChannelOutput, liveAudioCodec, liveVideoCodec, playableSeconds } from '#domain/channel.ts';
import { sizeOf } from '#domain/channel-cost.ts';
import { profileOutput } from '#domain/channel-loop.ts';
import type { Hardware, Preset } from '#domain/codec.ts';
import type { MediaTool } from '#media/tool.ts';

export type LiveRendition = {
  /** Folder of its segments: `720p`. */
  readonly id: string;
  readonly video: LiveVideoCodec;
  readonly hardware: Hardware | null;
  /** null follows from the other, or from the source. */
  readonly width: number | null;
  readonly height: number | null;
  /** bits/s */
  readonly videoBitrate: number;
  /** bits */
  readonly bufferSize: number;
  readonly preset: Preset;
  readonly audio: LiveAudioCodec;
  /** bits/s */
  readonly audioBitrate: number;
};

export type LiveOutput = ChannelOutput & {
  /** Index of the rendition it carries. */
  readonly rendition: number;
};

export type LivePlan = {
  readonly renditions: readonly LiveRendition[];
  /** What is sent by a process of its own. */
  readonly pushes: readonly LiveOutput[];
  /** Indexes of the renditions that can be played over HLS. */
  readonly hls: readonly number[];
  readonly frameRate: number | null;
  readonly gopSeconds: number;
  readonly segmentSeconds: number;
  readonly windowSeconds: number;
};

export function planLive({ spec, abr }: Pick<Channel, 'spec' | 'abr'>, tool: Pick<MediaTool, 'hardware'>): LivePlan {
  const renditions: LiveRendition[] = [];
  const keys: string[] = [];
  const pushes: LiveOutput[] = [];
  const hls: number[] = [];
  for (const profile of spec.isAbr && abr.length > 0 ? abr : [null]) {
    const rendition = renditionOf(spec, profile, tool);
    const { id: _, ...rest } = rendition;
    const key = JSON.stringify(rest);
    // Two outputs of the same picture are encoded once.
    let index = keys.indexOf(key);
    if (index < 0) {
      index = renditions.length;
      keys.push(key);
      renditions.push({ ...rendition, id: freeName(rendition.id, renditions) });
    }
    const output = profile ? profileOutput(spec, profile) : spec;
    const { outputType, outputUrl, outputMulticastIp, outputNetwork } = output;
    if (outputType !== 'hls')
      pushes.push({ outputType, outputUrl, outputMulticastIp, outputNetwork, rendition: index });
    else if (!hls.includes(index)) hls.push(index);
  }
  return {
    renditions,
    pushes,
    hls,
    frameRate: spec.frameRate,
    gopSeconds: spec.gopSeconds,
    segmentSeconds: spec.hlsSegmentSeconds,
    windowSeconds: playableSeconds(spec),
  };
}

function renditionOf(
  spec: Channel['spec'],
  profile: Channel['abr'][number] | null,
  tool: Pick<MediaTool, 'hardware'>,
): LiveRendition {
  const video = liveVideoCodec(profile?.videoCodec ?? spec.videoCodec);
  const size = sizeOf(profile?.resolution ?? spec.resolution);
  const videoBitrate = (profile?.videoBitrate ?? spec.videoBitrate) * 1000;
  const buffer = profile?.bufferSize ?? spec.bufferSize;
  return {
    id: profile?.name ? folderName(profile.name) : size ? `${size.height}p` : 'main',
    video,
    hardware: hardwareFor(spec, profile?.videoCodec ?? spec.videoCodec, tool),
    width: size?.width ?? null,
    height: size?.height ?? null,
    videoBitrate,
    bufferSize: buffer === null ? Math.round(videoBitrate * 1.5) : buffer * 1000,
    preset: profile?.preset ?? spec.preset,
    audio: liveAudioCodec(profile?.audioCodec ?? spec.audioCodec),
    audioBitrate: (profile?.audioBitrate ?? spec.audioBitrate) * 1000,
  };
}

/** Hardware that passed its test encode at start; software where there is none, as in the engine. */
function hardwareFor(
  spec: Channel['spec'],
  codecName: string,
  { hardware }: Pick<MediaTool, 'hardware'>,
): Hardware | null {
  const codec = liveVideoCodec(codecName);
  const named = hardware.find(({ encoder }) => encoder === codecName);
  if (named) return named.kind;
  if (spec.hwaccel === 'none') return null;
  const found = hardware.find((one) => one.codec === codec && (spec.hwaccel === 'auto' || spec.hwaccel === one.kind));
  return found?.kind ?? null;
}

const folderName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40) || 'main';

function freeName(wanted: string, taken: readonly LiveRendition[]): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    if (!taken.some(({ id }) => id === name)) return name;
  }
}
