import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PicturePreparation, Timeline, VideoRendition } from '#domain/plan.ts';
import { type ChunkCommandOptions, chunkCommand } from '#media/command/chunk.ts';
import { makeGrid } from '#media/grid.ts';
import { videoFacts as sampleVideo, sourceFacts } from './sample-facts.ts';

/** A minute at 25 frames/s with a keyframe every two seconds. */
const videoFacts = (changes: Parameters<typeof sampleVideo>[0] = {}) =>
  sampleVideo({ startTime: 0, endTime: 60, keyframes: Array.from({ length: 30 }, (_, i) => i * 2), ...changes });

const PLAIN: PicturePreparation = {
  deinterlace: false,
  rotation: 0,
  mirrored: false,
  steady: false,
  toneMap: null,
  background: null,
  fullRange: false,
  hold: false,
};

const timeline: Timeline = {
  id: 0,
  sourceStart: 0,
  videoShift: 0,
  ...makeGrid({ duration: 60, fps: { num: 25, den: 1 }, segmentSeconds: 6, keyframes: null }),
};

const rendition = (changes: Partial<VideoRendition> = {}): VideoRendition => ({
  id: 'v0',
  name: '720p',
  timeline: 0,
  codec: 'h264',
  method: 'encoded',
  hardware: null,
  width: 1280,
  height: 720,
  fit: 'contain',
  preset: 'veryfast',
  rate: { mode: 'capped-crf', crf: 21, maxBitrate: 3_745_000, bufferSize: 5_250_000 },
  pixelFormat: 'yuv420p',
  decoration: null,
  segmentFormat: 'cmaf',
  ...changes,
});

const options = (changes: Partial<ChunkCommandOptions> = {}): ChunkCommandOptions => ({
  inputArguments: ['-i', 'file:/source'],
  facts: sourceFacts(),
  video: videoFacts(),
  preparation: PLAIN,
  timeline,
  chunk: timeline.chunks[1] ?? assert.fail('two chunks'),
  renditions: [rendition(), rendition({ id: 'v1', name: '360p', width: 640, height: 360 })],
  pictures: [],
  scratch: '/scratch',
  threads: 0,
  fromBeginning: false,
  ...changes,
});

test('one decode, one split, each rendition on a pipe of its own: the whole command', () => {
  const { passes, sinks } = chunkCommand(options());
  const encoder =
    '-c:v libx264 -preset veryfast -profile:v high -crf 21 -maxrate 3745000 -bufsize 5250000 -g 50 -keyint_min 50 -sc_threshold 0 -fps_mode passthrough -enc_time_base 1:25';
  const muxer =
    '-video_track_timescale 10000 -map_metadata -1 -map_chapters -1 -f mp4 -movflags +frag_keyframe+empty_moov+delay_moov+default_base_moof+skip_trailer';
  assert.equal(
    passes.map((args) => args.join(' ')).join('\n'),
    '-hide_banner -nostdin -y -loglevel level+warning -nostats -stats_period 0.5 -progress pipe:3 -copyts -noautorotate' +
      ' -seek_timestamp 1 -noaccurate_seek -ss 12.250000 -i file:/source -filter_complex ' +
      '[0:0]setpts=PTS-(0.000000)/TB,fps=25/1,tpad=stop=-1:stop_mode=clone,trim=start_pts=300:end_pts=1500,setpts=PTS-STARTPTS,split=2[s0][s1];' +
      '[s0]scale=1280:720:flags=bicubic,setsar=1,format=yuv420p[v0];[s1]scale=640:360:flags=bicubic,setsar=1,format=yuv420p[v1]' +
      ` -map [v0] ${encoder} ${muxer} pipe:4 -map [v1] ${encoder} ${muxer} pipe:5`,
  );
  assert.deepEqual(
    sinks.map(({ id }) => id),
    ['v0', 'v1'],
  );
});

const graphOf = (changes: Partial<ChunkCommandOptions>) => {
  const args = chunkCommand(options({ renditions: [rendition()], ...changes })).passes.at(-1) ?? [];
  return args[args.indexOf('-filter_complex') + 1];
};

const size = 'scale=1280:720:flags=bicubic,setsar=1,format=yuv420p[v0]';
const grid = 'fps=25/1,tpad=stop=-1:stop_mode=clone,trim=start_pts=300:end_pts=1500,setpts=PTS-STARTPTS';

const bt709 = 'setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709';
const named = `scale=1280:720:flags=bicubic:out_color_matrix=bt709,setsar=1,${bt709},format=yuv420p[v0]`;
const unnamed = { primaries: null, transfer: null, matrix: null, range: null };

test('what is odd about a picture is mended before it is split', () => {
  const rows: [string, Partial<ChunkCommandOptions>, string][] = [
    [
      'of a size that may change',
      { preparation: { ...PLAIN, steady: true }, video: videoFacts({ sampleAspectRatio: { num: 4, den: 3 } }) },
      "[0:0]scale=w='if(eq(iw,1920)*eq(ih,1080)*lt(abs(sar/1.3333333333333333-1),0.02),1920,round(min(1920,1080*dar/1.3333333333333333)))':" +
        "h='if(eq(iw,1920)*eq(ih,1080)*lt(abs(sar/1.3333333333333333-1),0.02),1080,round(min(1080,1920/(dar/1.3333333333333333))))':eval=frame:flags=bicubic," +
        `pad=1920:1080:-1:-1:eval=frame,format=yuv420p,setpts=PTS-(0.000000)/TB,${grid},${size}`,
    ],
    [
      'of pixels whose shape means nothing',
      { video: videoFacts({ absurdAspect: true }) },
      `[0:0]setsar=1,setpts=PTS-(0.000000)/TB,${grid},${size}`,
    ],
    [
      'of high definition without names for its colours',
      { video: videoFacts({ color: unnamed }) },
      `[0:0]setpts=PTS-(0.000000)/TB,${grid},${bt709},${size}`,
    ],
    [
      'of red, green and blue',
      { video: videoFacts({ color: unnamed, chroma: 'rgb' }) },
      `[0:0]setpts=PTS-(0.000000)/TB,${grid},${named}`,
    ],
    [
      'of BT.2020 without HDR',
      { video: videoFacts({ color: { ...unnamed, matrix: 'bt2020nc' } }) },
      `[0:0]setpts=PTS-(0.000000)/TB,${grid},zscale=pin=bt2020:tin=bt709:min=bt2020nc:p=bt709:t=bt709:m=bt709,${size}`,
    ],
    [
      'below high definition',
      { video: videoFacts({ color: unnamed, height: 719 }) },
      `[0:0]setpts=PTS-(0.000000)/TB,${grid},${size}`,
    ],
    [
      'later than this chunk',
      { video: videoFacts({ startTime: 70, endTime: 80, keyframes: [70] }) },
      `[0:0]setpts=PTS-(0.000000)/TB,${grid.replace('25/1', '25/1:start_time=0')},${size}`,
    ],
    [
      'rotated',
      { preparation: { ...PLAIN, rotation: 90 } },
      `[0:0]setpts=PTS-(0.000000)/TB,${grid},transpose=clock,${size}`,
    ],
    [
      'mirrored and turned',
      { preparation: { ...PLAIN, rotation: 270, mirrored: true } },
      `[0:0]setpts=PTS-(0.000000)/TB,${grid},hflip,transpose=cclock,${size}`,
    ],
    [
      'interlaced',
      { preparation: { ...PLAIN, deinterlace: true } },
      `[0:0]setpts=PTS-(0.000000)/TB,bwdif=mode=send_frame:parity=auto:deint=all,${grid},${size}`,
    ],
    [
      'interlaced, each field a picture',
      {
        preparation: { ...PLAIN, deinterlace: true },
        timeline: { ...timeline, fps: { num: 50, den: 1 } },
        video: videoFacts({ averageFrameRate: { num: 25, den: 1 } }),
      },
      `[0:0]setpts=PTS-(0.000000)/TB,bwdif=mode=send_field:parity=auto:deint=all,${grid.replace('fps=25/1', 'fps=50/1')},${size}`,
    ],
    [
      'HDR',
      { preparation: { ...PLAIN, toneMap: 'pq' } },
      `[0:0]setpts=PTS-(0.000000)/TB,${grid},zscale=w=1280:h=720:tin=smpte2084:min=bt2020nc:pin=bt2020:t=linear:npl=100,format=gbrpf32le,` +
        `zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p,${size}`,
    ],
    [
      'full range',
      { preparation: { ...PLAIN, fullRange: true } },
      `[0:0]setpts=PTS-(0.000000)/TB,${grid},scale=1280:720:flags=bicubic:in_range=pc:out_range=tv,setsar=1,format=yuv420p[v0]`,
    ],
    [
      'transparent',
      { preparation: { ...PLAIN, background: '0x000000' } },
      `[0:0]setpts=PTS-(0.000000)/TB,${grid},format=rgba,split[bgf][bgm];[bgm]lutrgb=r=0:g=0:b=0:a=255[bgb];[bgb][bgf]overlay=format=auto,${named}`,
    ],
    [
      'first chunk, late start',
      {
        chunk: timeline.chunks[0] ?? assert.fail(),
        timeline: { ...timeline, sourceStart: 9.98, videoShift: 0.02 },
        video: videoFacts({ startTime: 10 }),
      },
      `[0:0]setpts=PTS-(9.960000)/TB,fps=25/1:start_time=0,tpad=stop=-1:stop_mode=clone,trim=start_pts=0:end_pts=300,setpts=PTS-STARTPTS,${size}`,
    ],
  ];
  for (const [name, changes, expected] of rows) assert.equal(graphOf(changes), expected, name);
});

test('a seek goes a little past the keyframe before the chunk, or well before it where a demuxer guesses', () => {
  const seek = (changes: Partial<ChunkCommandOptions>) => {
    const args = chunkCommand(options(changes)).passes[0] ?? [];
    return args.includes('-ss') ? args[args.indexOf('-ss') + 1] : null;
  };
  assert.equal(seek({}), '12.250000');
  assert.equal(seek({ facts: sourceFacts({ container: 'mpegts' }) }), '11.000000');
  assert.equal(seek({ video: videoFacts({ keyframes: [0, 11.9, 12.02] }) }), '11.960000');
  assert.equal(seek({ video: videoFacts({ keyframes: [0] }) }), null);
  assert.equal(seek({ fromBeginning: true }), null);
  assert.equal(seek({ chunk: timeline.chunks[0] ?? assert.fail() }), null);
});

test('beside a copied rendition keyframes are forced where the source has them', () => {
  const copied: Timeline = {
    ...timeline,
    ...makeGrid({ duration: 60, fps: { num: 25, den: 1 }, segmentSeconds: 6, keyframes: [0, 160, 300, 310, 480, 900] }),
  };
  const args =
    chunkCommand(
      options({
        timeline: copied,
        chunk: { index: 0, firstSegment: 0, segments: 2, startFrame: 0, endFrame: 310 },
        renditions: [rendition()],
      }),
    ).passes[0] ?? [];
  assert.deepEqual(args.slice(args.indexOf('-g'), args.indexOf('-fps_mode')), [
    '-g',
    '9999',
    '-keyint_min',
    '1',
    '-sc_threshold',
    '0',
    '-forced-idr',
    '1',
    '-force_key_frames',
    '0.000000,6.400000,12.000000',
  ]);
});

test('two passes share a log, and only the second writes', () => {
  const rate = { mode: 'two-pass', bitrate: 2_000_000, maxBitrate: 2_140_000, bufferSize: 3_000_000 } as const;
  const { passes } = chunkCommand(options({ renditions: [rendition({ rate })] }));
  assert.equal(passes.length, 2);
  assert.match(passes[0]?.join(' ') ?? '', /-b:v 2000000 .*-pass 1 -passlogfile \/scratch\/v0-pass .*-f null -$/);
  assert.match(passes[1]?.join(' ') ?? '', /-pass 2 -passlogfile \/scratch\/v0-pass .*pipe:4$/);
});

test('MPEG-TS segments are cut at the boundaries, ten seconds on', () => {
  const args =
    chunkCommand(
      options({ chunk: timeline.chunks[0] ?? assert.fail(), renditions: [rendition({ segmentFormat: 'ts' })] }),
    ).passes[0] ?? [];
  assert.equal(
    args.slice(args.indexOf('-output_ts_offset')).join(' '),
    '-output_ts_offset 10.000000 -muxdelay 0 -muxpreload 0 -f segment -segment_format mpegts -segment_times 15.999000 -segment_format_options mpegts_flags=+initial_discontinuity -segment_start_number 0 /scratch/v0-%05d.ts',
  );
});

test('VAAPI encodes on the render node that it is given', () => {
  const renditions = [rendition({ hardware: 'vaapi' })];
  const nodeOf = (changes: Partial<ChunkCommandOptions>) => {
    const [args = []] = chunkCommand(options({ renditions, ...changes })).passes;
    return args[args.indexOf('-vaapi_device') + 1];
  };
  assert.equal(nodeOf({ renderNode: '/dev/dri/renderD129' }), '/dev/dri/renderD129');
  assert.equal(nodeOf({}), '/dev/dri/renderD128');
});
