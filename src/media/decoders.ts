// Which decoder reads a codec here, and whether any may. Pure; used by the probe and by commands that read a source.
import type { VideoFacts } from '#domain/source-facts.ts';
import type { MediaTool } from '#media/tool.ts';
import { SOURCE_DECODERS } from '#media/whitelist.ts';

const ALLOWED: ReadonlySet<string> = new Set(SOURCE_DECODERS);

/** Codecs whose decoders have other names. FFmpeg's own `av1` only drives graphics cards and decodes nothing itself. */
const DECODERS_OF: Readonly<Record<string, readonly string[]>> = {
  av1: ['libdav1d', 'libaom-av1'],
  vp8: ['vp8', 'libvpx'],
  vp9: ['vp9', 'libvpx-vp9'],
  msmpeg4v3: ['msmpeg4'],
  flv1: ['flv'],
  mp1: ['mp1float', 'mp1'],
  mp2: ['mp2float', 'mp2'],
  mp3: ['mp3float', 'mp3'],
  mp3adu: ['mp3adufloat', 'mp3adu'],
  mp3on4: ['mp3on4float', 'mp3on4'],
  mp4als: ['als'],
  dts: ['dca'],
  amr_nb: ['amrnb'],
  amr_wb: ['amrwb'],
  musepack7: ['mpc7'],
  musepack8: ['mpc8'],
  opus: ['opus', 'libopus'],
  vorbis: ['vorbis', 'libvorbis'],
  speex: ['speex', 'libspeex'],
  adpcm_g722: ['g722'],
  adpcm_g726: ['g726'],
  adpcm_g726le: ['g726le'],
  ra_144: ['real_144', 'ra_144'],
  ra_288: ['real_288', 'ra_288'],
  subrip: ['subrip', 'srt'],
  ass: ['ass', 'ssa'],
  dvb_subtitle: ['dvbsub'],
  dvd_subtitle: ['dvdsub'],
  hdmv_pgs_subtitle: ['pgssub'],
  eia_608: ['cc_dec'],
};

/** True where this FFmpeg has a decoder for the codec and the whitelist lets it. */
export function canDecode(codec: string, tool: MediaTool): boolean {
  return (DECODERS_OF[codec] ?? [codec]).some((name) => ALLOWED.has(name) && tool.decoders.has(name));
}

/**
 * Input arguments, before `-i`. A picture that changes its size goes on through the same graph of filters: one that is built anew begins
 * its clock and its count of frames again. FFmpeg's own VP8 and VP9 decoders drop transparency, libvpx's keep it.
 */
export function decoderArguments(video: VideoFacts, tool: MediaTool): string[] {
  const decoder = { vp8: 'libvpx', vp9: 'libvpx-vp9' }[video.codec];
  const needsDecoder = video.hasAlpha && decoder !== undefined && tool.decoders.has(decoder);
  return ['-reinit_filter:v', '0', ...(needsDecoder ? [`-c:${video.streamIndex}`, decoder] : [])];
}
