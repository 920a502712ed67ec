import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OutputSpec, outputSpec } from '#domain/output.ts';
import type { Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { makePlan } from '#media/plan.ts';
import { audioFacts, LIMITS, sourceFacts, videoFacts } from './sample-facts.ts';

const streamSpec = (changes: Partial<OutputSpec> = {}): OutputSpec =>
  outputSpec({ container: 'hls', storyboard: true, ...changes });

const encoders = new Set(['libx264', 'libx265', 'libsvtav1', 'libvpx-vp9']);

const planOf = (
  facts: SourceFacts,
  outputs: readonly OutputSpec[],
  hardware: { kind: 'nvenc'; codec: 'h264'; encoder: string }[] = [],
): Plan =>
  makePlan({
    facts,
    outputs,
    options: {
      segmentSeconds: 6,
      ladder: ['1080p', '720p', '480p', '360p'],
      preset: 'veryfast',
      limits: LIMITS,
      tool: { hardware, encoders },
      hwaccel: 'auto',
    },
  });

const renditions = (plan: Plan) =>
  plan.video.map(
    ({ name, width, height, method, codec, timeline }) => `${timeline} ${name} ${width}x${height} ${codec} ${method}`,
  );
const tasks = (plan: Plan) => plan.tasks.map(({ kind, subject, index }) => `${kind} ${subject}.${index}`);

/** One minute of 25 frames/s, beyond what a stream may carry as it is. */
const rich = sourceFacts({
  duration: 60,
  startTime: 0,
  video: videoFacts({
    startTime: 0,
    endTime: 60,
    frames: 1500,
    averageFrameRate: { num: 25, den: 1 },
    nominalFrameRate: { num: 25, den: 1 },
    bitrate: 20_000_000,
    keyframes: Array.from({ length: 30 }, (_, i) => i * 2),
  }),
  audio: [audioFacts({ startTime: 0, endTime: 60 })],
});
const standard: SourceFacts = { ...rich, video: rich.video && { ...rich.video, bitrate: 4_000_000 } };

test('a ladder from one timeline: chunks of all renditions, sound once', () => {
  const plan = planOf(rich, [streamSpec()]);
  assert.deepEqual(renditions(plan), [
    '0 1080p 1920x1080 h264 encoded',
    '0 720p 1280x720 h264 encoded',
    '0 480p 854x480 h264 encoded',
    '0 360p 640x360 h264 encoded',
  ]);
  assert.deepEqual(tasks(plan), ['chunk 0.0', 'audio 0.0', 'chunk 0.1']);
  assert.deepEqual(
    plan.timelines.map(({ frames, gopFrames, keyframes }) => ({ frames, gopFrames, keyframes })),
    [{ frames: 1500, gopFrames: 50, keyframes: null }],
  );
  assert.deepEqual(plan.outputs, [
    {
      index: 0,
      container: 'hls',
      method: 'adaptive',
      timeline: 0,
      video: ['v0', 'v1', 'v2', 'v3'],
      audio: ['a0'],
      subtitles: [],
      pictures: ['poster0', 'storyboard0'],
      direct: null,
      refused: null,
    },
  ]);
});

test('a standard source is its own top rendition, and the others follow its keyframes', () => {
  const plan = planOf(standard, [streamSpec()]);
  assert.equal(renditions(plan)[0], '0 1080p 1920x1080 h264 copied');
  assert.deepEqual(tasks(plan), ['copy 0.0', 'chunk 0.0', 'audio 0.0', 'chunk 0.1']);
  assert.deepEqual(plan.timelines[0]?.keyframes?.slice(0, 3), [0, 50, 100]);
  for (const changes of [
    { passthrough: 'never' as const },
    { duration: 30 },
    { fps: { num: 30, den: 1 } },
    { segmentFormat: 'ts' as const },
  ]) {
    assert.equal(planOf(standard, [streamSpec(changes)]).video[0]?.method, 'encoded', JSON.stringify(changes));
  }
});

test('where nothing is encoded the pictures, and they alone, are taken out of a decode', () => {
  const alone = { renditions: [{ name: '1080p', height: 1080, videoBitrate: null, audioBitrate: null }] };
  const plan = planOf(standard, [streamSpec(alone)]);
  assert.deepEqual(renditions(plan), ['0 1080p 1920x1080 h264 copied']);
  assert.deepEqual(tasks(plan), ['copy 0.0', 'chunk 0.0', 'audio 0.0', 'chunk 0.1']);
  assert.deepEqual(tasks(planOf(standard, [streamSpec({ ...alone, storyboard: false })])), ['copy 0.0', 'audio 0.0']);
});

test('outputs share what is equal: HLS, DASH and a file of the same size are one encode', () => {
  const plan = planOf(rich, [
    streamSpec(),
    streamSpec({ container: 'dash' }),
    streamSpec({ container: 'mp4', height: 720 }),
  ]);
  assert.equal(plan.timelines.length, 1);
  assert.deepEqual(
    plan.outputs.map(({ video, audio }) => [video, audio]),
    [
      [['v0', 'v1', 'v2', 'v3'], ['a0']],
      [['v0', 'v1', 'v2', 'v3'], ['a0']],
      [['v1'], ['a0']],
    ],
  );
});

test('a part, or another frame rate, has a timeline of its own', () => {
  const plan = planOf(rich, [
    streamSpec({ start: 10.02, duration: 20 }),
    streamSpec({ container: 'mp4', fps: { num: 50, den: 1 } }),
  ]);
  assert.deepEqual(
    plan.timelines.map(({ sourceStart, duration, fps }) => [sourceStart, duration, fps.num]),
    [
      [10.02, 20, 25],
      [0, 60, 50],
    ],
  );
});

test('a file that asks for nothing but its container is the source itself, where that is fine', () => {
  assert.deepEqual(planOf(standard, [streamSpec({ container: 'mp4' })]).outputs[0]?.direct?.kind, 'copy');
  assert.equal(planOf(standard, [streamSpec({ container: 'mp4', height: 480 })]).outputs[0]?.method, 'joined');
  assert.equal(planOf(rich, [streamSpec({ container: 'mp4' })]).outputs[0]?.method, 'joined');
  assert.equal(planOf(standard, [streamSpec({ container: 'webm' })]).video[0]?.codec, 'vp9');
});

test('first light comes before the ladder, and only where nothing can be copied', () => {
  assert.deepEqual(tasks(planOf(rich, [streamSpec({ instant: true })])).slice(0, 2), ['first-light 0.0', 'chunk 0.0']);
  assert.deepEqual(tasks(planOf(standard, [streamSpec({ instant: true })])).slice(0, 2), ['copy 0.0', 'chunk 0.0']);
});

test('sound that begins half a frame before the picture does not put frames between the places of the grid', () => {
  const late = { ...rich, startTime: 0, video: rich.video && { ...rich.video, startTime: 0.021, keyframes: [0.021] } };
  const [timeline] = planOf(late, [streamSpec()]).timelines;
  assert.equal(timeline?.videoShift.toFixed(6), '0.019000');
});

test('hardware that works is used, and two passes stay with software', () => {
  const nvenc = [{ kind: 'nvenc' as const, codec: 'h264' as const, encoder: 'h264_nvenc' }];
  assert.ok(planOf(rich, [streamSpec()], nvenc).video.every(({ hardware }) => hardware === 'nvenc'));
  assert.equal(planOf(rich, [streamSpec({ hwaccel: 'none' })], nvenc).video[0]?.hardware, null);
  assert.equal(
    planOf(rich, [streamSpec({ container: 'mp4', rate: { mode: 'two-pass', bitrate: 1e6, maxBitrate: null } })], nvenc)
      .video[0]?.hardware,
    null,
  );
});

test('what cannot be is refused by name', () => {
  const silent = sourceFacts({ audio: [] });
  const deaf = sourceFacts({ video: null });
  const rows: [SourceFacts, Partial<OutputSpec>, string][] = [
    [silent, { container: 'mp3' }, 'no_audio'],
    [deaf, { container: 'gif' }, 'no_video'],
    [silent, { container: 'mp4', videoCodec: 'none' }, 'no_audio'],
    [rich, { container: 'webm', videoCodec: 'copy' }, 'unsupported_media'],
    [rich, { container: 'mp4', start: 61 }, 'invalid_request'],
    [{ ...rich, video: rich.video && { ...rich.video, rotation: 90 } }, { videoCodec: 'copy' }, 'unsupported_media'],
  ];
  for (const [facts, changes, code] of rows)
    assert.throws(() => planOf(facts, [streamSpec(changes)]), { code }, JSON.stringify(changes));
});

test('an output that cannot be made does not hold up the others', () => {
  const plan = planOf({ ...rich, audio: [] }, [streamSpec({ container: 'mp3' }), streamSpec()]);
  assert.deepEqual(
    plan.outputs.map(({ refused }) => refused?.code ?? null),
    ['no_audio', null],
  );
  assert.deepEqual(tasks(plan), ['chunk 0.0', 'chunk 0.1']);
});

test('an audio-only source becomes a stream of sound', () => {
  const plan = planOf(sourceFacts({ video: null, duration: 20, audio: [audioFacts()] }), [streamSpec()]);
  assert.deepEqual(
    [renditions(plan), tasks(plan), plan.timelines[0]?.boundaries],
    [[], ['audio 0.0'], [0, 6000, 12000, 20000]],
  );
});
