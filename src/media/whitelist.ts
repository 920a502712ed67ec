// What FFmpeg and ffprobe may open: named protocols, demuxers and decoders only. Used by every command that reads a source.
import type { MediaInput } from '#media/tool.ts';

const names = (text: string) => text.trim().split(/\s+/);

/**
 * Demuxers a source may be read by. FFmpeg compares whole names, and for a family (`mov,mp4,m4a,…`) any one of them.
 * Never playlists and scripts (hls, concat, dash, sdp, imf), file patterns (image2), devices (lavfi, x11grab) or text (tty):
 * each of them opens further files or addresses that the uploader chose.
 */
export const SOURCE_DEMUXERS: readonly string[] = [
  // video
  ...names(`
    mov mp4 m4a 3gp 3g2 mj2 matroska webm mpegts mpeg mpegvideo m4v avi flv asf asf_o
    ogg mxf dv h263 h264 hevc vvc obu av1 ivf vc1 rm nut gxf wtv mjpeg gif apng dnxhd yuv4mpegpipe
  `),
  // audio
  ...names(`
    mp3 aac loas ac3 eac3 ac4 dts dtshd truehd mlp flac wav w64 aiff caf au amr amrnb amrwb
    tta wv ape tak mpc mpc8 oma voc dsf iff spdif
  `),
];

/**
 * Decoders a source may be read by: what people really send. A rare decoder is attack surface and nothing else
 * (CVE-2026-8461 sat in magicyuv's), so what is not named here is refused as unsupported. ffprobe opens every stream and ends
 * at the first it may not: subtitles that are never used are named too, or a broadcast with teletext would be refused.
 */
export const SOURCE_DECODERS: readonly string[] = [
  // video; of twins (libdav1d and av1, libvpx and vp9) FFmpeg takes the first it has
  ...names(`
    h264 hevc vvc libdav1d libaom-av1 av1 vp8 libvpx vp9 libvpx-vp9 vp6 vp6a vp6f vp7 theora vp3
    mpeg1video mpeg2video mpegvideo mpeg4 msmpeg4v1 msmpeg4v2 msmpeg4 wmv1 wmv2 wmv3 vc1
    h261 h263 h263i h263p flv svq1 svq3 rv10 rv20 rv30 rv40 cinepak indeo3 indeo5 msvideo1 qtrle
    prores dnxhd cfhd dvvideo jpeg2000 mjpeg mjpegb ffv1 huffyuv ffvhuff utvideo v210 v308 v408 v410 r210 r10k rawvideo wrapped_avframe
    gif apng png bmp webp
  `),
  // audio
  ...names(`
    aac aac_fixed aac_latm libfdk_aac mp1 mp1float mp2 mp2float mp3 mp3float mp3adu mp3adufloat mp3on4 mp3on4float
    opus libopus vorbis libvorbis flac alac als ac3 ac3_fixed eac3 dca truehd mlp dolby_e s302m
    amrnb amrwb gsm gsm_ms speex libspeex wmav1 wmav2 wmapro wmalossless wmavoice ape tta wavpack tak mpc7 mpc8
    cook ra_144 ra_288 real_144 real_288 sipr nellymoser qdm2 qdmc qcelp atrac3 atrac3plus ilbc dvaudio dsd_lsbf dsd_msbf
    dsd_lsbf_planar dsd_msbf_planar g722 g723_1 g726 g726le g729 adpcm_ima_wav adpcm_ima_qt adpcm_ms adpcm_swf adpcm_yamaha
    pcm_alaw pcm_mulaw pcm_bluray pcm_dvd pcm_s8 pcm_u8 pcm_s16le pcm_s16be pcm_u16le pcm_u16be pcm_s24le pcm_s24be
    pcm_s32le pcm_s32be pcm_s64le pcm_s64be pcm_f16le pcm_f24le pcm_f32le pcm_f32be pcm_f64le pcm_f64be pcm_s16le_planar pcm_s16be_planar
    pcm_s24le_planar pcm_s32le_planar
  `),
  // subtitles
  ...names(`
    subrip srt ass ssa webvtt mov_text text sami stl microdvd subviewer subviewer1 realtext jacosub mpl2 pjs vplayer
    dvbsub dvdsub pgssub xsub cc_dec libzvbi_teletextdec libaribcaption libaribb24
  `),
];

/** FFmpeg's name of MPEG-TS. */
export const TRANSPORT_STREAM = 'mpegts';
/** FFmpeg's name of JPEGs one behind the other, which it takes for a single picture unless it is told. */
export const MOTION_JPEG = 'mjpeg';

/** The pictures that the image library cannot read (BMP) or cannot tone-map (HDR AVIF) and FFmpeg can: demuxer and decoders. */
const PICTURE_READERS = { bmp: ['bmp_pipe', 'bmp'], avif: ['mov', 'libdav1d,libaom-av1'] } as const;

/**
 * Arguments that open a stranger's media and nothing beside it, `-i` included. Options of the input (`-ss`) go before them.
 * @param container as FFmpeg names it, where it is known
 */
export function inputArguments(input: MediaInput, container: string | null = null): string[] {
  // What a broadcast sends on under other numbers (PIDs) belongs to the streams it had: else picture and sound would end there.
  const goesOn = container === TRANSPORT_STREAM ? ['-merge_pmt_versions', '1'] : [];
  const named = container === MOTION_JPEG ? ['-f', MOTION_JPEG] : [];
  return [...whitelistArguments(input), ...goesOn, ...named, '-i', inputUrl(input)];
}

/** Options of the input that pass over a part of its container; of an AVI the index stands at its end, which is not read from the front. */
export const PASSING_OVER = { index: ['-seekable', '0'], edits: ['-ignore_editlist', '1'] } as const;

/** The same without `-i`: ffprobe's and FFmpeg's whitelists for an input. */
function whitelistArguments(input: MediaInput): string[] {
  return [
    '-protocol_whitelist',
    input.kind === 'file' ? 'file' : 'http,tcp',
    '-format_whitelist',
    SOURCE_DEMUXERS.join(','),
    '-codec_whitelist',
    SOURCE_DECODERS.join(','),
  ];
}

/** A list of byte ranges, written by us, that FFmpeg reads as one film; each of them by the demuxer of the whole and no other. */
export function partsArguments(input: MediaInput, { list, container }: { list: string; container: string }): string[] {
  const [demuxer = ''] = container.split(',').filter((name) => SOURCE_DEMUXERS.includes(name));
  return [
    ...['-protocol_whitelist', input.kind === 'file' ? 'file,subfile' : 'file,subfile,http,tcp'],
    ...['-format_whitelist', `concat,${demuxer}`, '-codec_whitelist', SOURCE_DECODERS.join(',')],
    ...['-f', 'concat', '-safe', '0', '-i', `file:${list}`],
  ];
}

/** `file:` keeps a path with `:` or `%` in it, or one that begins with `-`, a path. */
export function inputUrl(input: MediaInput): string {
  return input.kind === 'file' ? `file:${input.path}` : input.url;
}

/** Opens a file that we wrote ourselves by exactly the demuxer it was written for; its codecs are ours too. */
export function ownInputArguments(path: string, demuxer: string): string[] {
  return ['-protocol_whitelist', 'file', '-f', demuxer, '-i', `file:${path}`];
}

/** Opens a stranger's picture by exactly one demuxer and one decoder. */
export function pictureArguments(path: string, format: keyof typeof PICTURE_READERS): string[] {
  const [demuxer, decoder] = PICTURE_READERS[format];
  return [
    '-protocol_whitelist',
    'file',
    '-format_whitelist',
    demuxer,
    '-codec_whitelist',
    decoder,
    '-f',
    demuxer,
    '-i',
    `file:${path}`,
  ];
}

/** Opens red, green and blue samples of ours on standard input. */
export function rawPictureArguments(picture: { width: number; height: number; bits: 8 | 16 }): string[] {
  const { width, height, bits } = picture;
  return [
    ...['-protocol_whitelist', 'pipe', '-f', 'rawvideo', '-pixel_format', bits === 16 ? 'rgb48le' : 'rgb24'],
    ...['-video_size', `${width}x${height}`, '-i', 'pipe:0'],
  ];
}
