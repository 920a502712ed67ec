// Fetches the watermarks of a job and puts them beside its source, so that every worker has them. Called by run-job.ts before the plan; plan-job.ts only looks at them.
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PlatformError } from '#domain/error.ts';
import type { Job, Output } from '#domain/job.ts';
import type { Location } from '#domain/location.ts';
import type { OutputSpec, WatermarkSpec } from '#domain/output.ts';
import { imageOf } from '#media/plan-decoration.ts';
import { normalizeWatermark } from '#media/watermark.ts';
import type { LocationOpener } from '#storage/open.ts';
import { limitBytes } from '#workflows/fetch-source.ts';
import { isStored } from '#workflows/is-stored.ts';
import { watermarkKey, watermarkSourceKey } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';
import { makeScratch } from '#workflows/scratch.ts';

/** Bytes of a watermark's file at the most. */
const LARGEST = 64 * 1024 ** 2;

export type WatermarkWork = {
  readonly job: Pick<Job, 'id' | 'uuid' | 'attempt'>;
  readonly outputs: readonly Pick<Output, 'index' | 'spec'>[];
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
};

/**
 * Answers why outputs cannot be made, by index: one whose watermark cannot be had does not harm the others.
 * @throws PlatformError what may pass, such as `source_unreachable`: the job is tried again
 */
export function prepareWatermarks(platform: Platform, work: WatermarkWork): Promise<Map<number, PlatformError>> {
  const specs = work.outputs.map(({ spec }) => spec);
  return refuseOutputs({ specs, signal: work.signal }, (wanted) => prepare(platform, work, wanted));
}

/** Where a dry run looks: nothing of it is kept. */
export type WatermarkLook = {
  readonly specs: readonly OutputSpec[];
  /** A folder that the caller removes. */
  readonly scratch: string;
  readonly signal: AbortSignal;
};

/** The same without keeping them. What came inside the request still lies in it. @throws as prepareWatermarks does */
export function checkWatermarks(
  { locations, tool, limits }: Pick<Platform, 'locations' | 'tool' | 'limits'>,
  { specs, scratch, signal }: WatermarkLook,
): Promise<Map<number, PlatformError>> {
  return refuseOutputs({ specs, signal }, async ({ watermark, index }) => {
    const path = join(scratch, `watermark-${index}`);
    await saveImage(locations, { source: watermark.source, path, signal });
    await normalizeWatermark({ tool, limits, path, output: `${path}.png`, signal });
  });
}

/** Why outputs cannot be made, by index. Outputs of the same watermark share what becomes of it. */
async function refuseOutputs(
  { specs, signal }: Pick<WatermarkLook, 'specs' | 'signal'>,
  ready: (wanted: Wanted) => Promise<void>,
): Promise<Map<number, PlatformError>> {
  const refusals = new Map<number, PlatformError>();
  for (const [i, { watermark }] of specs.entries()) {
    const image = watermark ? imageOf(specs, i) : i;
    if (!watermark) continue;
    const known = refusals.get(image);
    if (known) refusals.set(i, known);
    if (image !== i) continue;
    try {
      await ready({ watermark, index: i });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PlatformError)) throw error;
      const { code, message, retryable } = error;
      const named = new PlatformError(code, `outputs.${i}.watermark.source: ${message}`, { cause: error, retryable });
      if (retryable) throw named;
      refusals.set(i, named);
    }
  }
  return refusals;
}

type Wanted = { readonly watermark: WatermarkSpec; readonly index: number };

async function prepare(
  platform: Platform,
  { job, signal, log }: WatermarkWork,
  { watermark, index }: Wanted,
): Promise<void> {
  const { storage, tool, limits } = platform;
  const key = watermarkKey(job.uuid, index);
  if (await isStored(platform, key)) return;
  const scratch = await makeScratch(platform.config, `watermark-${job.id}-${job.attempt}-${index}`);
  try {
    const path = join(scratch, 'image');
    // What came inside the request was put into storage, out of the row.
    const source =
      watermark.source.kind === 'inline'
        ? ({ kind: 'managed', key: watermarkSourceKey(job.uuid, index) } as const)
        : watermark.source;
    const size = await saveImage(platform.locations, { source, path, signal });
    log(`watermark of output ${index}: ${size} bytes from ${watermark.source.kind}`);
    const output = join(scratch, 'watermark.png');
    await normalizeWatermark({ tool, limits, path, output, signal });
    await storage.adopt(output, key, { contentType: 'image/png', signal });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Fetching = { readonly source: Location; readonly path: string; readonly signal: AbortSignal };

/** Answers its bytes. @throws PlatformError `source_*`, `source_too_large`, `empty_source` */
async function saveImage(locations: LocationOpener, { source, path, signal }: Fetching): Promise<number> {
  const tooLarge = () => new PlatformError('source_too_large', `The watermark is larger than ${LARGEST} bytes`);
  const { store, key } = await locations.openSource(source);
  try {
    const body = limitBytes(await store.read(key, { signal }), LARGEST, tooLarge);
    await pipeline(body, createWriteStream(path), { signal });
  } finally {
    await store.close();
  }
  const { size } = await stat(path);
  if (size === 0) throw new PlatformError('empty_source', 'The watermark has no bytes');
  return size;
}
