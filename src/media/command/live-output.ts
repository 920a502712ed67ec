// Commands of the pushers: one rendition from standard input to one receiver, copied. Addresses are literal here. Facts in, string[] out.
import { LIVE_PREAMBLE } from '#media/command/live.ts';

/** A receiver as FFmpeg shall reach it. */
export type LiveTarget =
  | {
      readonly kind: 'udp';
      readonly host: string;
      readonly port: number;
      readonly localAddress: string | null;
      readonly ttl: number;
      /** bits/s of the whole multiplex, null packets included */
      readonly muxRate: number;
    }
  | { readonly kind: 'rtmp'; readonly url: string; readonly tcUrl: string | null }
  | { readonly kind: 'srt'; readonly url: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly format: 'ts' | 'mp4' | 'mkv' | 'flv';
      /** Its sound is AAC of our own encoding. */
      readonly isAac: boolean;
    };

/** Seven packets of 188 bytes: what fits an Ethernet frame. */
const DATAGRAM = 1316;
/** Microseconds that a receiver may refuse to read. */
const TIMEOUT = '5000000';

/** Bits/s of a constant multiplex that a rendition fits: the cap, sound, headers, and room for a keyframe. */
export function muxRateFor({ videoBitrate, audioBitrate }: { videoBitrate: number; audioBitrate: number }): number {
  const payload = videoBitrate * 1.07 + audioBitrate;
  return Math.ceil((payload * 1.15 + 80_000) / 1000) * 1000;
}

export function pushCommand(target: LiveTarget): string[] {
  return [
    ...LIVE_PREAMBLE,
    ...['-fflags', '+genpts', '-analyzeduration', '3000000', '-probesize', '2000000'],
    ...['-protocol_whitelist', 'pipe', '-f', 'mpegts', '-i', 'pipe:0'],
    ...['-map', '0:v?', '-map', '0:a?', '-c', 'copy'],
    ...receiver(target),
  ];
}

function receiver(target: LiveTarget): string[] {
  switch (target.kind) {
    case 'udp':
      return constantRate(target);
    case 'rtmp':
      return [
        ...['-rw_timeout', TIMEOUT, ...(target.tcUrl === null ? [] : ['-rtmp_tcurl', target.tcUrl])],
        ...['-flvflags', 'no_duration_filesize', '-f', 'flv', target.url],
      ];
    case 'srt':
      return ['-f', 'mpegts', '-flush_packets', '1', target.url];
    case 'file':
      return [
        // MP4 wants AAC without the headers that MPEG-TS has, and is begun before FFmpeg would see that by itself.
        ...(target.isAac && target.format === 'mp4' ? ['-bsf:a', 'aac_adtstoasc'] : []),
        ...FILE_MUXERS[target.format],
        `file:${target.path}`,
      ];
  }
}

const FILE_MUXERS = {
  ts: ['-f', 'mpegts'],
  // Playable up to its last fragment, whatever ends the recording.
  mp4: ['-movflags', '+frag_keyframe+empty_moov+default_base_moof', '-f', 'mp4'],
  mkv: ['-f', 'matroska'],
  flv: ['-f', 'flv'],
} as const satisfies Record<string, readonly string[]>;

function constantRate({ host, port, localAddress, ttl, muxRate }: Extract<LiveTarget, { kind: 'udp' }>): string[] {
  const place = host.includes(':') ? `[${host}]` : host;
  const query = [
    `pkt_size=${DATAGRAM}`,
    // The multiplexer pads to the rate, the protocol spaces the datagrams: either alone is uneven.
    `bitrate=${muxRate}`,
    `burst_bits=${DATAGRAM * 8}`,
    `ttl=${ttl}`,
    ...(localAddress === null ? [] : [`localaddr=${localAddress}`]),
  ];
  return [
    ...['-f', 'mpegts', '-muxrate', String(muxRate)],
    // Whole datagrams: flushing each packet would send what there is.
    ...['-flush_packets', '0', `udp://${place}:${port}?${query.join('&')}`],
  ];
}

/** One picture out of a segment on standard input, as JPEG on standard output. */
export const thumbnailCommand = (width: number): string[] => [
  ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-protocol_whitelist', 'pipe', '-f', 'mpegts', '-i', 'pipe:0'],
  ...['-frames:v', '1', '-vf', `scale=${width}:-2`, '-q:v', '5', '-f', 'mjpeg', 'pipe:1'],
];
