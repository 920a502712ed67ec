// The doctor by whole findings: every code, what stands against copying, how the picture is prepared.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FINDING_CODES } from '#domain/finding.ts';
import { type AudioFacts, type SourceFacts, soundStreams, type VideoFacts } from '#domain/source-facts.ts';
import { examine, isStandard, preparation } from '#media/doctor.ts';
import { pairMono } from '#media/pair-mono.ts';
import { LOST_FRAMES, UNDECODABLE } from '#media/probe-facts.ts';
import { audioFacts, LIMITS, sourceFacts, videoFacts } from './sample-facts.ts';

const told = (facts: SourceFacts) =>
  examine(facts, LIMITS).map((one) => `${one.code} (${one.severity}): ${one.detail} → ${one.action}`);
const withVideo = (changes: Partial<VideoFacts>, rest: Partial<SourceFacts> = {}) =>
  sourceFacts({ video: videoFacts(changes), ...rest });
const STANDARD =
  'standard (note): H.264, 8 bit 4:2:0, upright, constant frame rate, regular keyframes → the source itself can be the top rendition, without encoding';
const still = (changes: Partial<VideoFacts>, warnings: string[] = []) =>
  sourceFacts({
    container: 'still',
    isStill: true,
    duration: 0,
    declaredDuration: null,
    streams: 1,
    audio: [],
    warnings,
    video: videoFacts({
      codec: 'png',
      pixelFormat: null,
      chroma: 'rgb',
      frames: 1,
      averageFrameRate: null,
      nominalFrameRate: null,
      endTime: 0,
      ...changes,
    }),
  });

const subtitle = (codec: string, kind: 'text' | 'bitmap', language: string | null) => ({
  streamIndex: 3,
  codec,
  kind,
  language,
  title: null,
  isDefault: false,
  isForced: false,
});

const mono = (streamIndex: number, changes: Partial<AudioFacts> = {}) =>
  audioFacts({ streamIndex, codec: 'pcm_s24le', channels: 1, channelLayout: null, bitrate: 1_152_000, ...changes });

function paired(container: string, languages: readonly (string | null)[]): AudioFacts[] {
  const tracks = languages.map((language, i) => ({ facts: mono(i + 1, { language }) }));
  return pairMono(container, tracks).map(({ facts }) => facts);
}

/** Source and everything the doctor says about it. */
const CASES: readonly [string, SourceFacts, readonly string[]][] = [
  ['an ordinary film', sourceFacts(), [STANDARD]],
  [
    'a phone held upright and mirrored',
    withVideo({ rotation: 90, mirrored: true, displayWidth: 1080, displayHeight: 1920 }),
    [
      'rotated (change): 1920x1080 with a rotation of 90° and a mirroring → turned upright before scaling; the stream itself is never copied',
    ],
  ],
  [
    'anamorphic and odd',
    withVideo({
      width: 720,
      height: 577,
      sampleAspectRatio: { num: 64, den: 45 },
      displayWidth: 1024,
      displayHeight: 577,
    }),
    [
      'anamorphic (change): 720x577 with pixels of 64:45 → scaled to square pixels: 1024x577',
      'odd_size (change): 1024x577 → scaled to even sides',
    ],
  ],
  [
    'a screen recording',
    withVideo({
      constantFrameRate: false,
      averageFrameRate: { num: 725, den: 100 },
      nominalFrameRate: { num: 120, den: 1 },
    }),
    [
      'variable_frame_rate (change): 7.25 frames/s on average, mostly 120 → shown at a constant 30 frames/s',
      'high_frame_rate (change): 120 frames/s → shown at a constant 30 frames/s',
    ],
  ],
  [
    'HDR10 with Dolby Vision 5 beside it',
    withVideo({
      codec: 'hevc',
      bitDepth: 10,
      pixelFormat: 'yuv420p10le',
      hdr: 'pq',
      dolbyVisionProfile: 5,
      color: { primaries: 'bt2020', transfer: 'smpte2084', matrix: 'bt2020nc', range: 'tv' },
    }),
    [
      'hdr (change): PQ, bt2020 primaries, 10 bits → tone-mapped to SDR (BT.709), thumbnails too',
      'dolby_vision (warning): profile 5 → decoded without its metadata: the colours will not be right',
      'high_bit_depth (change): 10 bits (yuv420p10le) → brought to 8 bits',
    ],
  ],
  [
    '8 bits with an HDR tag',
    withVideo({ color: { primaries: 'bt2020', transfer: 'arib-std-b67', matrix: 'bt2020nc', range: 'tv' } }),
    [
      'hdr (note): tagged arib-std-b67 with only 8 bits, which no HDR standard allows → taken for the SDR picture that it is; the tag is dropped',
    ],
  ],
  [
    'BT.2020 without HDR',
    withVideo({ color: { primaries: 'bt2020', transfer: 'bt2020-10', matrix: 'bt2020nc', range: 'tv' } }),
    ['wide_gamut (change): bt2020 primaries, bt2020-10 curve → brought to BT.709'],
  ],
  [
    'full range 4:4:4 with alpha, interlaced',
    withVideo({
      pixelFormat: 'yuva444p',
      chroma: '444',
      hasAlpha: true,
      fieldOrder: 'tt',
      color: { primaries: null, transfer: null, matrix: null, range: 'pc' },
    }),
    [
      'unusual_chroma (change): yuva444p → brought to 4:2:0',
      'full_range (change): levels 0–255 → brought to 16–235, as players expect',
      'alpha (change): h264 (yuva444p) with transparency → laid on black',
      'interlaced (change): fields in the order tt → deinterlaced, one frame for each pair of fields',
    ],
  ],
  [
    'far keyframes, silent',
    withVideo({ longestGop: 10.5 }, { audio: [] }),
    [
      'long_gop (note): up to 10.5 s between keyframes → encoded with a keyframe at every segment; the source itself is not copied',
      'no_audio (note): no audio stream → the result is silent',
    ],
  ],
  [
    'a song with its cover',
    sourceFacts({ video: null, coverArt: 1, audio: [audioFacts({ channels: 1, channelLayout: 'mono' })] }),
    [
      'no_video (note): no video stream → the result is sound alone',
      'cover_art (note): stream 1 is an attached picture → not used as video',
      'mono (note): one channel → kept as mono',
    ],
  ],
  [
    'many tracks',
    sourceFacts({
      otherVideoStreams: 2,
      program: { number: 4, name: 'Two', others: 2 },
      audio: [
        audioFacts({ channels: 6, channelLayout: '5.1', language: 'eng' }),
        audioFacts({ streamIndex: 2, title: 'Commentary' }),
      ],
      subtitles: [
        subtitle('subrip', 'text', 'hun'),
        subtitle('ass', 'text', null),
        subtitle('hdmv_pgs_subtitle', 'bitmap', 'eng'),
      ],
      warnings: [`${UNDECODABLE}stream 4: audio, atrac9`],
    }),
    [
      'several_programs (warning): 3 programs → program 4 (Two) is used, picture, sound and subtitles; the others are left out',
      'several_videos (warning): 3 video streams → stream 0 is used, the others are left out',
      'surround (change): 6 channels (5.1) → mixed down to stereo unless more channels are asked for',
      'several_audio_tracks (note): eng, Commentary → each becomes a track of streams, MP4, MOV and MKV; other files take the default one',
      'text_subtitles (note): subrip (hun), ass → become WebVTT tracks',
      'bitmap_subtitles (warning): hdmv_pgs_subtitle (eng) → left out: pictures cannot become text',
      'undecodable_stream (warning): stream 4: audio, atrac9 → left out',
      STANDARD,
    ],
  ],
  [
    'a broadcast of mono tracks',
    sourceFacts({ container: 'mxf', audio: paired('mxf', ['deu', 'deu', 'eng']) }),
    [
      'mono_pairs (change): streams 1 and 2 → each two become one stereo track, left and right',
      'several_audio_tracks (note): deu, eng → each becomes a track of streams, MP4, MOV and MKV; other files take the default one',
    ],
  ],
  [
    'a broadcast cut',
    withVideo(
      { startTime: 114.8, endTime: 122.5, keyframes: [114.8] },
      {
        startTime: 112.7,
        duration: 10.3,
        declaredDuration: 14,
        warnings: [`63${LOST_FRAMES}`],
        audio: [audioFacts({ startTime: 112.7, endTime: 123 })],
      },
    ),
    [
      'late_start (change): starts at 112.7 s, its streams 2.1 s apart → the clock begins at 0; sound and picture keep their distance',
      'no_leading_keyframe (warning): 63 frames before the first keyframe cannot be decoded → begins with the first picture that can be decoded',
      'length_mismatch (note): the picture ends 0.5 s earlier → the last picture stays until the sound ends',
      'wrong_duration (note): the header says 14 s, the packets 10.3 s → the packets are believed',
    ],
  ],
  [
    'a recording whose clock began anew',
    { ...withVideo({}), clock: 'straightened' },
    [
      'clock_jumps (change): the clock goes back, or far ahead, on the way: parts that were joined → the parts are shown one after the other',
    ],
  ],
  [
    'an edit list that begins between keyframes',
    withVideo({ keyframes: [0.6, 2.6] }),
    [
      'no_leading_keyframe (note): the first keyframe that is shown comes 0.6 s late (an edit list) → decoded from the hidden keyframe before it; the stream is not copied',
    ],
  ],
  [
    'damaged and too long',
    sourceFacts({
      duration: 50_000,
      declaredDuration: 50_000,
      warnings: ['[mov] stream 0, offset 0x18855: partial file'],
    }),
    [
      'damaged (warning): [mov] stream 0, offset 0x18855: partial file → what can be decoded is used',
      'above_limit (warning): 50000 s → refused',
    ],
  ],
  [
    'a phone photo',
    still({ codec: 'jpeg', width: 4001, height: 3000, displayWidth: 3000, displayHeight: 4001, rotation: 90 }),
    [
      'rotated (change): 4001x3000 with a rotation of 90° → turned upright',
      'odd_size (change): 3000x4001 → cut to even sides where it becomes video',
      'still_picture (note): one JPEG picture of 3000x4001 → as video it is held for 5 seconds, without sound',
    ],
  ],
  [
    'an animated WebP',
    still({ codec: 'webp', hasAlpha: true, bitDepth: 16, hdr: 'pq' }, [
      'the picture has 12 pages or frames; the first one is used',
    ]),
    [
      'hdr (change): PQ → tone-mapped to SDR',
      'high_bit_depth (change): 16 bits per sample → brought to 8 bits',
      'alpha (change): transparent pixels → kept in PNG, WebP and AVIF; laid on a plain colour elsewhere',
      'still_picture (warning): one WEBP picture of 1920x1080; the picture has 12 pages or frames; the first one is used → as video it is held for 5 seconds, without sound',
    ],
  ],
];

for (const [name, facts, expected] of CASES) test(name, () => assert.deepEqual(told(facts), expected));

test('every code of the closed list is found somewhere', () => {
  const seen = new Set<string>(CASES.flatMap(([, facts]) => examine(facts, LIMITS).map((one) => one.code)));
  assert.deepEqual(
    Object.keys(FINDING_CODES).filter((code) => !seen.has(code)),
    [],
  );
});

test('what stands against copying, each alone', () => {
  const { color } = videoFacts();
  const table: [SourceFacts, string][] = [
    [sourceFacts({ scanned: false }), 'the packets were not all read'],
    [sourceFacts({ container: 'mpegts' }), 'the container is neither MP4, MOV nor Matroska'],
    [withVideo({ codec: 'hevc' }), 'the video is not H.264'],
    [
      withVideo({ color: { primaries: 'bt2020', transfer: 'bt709', matrix: 'bt2020nc', range: 'tv' } }),
      'the colours are those of BT.2020',
    ],
    [withVideo({ profile: 'High 4:2:2' }), 'the H.264 profile is none that browsers play'],
    [withVideo({ bitDepth: 10 }), 'the picture is not 8 bit 4:2:0'],
    [withVideo({ color: { ...color, range: 'pc' } }), 'the levels are full range'],
    [withVideo({ color: { ...color, transfer: 'arib-std-b67' } }), 'the picture is HDR, or tagged so'],
    [withVideo({ fieldOrder: 'bb' }), 'the picture is interlaced'],
    [withVideo({ rotation: 180 }), 'the picture is turned or mirrored'],
    [withVideo({ mirrored: true }), 'the picture is turned or mirrored'],
    [withVideo({ sampleAspectRatio: { num: 4, den: 3 } }), 'the pixels are not square'],
    [withVideo({ width: 1919 }), 'the size is odd'],
    [withVideo({ constantFrameRate: false }), 'the frame rate varies'],
    [withVideo({ averageFrameRate: { num: 120, den: 1 } }), 'the frame rate is above 60'],
    [withVideo({ longestGop: 10.1 }), 'keyframes are more than 10 s apart'],
    [withVideo({ keyframes: [0.5] }), 'the first picture is no keyframe'],
    [withVideo({ startTime: 0.1, keyframes: [0.1] }), 'the picture starts later than the sound'],
    [withVideo({ jumpsBack: true }), 'an edit list shows parts of it again, or leaves some out'],
    [withVideo({ absurdAspect: true }), 'the header claims pixels of a shape that no picture has'],
    [withVideo({ endTime: videoFacts().endTime - 2.1 }), 'the picture ends long before the sound'],
    [sourceFacts({ audio: [audioFacts({ codec: 'mp3' })] }), 'the sound is not AAC'],
    [sourceFacts({ warnings: ['[mov] stream 0, offset 0x1: partial file'] }), 'the file is damaged'],
    [sourceFacts({ video: null }), 'there is no video'],
    [still({}), 'a picture is no stream'],
  ];
  for (const [facts, reason] of table) assert.deepEqual(isStandard(facts), { standard: false, reasons: [reason] });
  for (const facts of [
    sourceFacts(),
    sourceFacts({ audio: [] }),
    sourceFacts({ container: 'matroska,webm' }),
    withVideo({ startTime: 0.03, keyframes: [0.03] }),
    withVideo({ endTime: videoFacts().endTime - 1.9 }),
  ]) {
    assert.deepEqual(isStandard(facts), { standard: true, reasons: [] });
  }
});

test('preparation of the picture', () => {
  const untouched = {
    steady: false,
    deinterlace: false,
    rotation: 0,
    mirrored: false,
    toneMap: null,
    background: null,
    fullRange: false,
    hold: false,
  };
  assert.deepEqual(preparation(sourceFacts()), untouched);
  assert.deepEqual(preparation(sourceFacts({ video: null })), untouched);
  // the stream says its size, and may say another one later; a picture of a palette cannot be drawn on
  const call = sourceFacts({ container: 'matroska,webm' });
  assert.deepEqual(preparation(call), { ...untouched, steady: true });
  assert.deepEqual(preparation({ ...call, video: videoFacts({ pixelFormat: 'pal8' }) }), untouched);
  // made upright and opaque by the image library before it becomes video
  assert.deepEqual(preparation(still({ rotation: 90, mirrored: true, hasAlpha: true, hdr: 'pq' })), {
    ...untouched,
    hold: true,
  });
  const color = { primaries: 'bt2020', transfer: 'arib-std-b67', matrix: 'bt2020nc', range: 'pc' } as const;
  assert.deepEqual(
    preparation(withVideo({ rotation: 270, mirrored: true, hdr: 'hlg', fieldOrder: 'tb', hasAlpha: true, color })),
    {
      steady: false,
      deinterlace: true,
      rotation: 270,
      mirrored: true,
      toneMap: 'hlg',
      background: '0x000000',
      fullRange: true,
      hold: false,
    },
  );
  assert.equal(preparation(withVideo({ chroma: 'rgb', color })).fullRange, false);
});

test('mono tracks of a broadcast are two and two a stereo sound, where nothing tells them apart', () => {
  const streams = (container: string, ...changes: Partial<AudioFacts>[]) =>
    pairMono(
      container,
      changes.map((one, i) => ({ facts: mono(i + 1, one) })),
    ).map(({ facts }) => soundStreams(facts));
  assert.deepEqual(streams('mxf', {}, {}, {}, {}), [
    [1, 2],
    [3, 4],
  ]);
  assert.deepEqual(streams('mov,mp4,m4a,3gp,3g2,mj2', {}, {}, {}), [[1, 2], [3]]);
  const sides = [{ channelLayout: '1 channels (FL)' }, { channelLayout: 'FR' }];
  assert.deepEqual(streams('mxf', ...sides), [[1, 2]]);
  assert.deepEqual(streams('mxf', ...sides.reverse()), [[1], [2]]);
  const apart = [
    [{ language: 'deu' }, { language: 'eng' }],
    [{ sampleRate: 44_100 }, {}],
    [{ codec: 'aac' }, {}],
    [{ channels: 2 }, {}],
    [{ title: 'Boom' }, {}],
  ];
  for (const tracks of apart) assert.deepEqual(streams('mxf', ...tracks), [[1], [2]]);
  assert.deepEqual(streams('matroska,webm', {}, {}), [[1], [2]]);
  assert.deepEqual(paired('gxf', ['eng', 'eng']), [
    { ...mono(1, { language: 'eng' }), channels: 2, channelLayout: 'stereo', bitrate: 2_304_000, right: 2 },
  ]);
});
