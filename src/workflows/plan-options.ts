// The settings that a plan depends on. Used by run-job.ts and plan-job.ts.
import type { PlanOptions } from '#media/plan-draft.ts';
import type { Platform } from '#workflows/platform.ts';

export const planOptions = ({ config, limits, tool }: Pick<Platform, 'config' | 'limits' | 'tool'>): PlanOptions => ({
  segmentSeconds: config.SEGMENT_SECONDS,
  ladder: config.VIDEO_QUALITY_PRESETS,
  preset: config.ENCODE_PRESET,
  limits,
  tool,
  hwaccel: config.HWACCEL,
});
