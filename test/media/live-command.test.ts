import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AbrProfile, ChannelSpec } from '#domain/channel.ts';
import type { Hardware } from '#domain/codec.ts';
import { PlanFitter } from '#live/plan-fitter.ts';
import { liveCommand } from '#media/command/live.ts';
import { type LiveTarget, muxRateFor, pushCommand } from '#media/command/live-output.ts';
import { explainLive } from '#media/explain-live.ts';
import { planLive } from '#media/live-plan.ts';
import { type LivePiece, liveMaster, liveMedia } from '#media/playlist/live.ts';
import { SOURCE_DECODERS } from '#media/whitelist.ts';

const spec = {
  ...{
    isAbr: true,
    outputType: 'hls',
    outputUrl: null,
    outputMulticastIp: null,
    outputNetwork: null,
    videoCodec: 'libx264',
    audioCodec: 'aac',
  },
  ...{
    videoBitrate: 3000,
    audioBitrate: 128,
    resolution: null,
    frameRate: 25,
    preset: 'veryfast',
    gopSeconds: 2,
    bufferSize: null,
  },
  ...{ hlsSegmentSeconds: 4, hlsWindowSeconds: 60, dvrSeconds: 0, hwaccel: 'none' },
} as unknown as ChannelSpec;
const profile = (fields: Partial<AbrProfile>): AbrProfile => ({
  ...{
    id: 1,
    name: null,
    outputType: null,
    outputUrl: null,
    outputMulticastIp: null,
    outputNetwork: null,
    videoCodec: null,
  },
  ...{ audioCodec: null, videoBitrate: null, audioBitrate: null, resolution: null, preset: null, bufferSize: null },
  ...fields,
});
const words = (text: string): string[] => text.trim().split(/\s+/);
const PREAMBLE = '-hide_banner -nostdin -y -loglevel level+info -nostats -stats_period 0.5 -progress pipe:3';
const TRANSPORT =
  '-f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1 -avoid_negative_ts disabled -output_ts_offset 10.000';

test('one decode and one split for all profiles; the same picture for two outputs is encoded once', () => {
  const plan = planLive(
    {
      spec,
      abr: [
        profile({ resolution: '1280x720' }),
        profile({ resolution: '360p', videoBitrate: 800, audioBitrate: 64 }),
        profile({ resolution: '1280x720', outputType: 'rtmp', outputUrl: 'rtmp://example.com/live/key' }),
      ],
    },
    { hardware: [] },
  );
  assert.deepEqual(
    plan.renditions.map(({ id }) => id),
    ['720p', '360p'],
  );
  assert.deepEqual(plan.hls, [0, 1]);
  assert.deepEqual(
    plan.pushes.map(({ outputType, rendition }) => [outputType, rendition]),
    [['rtmp', 0]],
  );
  const source = { kind: 'udp', host: '239.1.1.1', port: 5000, localAddress: '10.0.0.5' } as const;
  assert.deepEqual(liveCommand({ source, plan, offset: 10, threads: 2 }), [
    ...words(
      `${PREAMBLE} -fflags +genpts -analyzeduration 1000000 -probesize 2000000 -f mpegts -protocol_whitelist udp -format_whitelist mpegts`,
    ),
    ...['-codec_whitelist', SOURCE_DECODERS.join(',')],
    ...['-i', 'udp://239.1.1.1:5000?localaddr=10.0.0.5&fifo_size=57344&overrun_nonfatal=1&reuse=1&buffer_size=1048576'],
    '-filter_complex',
    '[0:v:0]yadif=mode=send_frame:deint=interlaced,fps=25,split=2[s0][s1];' +
      '[s0]scale=1280:720:force_original_aspect_ratio=decrease:force_divisible_by=2,pad=1280:720:(ow-iw)/2:(oh-ih)/2,setsar=1,format=yuv420p[v0];' +
      '[s1]scale=-2:360,setsar=1,format=yuv420p[v1]',
    ...words('-map [v0] -c:v libx264 -threads 2 -preset veryfast -profile:v high -sc_threshold 0 -forced-idr 1'),
    ...words('-b:v 3000000 -maxrate 3210000 -bufsize 4500000 -force_key_frames expr:gte(t,n_forced*2) -g 9999'),
    ...words(`-map 0:a:0? -c:a aac -b:a 128000 -ar 48000 -ac 2 -af aresample=async=1000 ${TRANSPORT} pipe:4`),
    ...words('-map [v1] -c:v libx264 -threads 2 -preset veryfast -profile:v high -sc_threshold 0 -forced-idr 1'),
    ...words('-b:v 800000 -maxrate 856000 -bufsize 1200000 -force_key_frames expr:gte(t,n_forced*2) -g 9999'),
    ...words(`-map 0:a:0? -c:a aac -b:a 64000 -ar 48000 -ac 2 -af aresample=async=1000 ${TRANSPORT} pipe:5`),
  ]);
});

test('copied streams are not decoded; hardware is used where it passed its test', () => {
  const copied = planLive(
    { spec: { ...spec, isAbr: false, videoCodec: 'copy', audioCodec: 'copy' }, abr: [] },
    { hardware: [] },
  );
  const source = { kind: 'rtsp', url: 'rtsp://1.2.3.4:554/x' } as const;
  const command = liveCommand({ source, plan: copied, offset: 10, threads: 0 });
  assert.ok(!command.includes('-filter_complex'));
  assert.deepEqual(
    command.slice(command.indexOf('-map')),
    words(`-map 0:v:0 -c:v copy -bsf:v dump_extra=freq=keyframe -map 0:a:0? -c:a copy ${TRANSPORT} pipe:4`),
    'a camera tells once what its stream is: it is repeated for those who come later',
  );
  // A picture of our own has nothing to copy.
  const slate = { kind: 'slate', look: 'bars', width: 1280, height: 720, rate: 25 } as const;
  const encoded = liveCommand({ source: slate, plan: copied, offset: 10, threads: 0 });
  assert.ok(!encoded.includes('copy'));
  assert.deepEqual(
    encoded.filter((_, i) => /^-c:[va]$/.test(encoded[i - 1] ?? '')),
    ['libx264', 'aac'],
  );
  assert.equal(encoded[encoded.indexOf('-force_key_frames') + 1], 'expr:gte(t,n_forced*2)');
  const hardware = [{ kind: 'nvenc', codec: 'h264', encoder: 'h264_nvenc' }] as const;
  const plan = planLive({ spec: { ...spec, isAbr: false, hwaccel: 'auto' }, abr: [] }, { hardware });
  assert.ok(liveCommand({ source, plan, offset: 10, threads: 0 }).includes('h264_nvenc'));
  const none = planLive({ spec: { ...spec, isAbr: false, hwaccel: 'auto' }, abr: [] }, { hardware: [] });
  assert.ok(
    liveCommand({ source, plan: none, offset: 10, threads: 0 }).includes('libx264'),
    'software where there is none',
  );
});

test('encoders of devices: chosen where they passed their test, each told the same in its own words', () => {
  const source = { kind: 'publisher' } as const;
  const video = (kind: Hardware, changes: Partial<typeof spec> = {}) => {
    const hardware = [{ kind, codec: 'h264', encoder: `h264_${kind}` }] as const;
    const plan = planLive({ spec: { ...spec, isAbr: false, hwaccel: 'auto', ...changes }, abr: [] }, { hardware });
    const command = liveCommand({ source, plan, offset: 10, threads: 0 });
    const device = command.slice(words(PREAMBLE).length, command.indexOf('-fflags'));
    const graph = command[command.indexOf('-filter_complex') + 1] ?? '';
    const encoder = command.slice(command.indexOf('-c:v'), command.indexOf('-force_key_frames'));
    return [device.join(' '), graph.slice(graph.indexOf('setsar')), encoder.join(' ')];
  };
  const rate = '-b:v 3000000 -maxrate 3210000 -bufsize 4500000';
  assert.deepEqual(video('nvenc'), [
    '',
    'setsar=1,format=yuv420p[v0]',
    `-c:v h264_nvenc -preset p2 -tune ll -rc cbr -no-scenecut 1 -forced-idr 1 ${rate}`,
  ]);
  assert.deepEqual(video('qsv', { preset: 'slow' }), [
    '',
    'setsar=1,format=nv12[v0]',
    `-c:v h264_qsv -preset slow -forced_idr 1 ${rate}`,
  ]);
  assert.deepEqual(video('vaapi'), [
    '-vaapi_device /dev/dri/renderD128',
    'setsar=1,format=nv12,hwupload[v0]',
    `-c:v h264_vaapi -rc_mode CBR ${rate}`,
  ]);
  assert.deepEqual(video('videotoolbox'), [
    '',
    'setsar=1,format=yuv420p[v0]',
    `-c:v h264_videotoolbox -realtime 1 -allow_sw 0 ${rate}`,
  ]);
  // Another one than is there, none, or another codec than it can: software.
  const software = /^-c:v libx26[45] /;
  assert.match(video('nvenc', { hwaccel: 'qsv' })[2] ?? '', software);
  assert.match(video('nvenc', { hwaccel: 'none' })[2] ?? '', software);
  assert.match(video('nvenc', { videoCodec: 'hevc' })[2] ?? '', software);
  assert.match(video('nvenc', { hwaccel: 'none', videoCodec: 'h264_nvenc' })[2] ?? '', /^-c:v h264_nvenc /);
});

test('a device that fails is left for software, once, with a word why', () => {
  const hardware = [{ kind: 'vaapi', codec: 'h264', encoder: 'h264_vaapi' }] as const;
  const said: string[] = [];
  const plan = planLive({ spec: { ...spec, isAbr: false, hwaccel: 'auto' }, abr: [] }, { hardware });
  const fitter = new PlanFitter(plan, (reason) => void said.push(reason));
  assert.equal(fitter.planFor('primary').renditions[0]?.hardware, 'vaapi');
  assert.equal(fitter.leaveDevice(), true);
  assert.equal(fitter.planFor('primary').renditions[0]?.hardware, null);
  assert.deepEqual(
    [fitter.leaveDevice(), said],
    [false, ['the device fails; software encodes until the channel is started again']],
  );
  for (const line of [
    '[AVHWDeviceContext @ 0x55] [error] No VA display found for device /dev/dri/renderD128.',
    '[error] Device creation failed: -5.',
    '[h264_nvenc @ 0x55] [error] Cannot load libcuda.so.1',
    '[h264_nvenc @ 0x55] [error] OpenEncodeSessionEx failed: out of memory (10): (no details)',
    '[h264_qsv @ 0x55] [error] Error initializing an internal MFX session: unsupported (-3)',
    '[h264_videotoolbox @ 0x55] [error] Error: cannot create compression session: -12908',
  ]) {
    const after = '[error] Error initializing output stream 0:0 -- Error while opening encoder: Input/output error';
    const { error } = explainLive([line, after], { role: 'source', exit: 'with 1' });
    assert.equal(error.code, 'hardware_failed', line);
  }
});

test('pushers copy from standard input to one receiver', () => {
  const READ = `${PREAMBLE} -fflags +genpts -analyzeduration 3000000 -probesize 2000000 -protocol_whitelist pipe -f mpegts -i pipe:0 -map 0:v? -map 0:a? -c copy`;
  const muxRate = muxRateFor({ videoBitrate: 1_000_000, audioBitrate: 64_000 });
  assert.equal(muxRate, 1_385_000);
  const cases: readonly (readonly [LiveTarget, string])[] = [
    [
      { kind: 'udp', host: '239.1.1.1', port: 5000, localAddress: '10.0.0.5', ttl: 16, muxRate },
      '-f mpegts -muxrate 1385000 -flush_packets 0 udp://239.1.1.1:5000?pkt_size=1316&bitrate=1385000&burst_bits=10528&ttl=16&localaddr=10.0.0.5',
    ],
    [
      { kind: 'rtmp', url: 'rtmp://1.2.3.4:1935/live/k', tcUrl: 'rtmp://example.com/live' },
      '-rw_timeout 5000000 -rtmp_tcurl rtmp://example.com/live -flvflags no_duration_filesize -f flv rtmp://1.2.3.4:1935/live/k',
    ],
    [
      { kind: 'srt', url: 'srt://1.2.3.4:9000?mode=caller' },
      '-f mpegts -flush_packets 1 srt://1.2.3.4:9000?mode=caller',
    ],
    [
      { kind: 'file', path: '/r/x.mp4', format: 'mp4', isAac: true },
      '-bsf:a aac_adtstoasc -movflags +frag_keyframe+empty_moov+default_base_moof -f mp4 file:/r/x.mp4',
    ],
  ];
  for (const [target, rest] of cases) assert.deepEqual(pushCommand(target), words(`${READ} ${rest}`));
});

test('playlists: a window that moves, breaks counted and shown, an end where the channel was stopped', () => {
  const piece = (sequence: number, more: Partial<LivePiece> = {}): LivePiece => ({
    ...{
      sequence,
      discontinuities: 1,
      isBreak: false,
      startsAt: new Date(Date.UTC(2026, 0, 1, 0, 0, sequence * 4)),
      seconds: 4,
    },
    parts: [
      { rendition: '720p', size: 1_000_000, codecs: 'avc1.64001f,mp4a.40.2', width: 1280, height: 720, frameRate: 25 },
      {
        rendition: '360p',
        size: 250_000 + sequence,
        codecs: 'avc1.64001e,mp4a.40.2',
        width: 640,
        height: 360,
        frameRate: 25,
      },
    ],
    ...more,
  });
  const pieces = [piece(7), piece(8), piece(9, { isBreak: true, discontinuities: 2, seconds: 3.96 })];
  const window = { query: '', rendition: '720p', segmentSeconds: 4, gopSeconds: 2, ended: false };
  assert.equal(
    liveMedia(pieces, window),
    `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:1
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:28.000Z
#EXTINF:4.000000,
7.ts
#EXTINF:4.000000,
8.ts
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:36.000Z
#EXTINF:3.960000,
9.ts
`,
  );
  assert.match(
    liveMedia(pieces, { ...window, ended: true, query: '?token=t' }) ?? '',
    /9\.ts\?token=t\n#EXT-X-ENDLIST\n$/,
  );
  assert.equal(liveMedia(pieces, { ...window, rendition: 'other' }), null);
  assert.equal(
    liveMaster(pieces, { query: '' }),
    `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-STREAM-INF:BANDWIDTH=2020203,AVERAGE-BANDWIDTH=2006689,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000,CLOSED-CAPTIONS=NONE
720p/playlist.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=505069,AVERAGE-BANDWIDTH=501689,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000,CLOSED-CAPTIONS=NONE
360p/playlist.m3u8
`,
  );
});

test('what FFmpeg says is turned into whose fault it is, and whether to try again', () => {
  const cases = [
    ['[tcp @ 0x55] [error] Connection to tcp://1.2.3.4:1 failed: Connection refused', 'source_unreachable', false],
    ['[http @ 0x55] [error] HTTP error 404 Not Found', 'source_not_found', false],
    ["[fatal] Stream specifier ':v:0' in filtergraph description matches no streams.", 'no_video', true],
    [
      '[http @ 0x55] [warning] HTTP error 502 The host name a.example could not be resolved.',
      'source_unreachable',
      false,
    ],
    ["[fatal] Unknown encoder 'libx999'", 'unsupported_codec', true],
    ['[udp @ 0x55] [error] bind failed: Cannot assign requested address', 'invalid_request', true],
  ] as const;
  for (const [line, code, isPermanent] of cases) {
    const told = explainLive(['[info] something else', line, '[error] Conversion failed!'], {
      role: 'source',
      exit: 'with 1',
    });
    assert.deepEqual([told.error.code, told.isPermanent], [code, isPermanent], line);
    assert.doesNotMatch(told.error.message, /0x55|\[error\]/);
  }
});
