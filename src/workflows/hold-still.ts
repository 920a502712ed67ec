// A still picture that is to become video is made an upright PNG first, which FFmpeg can hold for as long as wanted. Called by run-job.ts.
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CONTAINER_FACTS } from '#domain/codec.ts';
import type { Job, Output } from '#domain/job.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { STILL_FRAME } from '#media/plan-video.ts';
import { normalizeStill } from '#media/still.ts';
import { stillKey } from '#workflows/job-storage.ts';
import { openInput } from '#workflows/open-input.ts';
import type { Platform } from '#workflows/platform.ts';
import { makeScratch } from '#workflows/scratch.ts';

type Still = {
  readonly job: Job;
  readonly outputs: readonly Pick<Output, 'spec'>[];
  /** Of the source as it was fetched. */
  readonly sourceKey: string | null;
  readonly facts: SourceFacts;
  readonly signal: AbortSignal;
};

/** Pictures are made from the original; FFmpeg reads only the PNG. */
const needsVideo = ({ spec }: Pick<Output, 'spec'>): boolean => {
  const { kind } = CONTAINER_FACTS[spec.container];
  return kind === 'adaptive' || kind === 'video';
};

/** Puts the PNG beside the source, under `stillKey`, where an output needs it. @throws PlatformError `corrupt_media`, `media_limit`, … */
export async function holdStill(platform: Platform, { job, outputs, signal, sourceKey, facts }: Still): Promise<void> {
  if (!facts.isStill || !outputs.some(needsVideo)) return;
  const { tool, limits, config, storage } = platform;
  const scratch = await makeScratch(config, `still-${job.id}-${job.attempt}`);
  try {
    const path = await localSource(platform, { job, sourceKey, signal, scratch });
    const output = join(scratch, 'still.png');
    await normalizeStill({ tool, limits, path, output, signal, maxPixels: STILL_FRAME.width * STILL_FRAME.height });
    await storage.adopt(output, stillKey(job.uuid), { contentType: 'image/png', signal });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Local = Pick<Still, 'job' | 'sourceKey' | 'signal'> & { readonly scratch: string };

/** The image library reads files only. */
async function localSource(platform: Platform, { job, sourceKey, signal, scratch }: Local): Promise<string> {
  const { input, close } = await openInput(platform, { ...job, sourceKey }, signal);
  await close();
  if (input.kind === 'file' || sourceKey === null) return input.kind === 'file' ? input.path : '';
  const path = join(scratch, 'source');
  await pipeline(await platform.storage.read(sourceKey, { signal }), createWriteStream(path), { signal });
  return path;
}
