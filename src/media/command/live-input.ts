// Arguments that open a live input: whitelists, time-outs and buffers for each protocol. Addresses are literal here: names were resolved and judged before.
import type { Slate } from '#domain/channel.ts';
import type { MediaInput } from '#media/tool.ts';
import { inputArguments, SOURCE_DECODERS } from '#media/whitelist.ts';

/** An input as FFmpeg shall open it. Addresses are of numbers, interfaces are addresses. */
export type LiveSource =
  | { readonly kind: 'udp' | 'rtp'; readonly host: string; readonly port: number; readonly localAddress: string | null }
  | { readonly kind: 'rtmp'; readonly url: string; readonly tcUrl: string | null }
  /** FLV on standard input: what a publisher sends to our own RTMP server. */
  | { readonly kind: 'publisher' }
  /** MPEG-TS on standard input: what a process of ours reads already, from a keyframe on. */
  | { readonly kind: 'standby' }
  | { readonly kind: 'srt'; readonly url: string }
  | { readonly kind: 'rtsp'; readonly url: string }
  | { readonly kind: 'hls'; readonly url: string; readonly proxy: string }
  | { readonly kind: 'file'; readonly input: MediaInput; readonly loop: boolean }
  | { readonly kind: 'test'; readonly width: number; readonly height: number; readonly rate: number }
  | {
      readonly kind: 'slate';
      readonly look: Exclude<Slate, 'off'>;
      readonly width: number;
      readonly height: number;
      readonly rate: number;
    };

/** Microseconds a connection may be silent: the watchdog sees it too, but FFmpeg's own words are better. */
const TIMEOUT = '10000000';
/** A second and no more: what a joined stream has not shown by then its first keyframe says, and a second input must not wait. */
const QUICK_PROBE = ['-fflags', '+genpts', '-analyzeduration', '1000000', '-probesize', '2000000'];
/** Playlists and what they may name: never files, never other playlist formats. */
const HLS_DEMUXERS = 'hls,mpegts,mov,aac,mp3,ac3,eac3,webvtt';

/** Up to and with `-i`. */
export function liveInputArguments(source: LiveSource): string[] {
  switch (source.kind) {
    case 'udp':
      return open({
        url: datagramUrl(source),
        protocols: 'udp',
        formats: 'mpegts',
        before: [...QUICK_PROBE, '-f', 'mpegts'],
      });
    case 'rtp':
      return open({ url: datagramUrl(source), protocols: 'rtp,udp', formats: 'rtp,sdp,mpegts', before: QUICK_PROBE });
    case 'rtmp':
      return open({
        url: source.url,
        protocols: 'rtmp,tcp',
        formats: 'flv,live_flv',
        before: [
          ...QUICK_PROBE,
          ...['-rw_timeout', TIMEOUT],
          // Live: no seeking, no buffer of the server's.
          ...['-rtmp_live', 'live'],
          // Servers choose the application by the name they were called by, not by the address.
          ...(source.tcUrl === null ? [] : ['-rtmp_tcurl', source.tcUrl]),
        ],
      });
    case 'publisher':
      return open({
        url: 'pipe:0',
        protocols: 'pipe',
        formats: 'flv,live_flv',
        before: [...QUICK_PROBE, '-f', 'live_flv'],
      });
    case 'standby':
      return open({
        url: 'pipe:0',
        protocols: 'pipe',
        formats: 'mpegts',
        // Nothing is waited for: so much was kept, with its headers in front.
        before: ['-fflags', '+genpts', '-analyzeduration', '500000', '-probesize', '2000000', '-f', 'mpegts'],
      });
    case 'srt':
      return open({ url: source.url, protocols: 'srt', formats: 'mpegts', before: [...QUICK_PROBE, '-f', 'mpegts'] });
    case 'rtsp':
      return open({
        url: source.url,
        protocols: 'rtsp,rtp,tcp,udp',
        formats: 'rtsp,sdp,rtp,mpegts',
        // One connection: nothing that a firewall between could lose.
        before: [...QUICK_PROBE, '-rtsp_transport', 'tcp', '-timeout', TIMEOUT],
      });
    case 'hls':
      return open({
        url: source.url,
        protocols: 'http,https,tcp,tls,crypto,httpproxy',
        formats: HLS_DEMUXERS,
        before: [
          // Every request, segments and keys too, goes through the proxy that judges addresses.
          ...['-http_proxy', source.proxy, '-rw_timeout', TIMEOUT],
          ...['-reconnect', '1', '-reconnect_streamed', '1', '-reconnect_on_network_error', '1'],
          ...['-reconnect_on_http_error', '5xx', '-reconnect_delay_max', '5'],
          // A playlist that stops changing: the defaults ask a thousand times.
          ...['-m3u8_hold_counters', '20', '-max_reload', '20'],
        ],
      });
    case 'file':
      // At the speed of a broadcast, over and over.
      return [
        '-re',
        ...(source.loop ? ['-stream_loop', '-1'] : []),
        '-fflags',
        '+genpts',
        ...inputArguments(source.input),
      ];
    case 'test':
      return pattern(
        `testsrc2=size=${source.width}x${source.height}:rate=${source.rate}`,
        'sine=frequency=440:sample_rate=48000',
      );
    case 'slate': {
      const size = `size=${source.width}x${source.height}:rate=${source.rate}`;
      const picture = source.look === 'bars' ? `smptehdbars=${size}` : `color=color=black:${size}`;
      return pattern(picture, 'anullsrc=channel_layout=stereo:sample_rate=48000');
    }
  }
}

type Opening = {
  readonly url: string;
  readonly protocols: string;
  readonly formats: string;
  readonly before: readonly string[];
};

function open({ url, protocols, formats, before }: Opening): string[] {
  return [
    ...before,
    ...['-protocol_whitelist', protocols, '-format_whitelist', formats, '-codec_whitelist', SOURCE_DECODERS.join(',')],
    ...['-i', url],
  ];
}

function datagramUrl({ kind, host, port, localAddress }: Extract<LiveSource, { kind: 'udp' | 'rtp' }>): string {
  const place = host.includes(':') ? `[${host}]` : host;
  const query = [
    ...(localAddress === null ? [] : [`localaddr=${localAddress}`]),
    // Ten megabytes for the time that a keyframe takes; too much is dropped and not the end.
    ...(kind === 'udp' ? ['fifo_size=57344', 'overrun_nonfatal=1', 'reuse=1'] : []),
    'buffer_size=1048576',
  ];
  return `${kind}://${place}:${port}?${query.join('&')}`;
}

/** One graph with a picture and a tone: numbers and closed words only. */
const pattern = (picture: string, sound: string): string[] => [
  '-re',
  '-f',
  'lavfi',
  '-i',
  `${picture}[out0];${sound}[out1]`,
];
