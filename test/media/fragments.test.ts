import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { codecString } from '#media/codec-string.ts';
import { runMedia } from '#media/ffmpeg.ts';
import { cutFragments, type Init, type Segment } from '#media/fragments.ts';
import { LIMITS } from './sample-facts.ts';

async function fragmented(...args: string[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  await runMedia({
    program: 'ffmpeg',
    args: [
      '-v',
      'error',
      '-f',
      'lavfi',
      ...args,
      '-f',
      'mp4',
      '-movflags',
      '+frag_keyframe+empty_moov+delay_moov+default_base_moof+skip_trailer',
      'pipe:1',
    ],
    limits: LIMITS.child,
    timeLimit: 60,
    onStdout: async (stdout) => {
      for await (const bytes of stdout) parts.push(bytes);
    },
  });
  return Buffer.concat(parts);
}

async function cut(
  data: Buffer,
  options: { boundaries: number[]; alignment: 'exact' | 'nearest'; offset: number; pieces?: number },
) {
  const inits: Init[] = [];
  const segments: Segment[] = [];
  const size = options.pieces ?? data.length;
  const chunks = Array.from({ length: Math.ceil(data.length / size) }, (_, i) =>
    data.subarray(i * size, (i + 1) * size),
  );
  const { samples } = await cutFragments(Readable.from(chunks), {
    ...options,
    firstSequence: 1,
    onInit: (init) => void inits.push(init),
    onSegment: (segment) => void segments.push(segment),
  });
  return { inits, segments, samples };
}

const film = await fragmented(
  '-i',
  'testsrc2=s=160x90:r=25:d=8',
  '-c:v',
  'libx264',
  '-g',
  '50',
  '-sc_threshold',
  '0',
  '-bf',
  '2',
  '-video_track_timescale',
  '25000',
);

test('fragments become segments at the boundaries, moved to their place on the timeline', async () => {
  const { inits, segments, samples } = await cut(film, { boundaries: [12, 16, 20], alignment: 'exact', offset: 12 });
  assert.equal(samples, 200);
  assert.equal(inits[0]?.timescale, 25000);
  assert.match(codecString(inits[0]?.data ?? Buffer.alloc(0)), /^avc1\.64[0-9a-f]{4}$/);
  assert.deepEqual(
    segments.map(({ position, start, duration, samples: count }) => [position, start, duration, count]),
    [
      [0, 300_000, 100_000, 100],
      [1, 400_000, 100_000, 100],
    ],
  );
});

test('how the bytes arrive changes nothing', async () => {
  const whole = await cut(Buffer.from(film), { boundaries: [0, 4, 8], alignment: 'exact', offset: 0 });
  const torn = await cut(Buffer.from(film), { boundaries: [0, 4, 8], alignment: 'exact', offset: 0, pieces: 777 });
  assert.deepEqual(
    torn.segments.map(({ data }) => data.toString('base64')),
    whole.segments.map(({ data }) => data.toString('base64')),
  );
});

test('a boundary without a keyframe is an error, not a crooked segment', async () => {
  await assert.rejects(cut(Buffer.from(film), { boundaries: [0, 3, 8], alignment: 'exact', offset: 0 }), {
    code: 'encode_failed',
    message: /Segment 1 begins at 4 s instead of 3 s/,
  });
});

test('sound is cut at the fragment nearest to the boundary', async () => {
  const sound = await fragmented('-i', 'sine=r=48000:d=8', '-c:a', 'aac', '-frag_duration', '250000');
  const { segments, samples } = await cut(sound, { boundaries: [0, 3, 6, 8], alignment: 'nearest', offset: 0 });
  assert.equal(segments.length, 3);
  const starts = segments.map((segment) => segment.start / 48_000);
  for (const [i, wanted] of [0, 3, 6].entries())
    assert.ok(Math.abs((starts[i] ?? -1) - wanted) <= 0.15, `segment ${i} begins at ${starts[i]}`);
  // Nothing is lost or doubled: each segment begins where the one before ends, and all frames are there (375 and one of priming).
  for (const [i, segment] of segments.slice(1).entries())
    assert.equal(segment.start, (segments[i]?.start ?? 0) + (segments[i]?.duration ?? 0));
  assert.equal(samples, 376);
});

test('a stream that ends inside a fragment is an error', async () => {
  await assert.rejects(
    cut(film.subarray(0, film.length - 100), { boundaries: [0, 4, 8], alignment: 'exact', offset: 0 }),
    { code: 'encode_failed', message: /middle of a fragment/ },
  );
});
