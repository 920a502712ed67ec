// A source whose clock jumps is copied with a clock that goes on: no chunk could be found in it by its time otherwise. Called by run-job.ts and plan-job.ts.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '#domain/job.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { straightenCommand } from '#media/command/straighten.ts';
import { probeSource } from '#media/probe.ts';
import type { MediaInput } from '#media/tool.ts';
import { inputArguments } from '#media/whitelist.ts';
import { straightKey } from '#workflows/job-storage.ts';
import { openInput } from '#workflows/open-input.ts';
import type { Platform } from '#workflows/platform.ts';
import { checkScratchSpace, makeScratch } from '#workflows/scratch.ts';
import { runCommand } from '#workflows/tasks/run-command.ts';
import { timeLimit } from '#workflows/time-limit.ts';

type Crooked = {
  readonly input: MediaInput;
  readonly facts: SourceFacts;
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
};

/**
 * The copy, in the scratch folder, and what it is.
 * @throws PlatformError `disk_full`, `encode_failed`, and what probeSource refuses
 */
export async function straighten(
  platform: Pick<Platform, 'config' | 'tool' | 'limits'>,
  { input, facts, scratch, signal, log }: Crooked,
): Promise<{ readonly path: string; readonly facts: SourceFacts }> {
  const { config, tool, limits } = platform;
  await checkScratchSpace(config, facts.size);
  const path = join(scratch, 'straight');
  const context = { log, signal, scratch, timeLimit: timeLimit(config, facts) };
  await runCommand(platform, context, { args: straightenCommand(facts, inputArguments(input), path) });
  const found = await probeSource({ tool, limits, signal, input: { kind: 'file', path } });
  return { path, facts: { ...found, clock: 'straightened' } };
}

type Source = { readonly sourceKey: string | null; readonly facts: SourceFacts };
type Work = Source & Pick<Crooked, 'signal' | 'log'> & { readonly job: Job };

/** Puts the copy beside the source, for all machines: it is what chunks are cut out of. Ends with the job's other leftovers. */
export async function straightenSource(
  platform: Platform,
  { job, sourceKey, facts, signal, log }: Work,
): Promise<Source> {
  const scratch = await makeScratch(platform.config, `straight-${job.id}-${job.attempt}`);
  const { input, check, close } = await openInput(platform, { source: job.source, sourceKey }, signal);
  try {
    const straight = await straighten(platform, { input, facts, scratch, signal, log });
    check();
    const key = straightKey(job.uuid);
    await platform.storage.adopt(straight.path, key, { contentType: 'application/octet-stream', signal });
    return { sourceKey: key, facts: straight.facts };
  } finally {
    await close();
    await rm(scratch, { recursive: true, force: true });
  }
}
