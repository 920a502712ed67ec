// A source whose clock jumps is copied with a clock that goes on: no chunk could be found in it by its time otherwise. Called by run-job.ts and plan-job.ts.
import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '#domain/job.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { partsScript, straightenCommand } from '#media/command/straighten.ts';
import { probeSource } from '#media/probe.ts';
import type { MediaInput } from '#media/tool.ts';
import { inputArguments, PASSING_OVER, partsArguments } from '#media/whitelist.ts';
import { straightKey } from '#workflows/job-storage.ts';
import { openInput } from '#workflows/open-input.ts';
import type { Platform } from '#workflows/platform.ts';
import { reserveScratch } from '#workflows/reserve-scratch.ts';
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
 * @throws PlatformError `encode_failed`, `disk_full` where it fills up on the way, and what probeSource refuses
 */
export async function straighten(
  platform: Pick<Platform, 'config' | 'tool' | 'limits'>,
  { input, facts, scratch, signal, log }: Crooked,
): Promise<{ readonly path: string; readonly facts: SourceFacts }> {
  const { config, tool, limits } = platform;
  const path = join(scratch, 'straight');
  const context = { log, signal, scratch, timeLimit: timeLimit(config, facts) };
  const { parts, passedOver } = facts;
  const opened = parts ? await listParts({ input, facts, scratch }) : inputArguments(input, facts.container);
  const options = passedOver ? PASSING_OVER[passedOver] : [];
  await runCommand(platform, context, { args: straightenCommand(facts, [...options, ...opened], path) });
  const found = await probeSource({ tool, limits, signal, input: { kind: 'file', path } });
  return {
    path,
    facts: { ...found, clock: 'straightened', ...(parts && { parts }), ...(passedOver && { passedOver }) },
  };
}

/** The arguments that read the parts of a source, by a script in the scratch folder. */
async function listParts({ input, facts, scratch }: Pick<Crooked, 'input' | 'facts' | 'scratch'>): Promise<string[]> {
  const list = join(scratch, 'parts');
  const own = join(scratch, 'joined');
  // A path of the user's is never written into a script.
  if (input.kind === 'file') await symlink(input.path, own);
  const source: MediaInput = input.kind === 'file' ? { kind: 'file', path: own } : input;
  await writeFile(list, partsScript(source, facts.parts ?? []));
  return partsArguments(source, { list, container: facts.container });
}

type Source = { readonly sourceKey: string | null; readonly facts: SourceFacts };
type Work = Source & Pick<Crooked, 'signal' | 'log'> & { readonly job: Job };

/** Puts the copy beside the source, for all machines: it is what chunks are cut out of. Ends with the job's other leftovers. */
export async function straightenSource(
  platform: Platform,
  { job, sourceKey, facts, signal, log }: Work,
): Promise<Source> {
  const wish = { name: `straight-${job.id}-${job.attempt}`, bytes: facts.size, signal };
  const scratch = await reserveScratch(platform.config, wish);
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
