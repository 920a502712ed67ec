// From an operation's values to the engine's outputs, and from those to whole command lines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateParameters } from '#domain/operations/parameters.ts';
import { findOperation } from '#domain/operations/registry.ts';
import { type OutputSpec, outputSpec } from '#domain/output.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { animationCommand } from '#media/command/animation.ts';
import { soundFileCommand } from '#media/command/sound-file.ts';
import { toJob } from '#media/operations/to-job.ts';
import { directOf, planOf } from './plan-output.ts';
import { audioFacts, sourceFacts, videoFacts } from './sample-facts.ts';

function outputsOf(name: string, given: Record<string, unknown>, format: string): OutputSpec {
  const operation = findOperation(name);
  if (!operation) throw new Error(`there is no ${name}`);
  const checked = validateParameters(operation, given);
  if ('errors' in checked) throw new Error(JSON.stringify(checked.errors));
  const [first, ...more] = toJob(operation, checked.values, { format });
  assert.deepEqual(more, []);
  if (!first) throw new Error('there is no output');
  return first;
}

const quality = (crf: number | null) => ({ mode: 'capped-crf', crf, maxBitrate: null }) as const;
const PICTURE = {
  quality: null,
  lossless: false,
  background: '#ffffff',
  metadata: 'safe',
  animated: true,
  maxBytes: null,
  compress: false,
} as const;

test('video operations', () => {
  assert.deepEqual(
    outputsOf('video_compress', { quality: 28, preset: 'slow', audio_bitrate: '96k' }, 'avi'),
    outputSpec({
      container: 'mp4',
      videoCodec: 'h264',
      passthrough: 'never',
      rate: quality(28),
      preset: 'slow',
      audioBitrate: 96_000,
      economy: 'smaller',
    }),
  );
  assert.equal(outputsOf('video_compress', { target_size_mb: 8 }, 'mp4').targetSize, 8_000_000);
  assert.deepEqual(
    outputsOf('video_convert', { output_format: 'mov' }, 'mkv'),
    outputSpec({ container: 'mov', rate: quality(null), preset: 'fast', economy: 'full' }),
  );
  assert.deepEqual(
    outputsOf('video_convert', { output_format: 'webm', quality: 23 }, 'mkv'),
    outputSpec({ container: 'webm', passthrough: 'never', rate: quality(36), preset: 'faster', economy: 'full' }),
  );
  assert.deepEqual(
    outputsOf('video_resize', { height: 480, allow_upscale: false }, 'mov'),
    outputSpec({
      container: 'mov',
      height: 480,
      enlarge: false,
      passthrough: 'never',
      rate: quality(23),
      preset: 'fast',
      economy: 'full',
    }),
  );
  assert.deepEqual(
    outputsOf('video_trim', { start: 2, end: '0:05', mode: 'copy' }, 'flv'),
    outputSpec({ container: 'mp4', start: 2, duration: 3, videoCodec: 'copy' }),
  );
  assert.deepEqual(
    outputsOf('video_thumbnail', { width: 320 }, 'mp4'),
    outputSpec({
      container: 'jpg',
      width: 320,
      startShare: 0.1,
      picture: { ...PICTURE, background: '#000000', metadata: 'none', animated: false },
    }),
  );
  assert.deepEqual(
    outputsOf('video_to_gif', { fps: 12.5, loop: 1 }, 'mp4'),
    outputSpec({
      container: 'gif',
      start: 0,
      duration: 10,
      fps: { num: 12_500, den: 1000 },
      width: 480,
      animation: { colors: 256, dither: 'bayer', loop: 1 },
    }),
  );
});

test('image operations keep the format where none is named', () => {
  assert.deepEqual(
    outputsOf('image_resize', { width: 300 }, 'webp'),
    outputSpec({ container: 'webp', width: 300, enlarge: true, picture: PICTURE }),
  );
  const containers = ['jpg', 'png', 'gif', 'bmp', 'heic', 'tiff', 'avif'].map(
    (format) => outputsOf('image_resize', { width: 300 }, format).container,
  );
  assert.deepEqual(containers, ['jpg', 'png', 'gif', 'png', 'jpg', 'tiff', 'avif']);
  assert.equal(outputsOf('image_resize', { width: 3, height: 2, maintain_aspect_ratio: false }, 'png').fit, 'fill');
  assert.deepEqual(
    outputsOf('image_compress', { target_size_kb: 50.5, max_width: 100 }, 'jpg'),
    outputSpec({
      container: 'jpg',
      width: 100,
      picture: { ...PICTURE, quality: 75, compress: true, maxBytes: 50_500 },
    }),
  );
});

test('audio operations', () => {
  const sound = { keepChannels: true, copy: false, loudness: null, metadata: 'safe' } as const;
  assert.deepEqual(
    outputsOf('audio_convert', { output_format: 'ogg', channels: 'stereo' }, 'mp3'),
    outputSpec({ container: 'ogg', audioChannels: 2, sound }),
  );
  assert.deepEqual(
    outputsOf('audio_extract', { output_format: 'm4a' }, 'mp4'),
    outputSpec({ container: 'm4a', sound: { ...sound, copy: true } }),
  );
  assert.equal(outputsOf('audio_extract', { bitrate: '96k' }, 'mp4').sound?.copy, false);
  assert.deepEqual(
    outputsOf('audio_normalize', { target_lufs: -23 }, 'mov'),
    outputSpec({
      container: 'm4a',
      normalizeAudio: true,
      sound: { ...sound, loudness: { integrated: -23, truePeak: -1.5 } },
    }),
  );
  assert.equal(outputsOf('audio_normalize', {}, 'wma').container, 'wma');
  assert.equal(outputsOf('audio_normalize', {}, 'amr').container, 'mp3');
  const { container, audioCodec } = outputsOf('audio_convert', { output_format: 'alac' }, 'flac');
  assert.deepEqual([container, audioCodec], ['m4a', 'alac']);
});

const SOUND: SourceFacts = sourceFacts({
  container: 'flac',
  video: null,
  audio: [audioFacts({ streamIndex: 0, codec: 'flac', bitDepth: 24, sampleRate: 96_000, channels: 6 })],
  coverArt: 1,
});

function soundCommand(name: string, given: Record<string, unknown>, facts: SourceFacts): string[] {
  const spec = outputsOf(name, given, 'flac');
  const plan = planOf(spec, facts);
  const [timeline] = plan.timelines;
  if (!timeline) throw new Error('there is no timeline');
  const args = soundFileCommand({
    container: spec.container,
    direct: directOf(plan),
    facts,
    preparation: plan.preparation,
    timeline,
    inputArguments: ['-i', 'in'],
    loudness: null,
    drawing: null,
    path: '/out',
  });
  return args.slice(args.indexOf('-i'));
}

const PLACES = [
  ...['location', 'location-eng', 'com.apple.quicktime.location.ISO6709', 'com.apple.quicktime.location.name'],
  ...['com.apple.quicktime.location.accuracy.horizontal', 'com.android.location', 'xyz', 'geo', 'gps'],
  ...['gps_latitude', 'gps_longitude'],
].flatMap((name) => ['-metadata', `${name}=`]);
const [START, END] = [
  'asetpts=PTS-(0.000000)/TB,atrim=start=0,aresample=async=1:min_hard_comp=0.1:first_pts=0',
  'apad=whole_dur=10.000000,atrim=end=10.000000',
];
const FILTERS = `${START},${END}`;
const MIXED = `${START},aformat=sample_fmts=fltp,aformat=channel_layouts=stereo,alimiter=limit=0.891:level=disabled:latency=1,${END}`;

test('a sound file: stereo where the format has no more, cover and tags, places removed', () => {
  assert.deepEqual(soundCommand('audio_convert', { output_format: 'mp3' }, SOUND), [
    ...['-i', 'in', '-map', '0:0', '-af', MIXED, '-map', '0:1', '-c:v', 'copy', '-disposition:v:0', 'attached_pic'],
    ...['-sn', '-dn', '-c:a', 'libmp3lame', '-b:a', '192000', '-ac', '2', '-ar', '48000', '-map_metadata', '0'],
    ...[...PLACES, '-f', 'mp3', '-id3v2_version', '3', 'file:/out'],
  ]);
});

test('a sound file without loss keeps channels, rate and depth', () => {
  assert.deepEqual(soundCommand('audio_convert', { output_format: 'wav', metadata: 'none' }, SOUND), [
    ...['-i', 'in', '-map', '0:0', '-af', FILTERS, '-vn', '-sn', '-dn', '-c:a', 'pcm_s16le', '-ac', '6'],
    ...['-ar', '96000', '-c:a', 'pcm_s24le', '-map_metadata', '-1', '-f', 'wav', 'file:/out'],
  ]);
  const shallow = { ...SOUND, coverArt: null, audio: [audioFacts({ streamIndex: 0, codec: 'mp3' })] };
  assert.deepEqual(soundCommand('audio_convert', { output_format: 'flac', metadata: 'all' }, shallow), [
    ...['-i', 'in', '-map', '0:0', '-af', FILTERS, '-vn', '-sn', '-dn', '-c:a', 'flac', '-ac', '2', '-ar', '48000'],
    ...['-strict', '-2', '-sample_fmt', 's16', '-map_metadata', '0', '-f', 'flac', 'file:/out'],
  ]);
  const recorder = { ...SOUND, audio: [audioFacts({ streamIndex: 0, codec: 'pcm_s24le', channels: 12 })] };
  const channels = ['wav', 'flac'].map((format) => {
    const args = soundCommand('audio_convert', { output_format: format }, recorder);
    return args[args.indexOf('-ac') + 1];
  });
  assert.deepEqual(channels, ['12', '2']);
  // Two mono tracks: both sides on the clock, joined, with their language.
  const track = audioFacts({ streamIndex: 1, codec: 'pcm_s24le', bitDepth: 24, right: 2, language: 'deu' });
  const broadcast = { ...SOUND, container: 'mxf', coverArt: null, audio: [track] };
  assert.deepEqual(soundCommand('audio_extract', { output_format: 'wav' }, broadcast), [
    ...['-i', 'in', '-filter_complex'],
    `[0:1]${FILTERS}[a0s0];[0:2]${FILTERS}[a0s1];[a0s0][a0s1]join=inputs=2:channel_layout=stereo[a0]`,
    ...['-map', '[a0]', '-vn', '-sn', '-dn', '-c:a', 'pcm_s16le', '-ac', '2', '-ar', '48000', '-c:a', 'pcm_s24le'],
    ...['-map_metadata', '0', ...PLACES, '-metadata:s:a:0', 'language=deu', '-metadata', 'language=deu'],
    ...['-f', 'wav', 'file:/out'],
  ]);
});

test('a sound file in the formats of older players', () => {
  const codec = (format: string) => {
    const args = soundCommand('audio_convert', { output_format: format, metadata: 'none' }, SOUND);
    return args.slice(args.indexOf('-c:a'));
  };
  const end = ['-map_metadata', '-1', '-f'];
  assert.deepEqual(codec('alac'), [
    ...['-c:a', 'alac', '-ac', '6', '-ar', '96000', '-sample_fmt', 's32p', '-bits_per_raw_sample', '24', ...end],
    ...['ipod', '-movflags', '+faststart', 'file:/out'],
  ]);
  assert.deepEqual(codec('aiff'), [
    ...['-c:a', 'pcm_s16be', '-ac', '6', '-ar', '96000', '-c:a', 'pcm_s24be', ...end, 'aiff', '-write_id3v2', '1'],
    'file:/out',
  ]);
  assert.deepEqual(codec('ac3'), [
    ...['-c:a', 'ac3', '-b:a', '384000', '-ac', '6', '-ar', '48000', ...end, 'ac3', 'file:/out'],
  ]);
  assert.deepEqual(codec('wma'), [
    ...['-c:a', 'wmav2', '-b:a', '192000', '-ac', '2', '-ar', '48000', ...end, 'asf', 'file:/out'],
  ]);
});

test('tags of Ogg stand with its stream; what a container takes is copied', () => {
  const ogg = { ...SOUND, container: 'ogg', coverArt: null, audio: [audioFacts({ streamIndex: 0, codec: 'opus' })] };
  assert.deepEqual(soundCommand('audio_extract', { output_format: 'opus' }, ogg), [
    ...['-i', 'in', '-map', '0:0', '-vn', '-sn', '-dn', '-c:a', 'copy', '-map_metadata', '0:s:0', ...PLACES],
    ...['-f', 'opus', 'file:/out'],
  ]);
  // What FFmpeg says of an MP4's brands is no tag of its sound.
  const film = { ...SOUND, container: 'mov,mp4,m4a,3gp,3g2,mj2', coverArt: null };
  const args = soundCommand('audio_extract', { output_format: 'mp3', metadata: 'all' }, film);
  assert.deepEqual(args.slice(args.indexOf('-map_metadata')), [
    ...['-map_metadata', '0', '-metadata', 'major_brand=', '-metadata', 'minor_version='],
    ...['-metadata', 'compatible_brands=', '-f', 'mp3', '-id3v2_version', '3', 'file:/out'],
  ]);
});

test('a copied part of a sound begins where it was asked for, on whatever clock', () => {
  const facts = { ...SOUND, startTime: 10, audio: [audioFacts({ streamIndex: 2, startTime: 10, endTime: 20 })] };
  const spec = {
    ...outputsOf('audio_extract', { output_format: 'm4a', metadata: 'none' }, 'ts'),
    start: 3,
    duration: 4,
  };
  const plan = planOf(spec, facts);
  const [timeline] = plan.timelines;
  if (!timeline) throw new Error('there is no timeline');
  const options = { container: 'm4a', direct: directOf(plan), facts, preparation: plan.preparation, timeline } as const;
  const args = soundFileCommand({
    ...options,
    inputArguments: ['-i', 'in'],
    loudness: null,
    drawing: null,
    path: '/out',
  });
  assert.deepEqual(args.slice(args.indexOf('-seek_timestamp')), [
    ...['-seek_timestamp', '1', '-ss', '13.000000', '-i', 'in', '-map', '0:2', '-vn', '-sn', '-dn', '-t', '4.000000'],
    ...['-c:a', 'copy', '-map_metadata', '-1', '-f', 'ipod', '-movflags', '+faststart', 'file:/out'],
  ]);
  assert.ok(!args.includes('-copyts'));
});

test('rates and bitrates are those the codec can hold', () => {
  const at = (sampleRate: number, channels: number, given: Record<string, unknown>) => {
    const facts = { ...SOUND, coverArt: null, audio: [audioFacts({ streamIndex: 0, sampleRate, channels })] };
    const plan = directOf(planOf(outputsOf('audio_convert', given, 'mp3'), facts));
    return [plan.channels, plan.sampleRate, plan.audioBitrate];
  };
  assert.deepEqual(at(8000, 1, { output_format: 'mp3' }), [1, 8000, 64_000]);
  assert.deepEqual(at(7000, 1, { output_format: 'mp3' }), [1, 8000, 64_000]);
  // So few bits are none of the usual rates'.
  assert.deepEqual(at(44_100, 2, { output_format: 'mp3', bitrate: 16_000 }), [2, 24_000, 16_000]);
  assert.deepEqual(at(16_000, 2, { output_format: 'mp3', bitrate: 16_000 }), [2, 16_000, 16_000]);
  assert.deepEqual(at(48_000, 1, { output_format: 'mp3', bitrate: 8000, sample_rate: 48_000 }), [1, 48_000, 32_000]);
  assert.deepEqual(at(96_000, 2, { output_format: 'm4a' }), [2, 96_000, 192_000]);
  assert.deepEqual(at(192_000, 2, { output_format: 'aac' }), [2, 96_000, 192_000]);
  assert.deepEqual(at(44_100, 2, { output_format: 'opus' }), [2, 48_000, 128_000]);
  assert.deepEqual(at(8000, 2, { output_format: 'ogg' }), [2, 8000, 64_000]);
  assert.deepEqual(at(48_000, 8, { output_format: 'ogg', bitrate: '64k' }), [8, 48_000, 256_000]);
  assert.deepEqual(at(48_000, 6, { output_format: 'm4a' }), [6, 48_000, 384_000]);
  assert.deepEqual(at(48_000, 3, { output_format: 'm4a' }), [2, 48_000, 192_000]);
});

test('the command of an animation', () => {
  const facts = sourceFacts();
  const args = (given: Record<string, unknown>) => {
    const spec = outputsOf('video_to_gif', { duration: 1, ...given }, 'mp4');
    const plan = planOf(spec, facts);
    const [timeline] = plan.timelines;
    if (!timeline) throw new Error('there is no timeline');
    const command = animationCommand({
      container: spec.container,
      direct: directOf(plan),
      facts,
      preparation: plan.preparation,
      timeline,
      inputArguments: ['-i', 'in'],
      loudness: null,
      drawing: null,
      path: '/out',
    });
    return command.slice(command.indexOf('-filter_complex') + 1);
  };
  const frames =
    '[0:0]setpts=PTS-(0.000000)/TB,fps=12/1:start_time=0,tpad=stop=-1:stop_mode=clone,trim=start_pts=0:end_pts=12,setpts=PTS-STARTPTS,scale=480:270:flags=bicubic,setsar=1';
  assert.deepEqual(args({ colors: 32, dither: 'none', loop: 3 }), [
    `${frames},split[p0][p1];[p0]palettegen=max_colors=32:stats_mode=diff[palette];[p1][palette]paletteuse=dither=none[v]`,
    ...['-map', '[v]', '-fps_mode', 'passthrough', '-loop', '2', '-f', 'gif', 'file:/out'],
  ]);
  assert.deepEqual(args({ output_format: 'webp' }), [
    ...[`${frames}[v]`, '-map', '[v]', '-fps_mode', 'passthrough', '-c:v', 'libwebp_anim', '-lossless', '0'],
    ...['-quality', '75', '-compression_level', '4', '-loop', '0', '-pix_fmt', 'yuv420p', '-f', 'webp', 'file:/out'],
  ]);
});

test('compressing never takes more bits than the source has', () => {
  const rate = (changes: Partial<OutputSpec>, bitrate: number) => {
    const facts = sourceFacts({ video: videoFacts({ bitrate }), audio: [audioFacts({ bitrate: 64_000 })] });
    const plan = planOf({ ...outputsOf('video_compress', {}, 'mp4'), ...changes }, facts);
    return [plan.video[0]?.rate, plan.audio[0]?.bitrate];
  };
  assert.deepEqual(rate({}, 2_000_000), [
    { mode: 'capped-crf', crf: 23, maxBitrate: 1_900_000, bufferSize: 2_663_551 },
    64_000,
  ]);
  assert.deepEqual(rate({}, 50_000_000), [
    { mode: 'capped-crf', crf: 23, maxBitrate: 6_206_000, bufferSize: 8_700_000 },
    64_000,
  ]);
  assert.deepEqual(rate({ targetSize: 2_000_000 }, 50_000_000), [
    { mode: 'two-pass', bitrate: 1_388_800, maxBitrate: 2_083_200, bufferSize: 2_777_600 },
    128_000,
  ]);
});

test('sizes that hold no picture, and pictures that are too large, are refused in words', () => {
  const refusal = (name: string, given: Record<string, unknown>, facts: SourceFacts) => {
    try {
      planOf(outputsOf(name, given, 'mp4'), facts);
      return 'planned';
    } catch (error) {
      return error instanceof Error && 'code' in error ? `${error.code}: ${error.message}` : String(error);
    }
  };
  assert.equal(
    refusal('video_compress', { target_size_mb: 0.05 }, sourceFacts()),
    'invalid_request: 0.05 MB are too few for 10.0 s: at least 0.08 MB are needed',
  );
  assert.equal(
    refusal(
      'video_resize',
      { width: 4320 },
      sourceFacts({ video: videoFacts({ displayWidth: 100, displayHeight: 300 }) }),
    ),
    'media_limit: The video would be 4320x12960; at most 8192x4320 are made (MAX_VIDEO_WIDTH, MAX_VIDEO_HEIGHT).',
  );
  const photo = sourceFacts({ isStill: true, container: 'still', audio: [], video: videoFacts({ codec: 'png' }) });
  assert.equal(
    refusal('image_resize', { width: 16_000, output_format: 'png' }, photo),
    'media_limit: 16000x9000 are 144 megapixels; at most 100 are made (MAX_IMAGE_PIXELS)',
  );
  assert.equal(
    refusal('image_resize', { width: 16_384, output_format: 'webp', height: 1, maintain_aspect_ratio: false }, photo),
    'invalid_request: 16384x1: webp holds at most 16383 pixels a side',
  );
  const strip = { ...photo, video: videoFacts({ displayWidth: 1, displayHeight: 20_000 }) };
  assert.throws(
    () => planOf(outputSpec({ container: 'avif' }), strip),
    /1x20000: avif holds at most 16384 pixels a side/,
  );
  const long = sourceFacts({ duration: 3600, declaredDuration: 3600, video: videoFacts({ endTime: 3600 }) });
  assert.equal(
    refusal('video_convert', { output_format: 'gif' }, long),
    'media_limit: A GIF of 480x270 at 12 frames/s can last 192 s, and this one would last 3600 s: take a part of it, or make it smaller or slower',
  );
  const turned = sourceFacts({ video: videoFacts({ rotation: 90 }) });
  const copied = { start: 1, mode: 'copy', output_format: 'mkv' };
  assert.match(
    refusal('video_trim', copied, turned),
    /^unsupported_media: outputs.0: a turned video cannot be copied into mkv; /,
  );
  assert.equal(refusal('video_trim', { ...copied, output_format: 'mp4' }, turned), 'planned');
  assert.match(refusal('audio_extract', {}, sourceFacts({ audio: [] })), /^no_audio: /);
  assert.match(refusal('video_compress', {}, sourceFacts({ video: null, audio: [] })), /^no_video: /);
});
