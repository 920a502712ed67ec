// Which chunks of a source that arrived are still wanted when all of it is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outputSpec } from '#domain/output.ts';
import { isSameChunk, type Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { makePlan } from '#media/plan.ts';
import { LIMITS, sourceFacts, videoFacts } from '../media/sample-facts.ts';

type Film = { readonly seconds: number; readonly reach?: number; readonly change?: Partial<SourceFacts['video']> };

/** Beyond what a stream may carry as it is, unless `change` says otherwise. */
function planOf({ seconds, reach = seconds, change = {} }: Film): Plan {
  const span = { startTime: 0, endTime: reach, frames: reach * 25 };
  const rate = { averageFrameRate: { num: 25, den: 1 }, nominalFrameRate: { num: 25, den: 1 } };
  const keyframes = Array.from({ length: reach / 2 }, (_, i) => i * 2);
  const video = videoFacts({ ...span, ...rate, bitrate: 20_000_000, keyframes, ...change });
  return makePlan({
    facts: sourceFacts({ duration: seconds, startTime: 0, video, audio: [] }),
    outputs: [outputSpec({ container: 'hls', storyboard: true })],
    options: {
      segmentSeconds: 6,
      ladder: ['720p', '360p'],
      preset: 'veryfast',
      limits: LIMITS,
      tool: { hardware: [], encoders: new Set(['libx264']) },
      hwaccel: 'none',
      evenChunks: true,
    },
  });
}

/** Indexes of the chunks that both plans want alike. */
const same = (a: Plan, b: Plan): number[] =>
  (a.timelines[0]?.chunks ?? []).map(({ index }) => index).filter((index) => isSameChunk(a, b, { subject: 0, index }));

test('a film that ends elsewhere keeps all chunks but the last; a plan keeps all of itself', () => {
  const plan = planOf({ seconds: 60 });
  assert.deepEqual(same(plan, structuredClone(plan)), [0, 1, 2, 3, 4]);
  assert.deepEqual(same(plan, planOf({ seconds: 70 })), [0, 1, 2, 3, 4]);
  assert.deepEqual(same(plan, planOf({ seconds: 55 })), [0, 1, 2, 3]);
  assert.deepEqual(same(planOf({ seconds: 70, reach: 20 }), plan), [0, 1, 2, 3, 4]);
});

test('another clock, another picture or other pictures taken of it keep none', () => {
  const plan = planOf({ seconds: 60 });
  const rate = { num: 30, den: 1 };
  assert.deepEqual(same(plan, planOf({ seconds: 60, change: { averageFrameRate: rate, nominalFrameRate: rate } })), []);
  assert.deepEqual(same(plan, planOf({ seconds: 60, change: { streamIndex: 3 } })), []);
  assert.deepEqual(same(plan, planOf({ seconds: 60, change: { rotation: 90 } })), []);
  // The storyboard of a longer film has its tiles further apart.
  assert.deepEqual(same(plan, planOf({ seconds: 130 })), []);
});

test('of a copied stream chunks are kept as far as their keyframes were known', () => {
  const copied = { bitrate: 2_000_000, width: 1280, height: 720, displayWidth: 1280, displayHeight: 720 };
  const [early, whole] = [planOf({ seconds: 60, reach: 30, change: copied }), planOf({ seconds: 60, change: copied })];
  assert.ok(whole.timelines[0]?.keyframes && whole.video.some(({ method }) => method === 'copied'));
  assert.deepEqual(same(early, whole), [0, 1]);
});
