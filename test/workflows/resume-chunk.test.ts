// What is left to do of a chunk that was interrupted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrackPart } from '#domain/task.ts';
import { resumeChunk } from '#workflows/tasks/resume-chunk.ts';

const timeline = { boundaries: [0, 50, 100, 150, 200, 225] };
const chunk = { index: 1, firstSegment: 2, segments: 3, startFrame: 100, endFrame: 225 };
const renditions = [{ id: 'v0' }, { id: 'v1' }];

const part = (rendition: string, frames: readonly number[], first = 2): TrackPart => ({
  ...{ rendition, init: null, codecs: 'avc1', timescale: 25 },
  segments: frames.map((samples, i) => ({
    ...{ index: first + i, key: `${rendition}/${first + i}`, size: 5 },
    ...{ start: 50 * i, duration: samples, samples },
  })),
});
const resume = (...published: TrackPart[]) => resumeChunk({ timeline, chunk, renditions, published });

test('it goes on behind the last segment that all renditions have; what one has beyond stays', () => {
  const published = [part('v0', [50, 50]), part('v1', [50])];
  assert.deepEqual(resume(...published), {
    kept: published,
    made: { ...chunk, segments: 1, endFrame: 150 },
    rest: { ...chunk, firstSegment: 3, segments: 2, startFrame: 150 },
  });
});

test('a rendition of which nothing is there has the whole chunk made; of one that was cut short nothing is kept behind the cut', () => {
  assert.deepEqual(resume(part('v0', [50])), { kept: [part('v0', [50])], made: null, rest: chunk });
  assert.deepEqual(resume(), { kept: [], made: null, rest: chunk });
  const cut = resume(part('v0', [50, 49, 25]), part('v1', [50, 50]));
  assert.deepEqual([cut.kept, cut.made?.segments], [[part('v0', [50]), part('v1', [50, 50])], 1]);
});

test('where all is there nothing is left, and parts with other init segments follow each other', () => {
  const whole = resume(part('v0', [50]), part('v0', [50, 25], 3), part('v1', [50, 50, 25]));
  assert.deepEqual([whole.made, whole.rest], [chunk, null]);
  assert.deepEqual(whole.kept, [part('v0', [50]), part('v0', [50, 25], 3), part('v1', [50, 50, 25])]);
});
