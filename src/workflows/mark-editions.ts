// Tells an adaptive output apart from an earlier one that plays where it is sent: caches keep segments for ever. Called by run-job.ts.
import { PlatformError } from '#domain/error.ts';
import type { Job, Output } from '#domain/job.ts';
import type { OutputPlan, Plan } from '#domain/plan.ts';
import { joinKey } from '#storage/key.ts';
import type { Platform } from '#workflows/platform.ts';
import { entryName } from '#workflows/tasks/delivery-items.ts';
import { isThere } from '#workflows/tasks/is-there.ts';

/** Places whose objects carry the word for caches. */
const SERVED = ['s3', 'http', 'https'];

type Planned = {
  readonly job: Pick<Job, 'uuid'>;
  readonly outputs: readonly Output[];
  readonly plan: Plan;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
};

/** The plan, in which outputs that replace an earlier one have an edition. */
export async function markEditions(platform: Platform, { plan, ...planned }: Planned): Promise<Plan> {
  const outputs = await Promise.all(plan.outputs.map((output) => markEdition(platform, planned, output)));
  return { ...plan, outputs };
}

async function markEdition(
  platform: Platform,
  { job, outputs, signal, log }: Omit<Planned, 'plan'>,
  output: OutputPlan,
): Promise<OutputPlan> {
  const destination = outputs.find(({ index }) => index === output.index)?.spec.destination;
  if (output.method !== 'adaptive' || !destination || !SERVED.includes(destination.kind)) return output;
  // Of a UUIDv7 the end is what chance made.
  const edited = { ...output, edition: job.uuid.slice(-8) };
  try {
    const { store, key } = await platform.locations.openDestination(destination);
    try {
      const entry = joinKey(key.replace(/\/+$/, ''), entryName(output));
      return (await isThere(store, entry, signal)) ? edited : output;
    } finally {
      await store.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PlatformError)) throw error;
    // Sending will say it if it stays so; an edition too many does no harm.
    log(`output ${output.index}: its place did not say whether something plays there already: ${error.message}`);
    return edited;
  }
}
