// The ladder by whole tables: sizes, rates, names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VideoCodec } from '#domain/codec.ts';
import { chooseLadder, type LadderStep, type LadderWish, parseRungName, presetRendition } from '#media/ladder.ts';

const SEED = ['1080p', '720p', '480p', '360p'];
const ALL = ['2160p', '1440p', ...SEED, '240p'];
const wish = (width: number, height: number, changes: Partial<LadderWish> = {}): LadderWish => ({
  width,
  height,
  fps: { num: 24, den: 1 },
  codec: 'h264',
  renditions: ALL,
  ...changes,
});
const line = (steps: LadderStep[]) =>
  steps.map((one) => `${one.name} ${one.width}x${one.height} ${one.bitrate / 1000}k`).join(', ');

test('sizes and rates: never above the source, aspect and orientation kept, even, highest first', () => {
  const table: [number, number, string][] = [
    [
      3840,
      2160,
      '2160p 3840x2160 16000k, 1440p 2560x1440 9000k, 1080p 1920x1080 5800k, 720p 1280x720 3500k, 480p 854x480 1600k, 360p 640x360 900k, 240p 426x240 400k',
    ],
    [
      1920,
      1080,
      '1080p 1920x1080 5800k, 720p 1280x720 3500k, 480p 854x480 1600k, 360p 640x360 900k, 240p 426x240 400k',
    ],
    [
      1080,
      1920,
      '1080p 1080x1920 5800k, 720p 720x1280 3500k, 480p 480x854 1600k, 360p 360x640 900k, 240p 240x426 400k',
    ],
    // a film without its black bars is of the class of 1080p, at its own size
    [
      1920,
      816,
      '1080p 1920x816 4871k, 720p 1694x720 4167k, 480p 1130x480 2097k, 360p 848x360 1192k, 240p 564x240 529k',
    ],
    [
      1920,
      1072,
      '1080p 1920x1072 5773k, 720p 1290x720 3517k, 480p 860x480 1611k, 360p 644x360 906k, 240p 430x240 404k',
    ],
    // between two steps: the lower one is the top
    [1600, 900, '720p 1280x720 3500k, 480p 854x480 1600k, 360p 640x360 900k, 240p 426x240 400k'],
    // a step that is a few lines too high keeps the source's size under its name
    [1281, 719, '720p 1280x718 3491k, 480p 856x480 1604k, 360p 642x360 903k, 240p 428x240 402k'],
    [1440, 1080, '1080p 1440x1080 4849k, 720p 960x720 2651k, 480p 640x480 1200k, 360p 480x360 675k, 240p 320x240 301k'],
    [1080, 1080, '1080p 1080x1080 4053k, 720p 720x720 2007k, 480p 480x480 900k, 360p 360x360 507k, 240p 240x240 226k'],
    // smaller than every step
    [200, 200, '200p 200x200 157k'],
    [1, 1, '2p 2x2 64k'],
    [101, 4000, '100p 100x4000 1561k'],
  ];
  for (const [width, height, expected] of table)
    assert.equal(line(chooseLadder(wish(width, height))), expected, `${width}x${height}`);
});

test('one step in full: cap 1.07 and buffer 1.5 times the rate', () => {
  assert.deepEqual(chooseLadder(wish(1280, 720, { renditions: ['720p'] })), [
    {
      name: '720p',
      width: 1280,
      height: 720,
      bitrate: 3_500_000,
      maxBitrate: 3_745_000,
      bufferSize: 5_250_000,
      crf: 21,
      audioBitrate: 128_000,
    },
  ]);
});

test('faster frames need more bits, other codecs fewer', () => {
  const top = (changes: Partial<LadderWish>) =>
    chooseLadder(wish(1920, 1080, { renditions: ['1080p'], ...changes }))[0]?.bitrate;
  assert.deepEqual(
    [12, 30, 48, 60, 120].map((num) => top({ fps: { num, den: 1 } })),
    [5_800_000, 5_800_000, 7_540_000, 8_700_000, 14_500_000],
  );
  const codecs: VideoCodec[] = ['h264', 'hevc', 'av1', 'vp9'];
  assert.deepEqual(
    codecs.map((codec) => top({ codec })),
    [5_800_000, 3_770_000, 3_190_000, 3_480_000],
  );
});

test('own steps: their rates are taken as they are, equal sizes are one, order does not matter', () => {
  const renditions = [
    { name: 'small', height: 300, videoBitrate: 500_000, audioBitrate: 48_000 },
    { name: 'big', height: 1000, videoBitrate: null, audioBitrate: null },
    { name: 'huge', height: 1080, videoBitrate: null, audioBitrate: null },
    '480p',
  ];
  const steps = chooseLadder(wish(1778, 1000, { renditions }));
  assert.equal(line(steps), 'big 1778x1000 5270k, 480p 854x480 1600k, small 534x300 500k');
  assert.deepEqual(
    steps.map((one) => one.audioBitrate),
    [128_000, 128_000, 48_000],
  );
});

test('names', () => {
  assert.deepEqual(['720p', '2160p', '16p', '8p', '9999p', '720', '720P', 'p', '', '720p;'].map(parseRungName), [
    720,
    2160,
    16,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
  ]);
  assert.deepEqual(presetRendition('720p'), { name: '720p', height: 720, videoBitrate: null, audioBitrate: null });
  assert.equal(presetRendition('best'), null);
});
