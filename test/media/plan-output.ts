// Plans of a single output, as the tests of commands want them.
import type { OutputSpec } from '#domain/output.ts';
import type { DirectPlan, Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { makePlan } from '#media/plan.ts';
import { LIMITS } from './sample-facts.ts';

const OPTIONS = {
  segmentSeconds: 6,
  ladder: ['720p'],
  preset: 'veryfast',
  limits: LIMITS,
  tool: { hardware: [], encoders: new Set(['libx264', 'libvpx-vp9', 'aac']) },
  hwaccel: 'none',
} as const;

/** The plan of one output. */
export function planOf(spec: OutputSpec, facts: SourceFacts): Plan {
  return makePlan({ facts, outputs: [spec], options: OPTIONS });
}

/** Its command's part, where it has one of its own. */
export function directOf(plan: Plan): DirectPlan {
  const direct = plan.outputs[0]?.direct;
  if (!direct) throw new Error('the output has no command');
  return direct;
}
