// The part of a direct file's plan that every kind of it begins with. Used by plan-direct.ts and its parts.
import type { OutputSpec } from '#domain/output.ts';
import type { DirectPlan } from '#domain/plan.ts';
import type { Draft } from '#media/plan-draft.ts';
import { span } from '#media/plan-timeline.ts';

/** The whole of the wanted part, and nothing in it yet. */
export function blankDirect(draft: Draft, spec: OutputSpec): DirectPlan {
  const { sourceStart, duration } = span(draft.facts, spec);
  return {
    kind: 'copy',
    start: sourceStart,
    duration,
    width: null,
    height: null,
    fps: null,
    fit: spec.fit,
    decoration: null,
    videoStream: null,
    audioStreams: [],
    audioCodec: null,
    audioBitrate: 0,
    channels: 2,
    sampleRate: 48_000,
    normalize: false,
  };
}
