// Makes one picture: of a still or an animation by the image library, of a film from the frame that FFmpeg takes. Used by direct.ts.

import { PlatformError } from '#domain/error.ts';
import type { DirectPlan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { frameCommand } from '#media/command/file.ts';
import type { StillOutput } from '#media/encode-picture.ts';
import { libraryReads } from '#media/plan-picture-file.ts';
import { type RenderStill, renderStill } from '#media/render-still.ts';
import { markStill } from '#media/watermark.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { directOptions, explainFailure, type Target } from '#workflows/tasks/direct-options.ts';
import { watermarkImage } from '#workflows/tasks/drawings.ts';
import { localCopy } from '#workflows/tasks/join.ts';
import { commandFailure, runCommand } from '#workflows/tasks/run-command.ts';

/** Wall-clock seconds that it took. */
export async function renderPicture(platform: Platform, context: TaskContext, target: Target): Promise<number> {
  const started = performance.now();
  const { direct, container } = target.output;
  if (!direct) throw new PlatformError('internal', 'A picture needs a size');
  const { facts } = context;
  const isOwn =
    facts.isStill || (direct.picture !== undefined && libraryReads(facts) && direct.start <= facts.startTime);
  const from = isOwn ? await localPath(platform, context) : await takeFrame(platform, context, target);
  const format = container as StillOutput;
  const wish = { ...wishOf(platform, context, direct), path: from, output: target.path, format };
  const watermark = direct.decoration?.watermark;
  if (!watermark) {
    // An animated WebP is a still picture to the plan.
    const moves = isOwn && (format === 'gif' || direct.animation !== undefined);
    await renderStill({ ...wish, animated: moves, ...pictureWish(direct, isOwn ? facts : null) });
  } else {
    const plain = `${context.scratch}/plain.png`;
    const marked = `${context.scratch}/marked.png`;
    await renderStill({ ...wish, output: plain, format: 'png' });
    const image = await watermarkImage(platform, context, watermark.image);
    await markStill({ path: plain, image, plan: watermark, output: marked });
    await renderStill({ ...wish, ...pictureWish(direct, null), width: null, height: null, path: marked });
  }
  return (performance.now() - started) / 1000;
}

type Wish = Omit<RenderStill, 'path' | 'output' | 'format'>;

function wishOf({ tool, limits }: Platform, { signal, timeLimit }: TaskContext, direct: DirectPlan): Wish {
  const { width, height, fit } = direct;
  // Exact sizes are planned: to fit inside them is to fill them.
  return { tool, limits, signal, timeLimit, width, height, fit: direct.picture && fit === 'contain' ? 'fill' : fit };
}

/** @param source null where the picture is a frame of a film: nothing of its file is left in it */
function pictureWish({ picture }: DirectPlan, source: SourceFacts | null): Partial<RenderStill> {
  if (!picture) return {};
  const { quality, lossless, background, metadata, animated, maxBytes, compress } = picture;
  const codec = source?.video?.codec;
  return {
    lossless,
    compress,
    keepDepth: true,
    animated: source !== null && animated,
    metadata: source === null ? 'none' : metadata,
    ...(quality === null ? {} : { quality }),
    ...(background === null ? {} : { background }),
    ...(maxBytes === null ? {} : { maxBytes }),
    ...(codec === undefined ? {} : { sourceFormat: codec === 'jpeg' ? 'jpg' : codec }),
  };
}

/** The image library reads files, not ranges. */
async function localPath(platform: Platform, { input, job, scratch }: TaskContext): Promise<string> {
  if (input.kind === 'file') return input.path;
  if (job.sourceKey === null) throw new PlatformError('internal', 'The picture is neither a file nor in storage');
  return localCopy(platform.storage, job.sourceKey, `${scratch}/source`);
}

async function takeFrame(platform: Platform, context: TaskContext, target: Target): Promise<string> {
  const path = `${context.scratch}/frame.png`;
  const run = await runCommand(platform, context, {
    args: frameCommand({ ...(await directOptions(platform, context, target)), path }),
    mayFail: true,
  });
  if (run.exitCode !== 0 || run.signal) throw explainFailure(context, commandFailure(run), 'image');
  return path;
}
