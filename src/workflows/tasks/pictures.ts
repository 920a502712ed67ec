// Makes an output's poster, storyboard and thumbnails of the pictures that the chunks took.
import { writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { OutputPlan, PictureTrack, Timeline } from '#domain/plan.ts';
import type { StoredFile } from '#domain/task.ts';
import { storyboardVtt } from '#media/playlist/storyboard.ts';
import { composeSheet, toWebp } from '#media/sheet.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';

const MEDIA_TYPES = { jpg: 'image/jpeg', png: 'image/png', webp: 'image/webp' } as const;

type Taken = { readonly frame: number; readonly key: string };

export async function finishPictures(
  platform: Platform,
  context: TaskContext,
  output: OutputPlan,
): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for (const id of output.pictures) {
    const track = context.plan.pictures.find((one) => one.id === id);
    const timeline = track && context.plan.timelines[track.timeline];
    const taken = context.done.flatMap((task) => task.result?.pictures ?? []).filter((picture) => picture.track === id);
    taken.sort((a, b) => a.frame - b.frame);
    if (track && timeline && taken.length > 0)
      files.push(...(await finishTrack(platform, context, { track, timeline, taken })));
  }
  return files;
}

async function finishTrack(
  platform: Platform,
  context: TaskContext,
  { track, timeline, taken }: { track: PictureTrack; timeline: Timeline; taken: readonly Taken[] },
): Promise<StoredFile[]> {
  const pictures = await Promise.all(
    taken.map(async ({ key }) => buffer(await platform.storage.read(key, { signal: context.signal }))),
  );
  const [first] = pictures;
  if (track.kind === 'poster' && first)
    return [await store(platform, context, { name: 'poster.jpg', data: first, mediaType: MEDIA_TYPES.jpg })];
  if (track.kind === 'storyboard' || track.spec.sprite)
    return sheet(platform, context, { track, timeline, pictures, frames: taken.map(({ frame }) => frame) });
  return Promise.all(pictures.map((picture, i) => thumbnail(platform, context, { track, picture, number: i + 1 })));
}

type SheetWish = {
  readonly track: PictureTrack;
  readonly timeline: Timeline;
  readonly pictures: readonly Buffer[];
  readonly frames: readonly number[];
};

async function sheet(
  platform: Platform,
  context: TaskContext,
  { track, timeline, pictures, frames }: SheetWish,
): Promise<StoredFile[]> {
  const { format } = track.spec;
  const base = track.kind === 'storyboard' ? 'storyboard' : 'thumbnails';
  const name = `${base}.${format}`;
  const path = `${context.scratch}/${track.id}-${name}`;
  await composeSheet(track, pictures, path);
  const key = `${context.prefix}/${name}`;
  const size = await platform.storage.adopt(path, key, { contentType: MEDIA_TYPES[format], signal: context.signal });
  const text = Buffer.from(storyboardVtt({ track, timeline, frames, sheetName: name }));
  return [
    { name, key, size, mediaType: MEDIA_TYPES[format] },
    await store(platform, context, { name: `${base}.vtt`, data: text, mediaType: 'text/vtt' }),
  ];
}

async function thumbnail(
  platform: Platform,
  context: TaskContext,
  { track, picture, number }: { track: PictureTrack; picture: Buffer; number: number },
): Promise<StoredFile> {
  const { format } = track.spec;
  const name = `thumbnails/${String(number).padStart(4, '0')}.${format}`;
  const path = `${context.scratch}/${track.id}-${number}.${format}`;
  if (format === 'webp') await toWebp(picture, path);
  else await writeFile(path, picture);
  const key = `${context.prefix}/${name}`;
  const size = await platform.storage.adopt(path, key, { contentType: MEDIA_TYPES[format], signal: context.signal });
  return { name, key, size, mediaType: MEDIA_TYPES[format] };
}

async function store(
  platform: Platform,
  context: TaskContext,
  { name, data, mediaType }: { name: string; data: Buffer; mediaType: string },
): Promise<StoredFile> {
  const key = `${context.prefix}/${name}`;
  const size = await platform.storage.write(key, data, {
    contentType: mediaType,
    size: data.length,
    signal: context.signal,
  });
  return { name, key, size, mediaType };
}
