// Puts what is drawn into renditions where FFmpeg finds it: a script, slides, watermarks of the right size, in the attempt's own folder. Used by the executors.
import { mkdir, writeFile } from 'node:fs/promises';
import { buffer, json } from 'node:stream/consumers';
import type { Decoration, Timeline, VideoRendition } from '#domain/plan.ts';
import { slidesInput } from '#media/command/burn.ts';
import type { Drawing, Overlay } from '#media/command/decoration.ts';
import { toNumber } from '#media/grid.ts';
import { canvasBox, type Slides, slideList, slidesBetween } from '#media/slides.ts';
import { fitWatermark, writeBlank } from '#media/watermark.ts';
import { ownInputArguments } from '#media/whitelist.ts';
import { burnScriptKey, burnSlidesKey, watermarkKey } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { localCopy } from '#workflows/tasks/join.ts';

type Decorated = Pick<VideoRendition, 'id' | 'width' | 'height' | 'fit' | 'decoration'>;

export type DrawingWish = {
  readonly renditions: readonly Decorated[];
  readonly timeline: Timeline;
  /** Frames of the timeline: startFrame ≤ n < endFrame. */
  readonly startFrame: number;
  readonly endFrame: number;
};

type Context = Pick<TaskContext, 'job' | 'facts' | 'scratch' | 'signal'>;

/** By rendition; those that carry nothing are left out. */
export async function prepareDrawings(
  platform: Platform,
  context: Context,
  wish: DrawingWish,
): Promise<Map<string, Drawing>> {
  const drawings = new Map<string, Drawing>();
  for (const rendition of wish.renditions) {
    const { id, decoration } = rendition;
    if (!decoration) continue;
    const { burn } = decoration;
    const text = burn?.kind === 'text' ? await placeScript(platform, context, burn.streamIndex) : null;
    const slides = burn?.kind === 'bitmap' ? [await placeSlides(platform, context, { wish, rendition, burn })] : [];
    const mark = decoration.watermark
      ? [await placeWatermark(platform, context, { rendition, watermark: decoration.watermark })]
      : [];
    drawings.set(id, { text, overlays: [...slides, ...mark] });
  }
  return drawings;
}

/** The filter reads it by its name alone: a path might hold what filters take for their own. */
async function placeScript(
  platform: Platform,
  { job, facts, scratch, signal }: Context,
  streamIndex: number,
): Promise<NonNullable<Drawing['text']>> {
  const name = `burn-${streamIndex}.ass`;
  const script = await buffer(await platform.storage.read(burnScriptKey(job.uuid, streamIndex), { signal }));
  await writeFile(`${scratch}/${name}`, script);
  return { file: name, zero: facts.startTime };
}

type SlidesWish = {
  readonly wish: DrawingWish;
  readonly rendition: Decorated;
  readonly burn: NonNullable<Decoration['burn']>;
};

async function placeSlides(
  platform: Platform,
  context: Context,
  { wish, rendition, burn }: SlidesWish,
): Promise<Overlay> {
  const { job, facts, scratch, signal } = context;
  const { timeline } = wish;
  const key = (name?: string) => burnSlidesKey(job.uuid, burn.streamIndex, name);
  const { canvas, slides } = (await json(await platform.storage.read(key(), { signal }))) as Slides;
  const time = (frame: number) => timeline.sourceStart - timeline.videoShift + frame / toNumber(timeline.fps);
  const shown = slidesBetween(slides, time(wish.startFrame), time(wish.endFrame));
  const folder = `${scratch}/slides-${burn.streamIndex}`;
  await mkdir(folder, { recursive: true });
  await writeBlank(canvas, `${folder}/blank.png`);
  for (const name of new Set(shown.flatMap(({ picture }) => picture ?? []))) {
    await writeFile(`${folder}/${name}`, await buffer(await platform.storage.read(key(name), { signal })));
  }
  await writeFile(`${folder}/list`, slideList(shown, 'blank.png'));
  const { width, height, x, y } = facts.video ? canvasBox(rendition, canvas, facts.video) : { ...canvas, x: 0, y: 0 };
  return { inputArguments: slidesInput(`${folder}/list`), x, y, size: { width, height } };
}

type MarkWish = { readonly rendition: Decorated; readonly watermark: NonNullable<Decoration['watermark']> };

async function placeWatermark(
  platform: Platform,
  { job, scratch }: Context,
  { rendition, watermark }: MarkWish,
): Promise<Overlay> {
  const image = await watermarkImage(platform, { job, scratch }, watermark.image);
  const output = `${scratch}/${rendition.id}-mark.png`;
  const { x, y } = await fitWatermark({ image, picture: rendition, plan: watermark, output });
  return { inputArguments: ownInputArguments(output, 'png_pipe'), x, y, size: null };
}

/** A path of an output's watermark as it was normalised. */
export const watermarkImage = (
  platform: Platform,
  { job, scratch }: Pick<Context, 'job' | 'scratch'>,
  output: number,
): Promise<string> => localCopy(platform.storage, watermarkKey(job.uuid, output), `${scratch}/watermark-${output}.png`);
