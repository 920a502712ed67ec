// Takes subtitles that are to be burnt in out of the source and puts them beside it, so that every worker has them. Called by run-job.ts after the plan.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PlatformError } from '#domain/error.ts';
import type { Job } from '#domain/job.ts';
import type { Decoration, Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { burnScript } from '#media/burn-script.ts';
import { bitmapExtraction, bitmapTimes, textExtraction } from '#media/command/burn.ts';
import { runMedia } from '#media/ffmpeg.ts';
import { readSlides, type Slides } from '#media/slides.ts';
import { pictureSize } from '#media/watermark.ts';
import { inputArguments } from '#media/whitelist.ts';
import { isStored } from '#workflows/is-stored.ts';
import { burnScriptKey, burnSlidesKey } from '#workflows/job-storage.ts';
import { openInput } from '#workflows/open-input.ts';
import type { Platform } from '#workflows/platform.ts';
import { runMark } from '#workflows/run-mark.ts';
import { makeScratch } from '#workflows/scratch.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { runCommand } from '#workflows/tasks/run-command.ts';
import { timeLimit } from '#workflows/time-limit.ts';

export type BurnWork = {
  readonly job: Job;
  readonly sourceKey: string | null;
  readonly facts: SourceFacts;
  readonly plan: Plan;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
};

/** @throws PlatformError `corrupt_media` where nothing can be read of a track, `ffmpeg_missing` without libass */
export async function prepareBurns(platform: Platform, work: BurnWork): Promise<void> {
  const wanted = burntTracks(work.plan);
  if (wanted.length === 0) return;
  const scratch = await makeScratch(platform.config, `burn-${work.job.id}-${work.job.attempt}`);
  const source = await openInput(platform, { ...work.job, sourceKey: work.sourceKey }, work.signal);
  const context = {
    ...work,
    scratch,
    input: source.input,
    timeLimit: timeLimit(platform.config, work.facts),
  };
  try {
    for (const { streamIndex, kind } of wanted) {
      if (kind === 'text') await prepareText(platform, context, streamIndex);
      else await prepareBitmaps(platform, context, streamIndex);
    }
    source.check();
  } catch (error) {
    // What storage failed with explains what FFmpeg said better than FFmpeg does.
    if (!work.signal.aborted) source.check();
    throw error;
  } finally {
    await source.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

type Burn = NonNullable<Decoration['burn']>;

function burntTracks({ video, outputs }: Plan): Burn[] {
  const decorations = [
    ...video.map((one) => one.decoration),
    ...outputs.map(({ direct }) => direct?.decoration ?? null),
  ];
  const byStream = new Map(
    decorations.flatMap((one) => (one?.burn ? [[one.burn.streamIndex, one.burn] as const] : [])),
  );
  return [...byStream.values()];
}

type BurnContext = BurnWork & Pick<TaskContext, 'scratch' | 'input' | 'timeLimit'>;

async function prepareText(platform: Platform, context: BurnContext, streamIndex: number): Promise<void> {
  const { job, facts, scratch, signal } = context;
  const { video, subtitles } = facts;
  if (!platform.tool.filters.has('subtitles'))
    throw new PlatformError('ffmpeg_missing', 'Subtitles cannot be burnt in: this FFmpeg was built without libass');
  const key = burnScriptKey(job.uuid, streamIndex);
  if (!video || (await isStored(platform, key))) return;
  const path = join(scratch, `extracted-${streamIndex}.ass`);
  await runCommand(platform, context, {
    args: textExtraction({
      inputArguments: inputArguments(context.input, facts.container),
      streamIndex,
      zero: facts.startTime,
      path,
    }),
  });
  const { codec } = subtitles.find((track) => track.streamIndex === streamIndex) ?? { codec: '' };
  const kind = codec === 'ass' || codec === 'ssa' ? 'styled' : 'plain';
  const data = Buffer.from(burnScript(await readFile(path, 'utf8'), { kind, video }));
  await platform.storage.write(key, data, { contentType: 'text/x-ssa', size: data.length, signal });
}

async function prepareBitmaps(platform: Platform, context: BurnContext, streamIndex: number): Promise<void> {
  const { job, facts, scratch, signal } = context;
  const key = burnSlidesKey(job.uuid, streamIndex);
  if (await isStored(platform, key)) return;
  const folder = join(scratch, `burn-${streamIndex}`);
  await mkdir(folder);
  const extraction = { inputArguments: inputArguments(context.input, facts.container), streamIndex };
  await runCommand(platform, context, { args: bitmapExtraction({ ...extraction, folder }) });
  const files = await readdir(folder);
  const slides = readSlides(files, await readTimes(platform, context, bitmapTimes(extraction)));
  const [first] = slides.flatMap(({ picture }) => picture ?? []);
  if (first === undefined)
    throw new PlatformError('corrupt_media', 'Nothing of the subtitles that are to be burnt in could be read');
  const canvas = await pictureSize(join(folder, first));
  for (const name of files) {
    const options = { contentType: 'image/png', signal };
    await platform.storage.adopt(join(folder, name), burnSlidesKey(job.uuid, streamIndex, name), options);
  }
  // Last: where the list is, the pictures are.
  const list: Slides = { canvas, slides };
  await writeFile(join(scratch, 'slides.json'), JSON.stringify(list));
  await platform.storage.adopt(join(scratch, 'slides.json'), key, { contentType: 'application/json', signal });
}

async function readTimes({ tool, limits }: Platform, context: BurnContext, args: readonly string[]): Promise<string[]> {
  let printed = '';
  await runMedia({
    program: tool.ffprobe,
    args,
    limits: limits.child,
    timeLimit: context.timeLimit,
    signal: context.signal,
    runId: runMark(),
    onStdout: async (stdout) => {
      printed = await text(stdout);
    },
  });
  return printed.split('\n').filter((line) => line !== '');
}
