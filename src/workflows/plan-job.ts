// What would be done with a source, and why, without doing it: `POST /plan` and `rendition plan`. Leaves nothing behind.
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { v7 as uuidv7 } from 'uuid';
import { PlatformError } from '#domain/error.ts';
import type { Location } from '#domain/location.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { makePlan } from '#media/plan.ts';
import { probeSource } from '#media/probe.ts';
import { limitBytes } from '#workflows/fetch-source.ts';
import { planOptions } from '#workflows/plan-options.ts';
import type { Platform } from '#workflows/platform.ts';
import { checkWatermarks } from '#workflows/prepare-watermarks.ts';
import { checkScratchSpace } from '#workflows/reserve-scratch.ts';
import { makeScratch } from '#workflows/scratch.ts';
import { straighten } from '#workflows/straighten-source.ts';

export type DryRun = {
  readonly source: Location;
  readonly outputs: readonly OutputSpec[];
  readonly signal: AbortSignal;
};

/** A plan needs neither database nor queue: `rendition plan` has none. */
export type Planner = Pick<Platform, 'config' | 'locations' | 'tool' | 'limits'>;

/** @throws PlatformError whatever a job would fail with before its first task */
export async function planJob(
  platform: Planner,
  { source, outputs, signal }: DryRun,
): Promise<{ facts: SourceFacts; plan: Plan }> {
  const scratch = await makeScratch(platform.config, `plan-${uuidv7()}`);
  try {
    const path = await fetchToScratch(platform, { source, scratch, signal });
    const { tool, limits } = platform;
    const input = { kind: 'file', path } as const;
    const found = await probeSource({ tool, limits, signal, input });
    if (found.clock === 'jumps') await checkScratchSpace(platform.config, found.size);
    const { facts } =
      found.clock === 'jumps'
        ? await straighten(platform, { input, facts: found, scratch, signal, log: () => undefined })
        : { facts: found };
    const refusals = await checkWatermarks(platform, { specs: outputs, scratch, signal });
    return { facts, plan: makePlan({ facts, outputs, refusals, options: planOptions(platform) }) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Fetching = { readonly source: Location; readonly scratch: string; readonly signal: AbortSignal };

async function fetchToScratch(platform: Planner, { source, scratch, signal }: Fetching): Promise<string> {
  const { config, locations } = platform;
  const { store, key } = await locations.openSource(source);
  try {
    const local = store.localPath(key);
    const { size } = await store.stat(key, signal);
    if (size !== null && size > config.MAX_SOURCE_BYTES) {
      throw new PlatformError(
        'source_too_large',
        `The source has ${size} bytes; at most ${config.MAX_SOURCE_BYTES} are allowed (MAX_SOURCE_BYTES)`,
      );
    }
    if (local !== null) return local;
    await checkScratchSpace(config, size ?? 0);
    const path = join(scratch, 'source');
    await pipeline(limitBytes(await store.read(key, { signal }), config.MAX_SOURCE_BYTES), createWriteStream(path), {
      signal,
    });
    return path;
  } finally {
    await store.close();
  }
}
