// Fetches the watermarks of a job and puts them beside its source, so that every worker has them. Called by run-job.ts before the plan.
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PlatformError } from '#domain/error.ts';
import type { Job, Output } from '#domain/job.ts';
import type { WatermarkSpec } from '#domain/output.ts';
import { imageOf } from '#media/plan-decoration.ts';
import { normalizeWatermark } from '#media/watermark.ts';
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
export async function prepareWatermarks(platform: Platform, work: WatermarkWork): Promise<Map<number, PlatformError>> {
  const refusals = new Map<number, PlatformError>();
  const specs = work.outputs.map(({ spec }) => spec);
  for (const [i, { watermark }] of specs.entries()) {
    const image = watermark ? imageOf(specs, i) : i;
    if (!watermark) continue;
    const known = refusals.get(image);
    if (known) refusals.set(i, known);
    if (image !== i) continue;
    try {
      await prepare(platform, work, { watermark, index: i });
    } catch (error) {
      work.signal.throwIfAborted();
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
    await fetchImage(platform, { source: watermark.source, uuid: job.uuid, index, path, signal });
    const { size } = await stat(path);
    if (size === 0) throw new PlatformError('empty_source', 'The watermark has no bytes');
    log(`watermark of output ${index}: ${size} bytes from ${watermark.source.kind}`);
    const output = join(scratch, 'watermark.png');
    await normalizeWatermark({ tool, limits, path, output, signal });
    await storage.adopt(output, key, { contentType: 'image/png', signal });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Fetching = {
  readonly source: WatermarkSpec['source'];
  readonly uuid: string;
  readonly index: number;
  readonly path: string;
  readonly signal: AbortSignal;
};

async function fetchImage(platform: Platform, { source, uuid, index, path, signal }: Fetching): Promise<void> {
  const tooLarge = () => new PlatformError('source_too_large', `The watermark is larger than ${LARGEST} bytes`);
  const save = (body: Readable) => pipeline(limitBytes(body, LARGEST, tooLarge), createWriteStream(path), { signal });
  if (source.kind === 'inline') return save(await platform.storage.read(watermarkSourceKey(uuid, index), { signal }));
  const { store, key } = await platform.locations.openSource(source);
  try {
    await save(await store.read(key, { signal }));
  } finally {
    await store.close();
  }
}
