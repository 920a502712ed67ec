// Sends the segments of one finished task to an adaptive output's destination, while the rest is still being made.
import { holdLock } from '#database/hold-lock.ts';
import { listTasks } from '#database/tasks.ts';
import { PlatformError } from '#domain/error.ts';
import type { OutputPlan } from '#domain/plan.ts';
import { EMPTY_RESULT, type Task, type TaskResult } from '#domain/task.ts';
import { packageOutput } from '#media/package.ts';
import { joinKey } from '#storage/key.ts';
import type { Store } from '#storage/store.ts';
import { madeBy } from '#workflows/open-uploads.ts';
import type { Platform } from '#workflows/platform.ts';
import type { TaskContext } from '#workflows/task-context.ts';
import { entryItem, entryName, type Item, initItems, listItems, madeItems } from '#workflows/tasks/delivery-items.ts';
import { isThere } from '#workflows/tasks/is-there.ts';
import { sendAll } from '#workflows/tasks/send-items.ts';

export async function uploadSegments(platform: Platform, context: TaskContext): Promise<TaskResult> {
  const { plan, task, done, outputs, signal } = context;
  const output = plan.outputs[task.subject];
  const spec = outputs.find(({ index }) => index === task.subject)?.spec;
  const made = madeBy(plan, done, task);
  if (!output || !spec?.destination)
    throw new PlatformError('internal', `Upload ${task.id} has no output, or no place to send it to`);
  // It is being made again, by software: its new result opens this upload again.
  if (!made) return EMPTY_RESULT;
  const started = performance.now();
  const { store, key } = await platform.locations.openDestination(spec.destination);
  try {
    const folder = key.replace(/\/+$/, '');
    const name = (item: Item): string => joinKey(folder, item.name);
    const growing = spec.growing ?? false;
    // Somebody may be watching what is there: it is replaced at the end, not piece by piece.
    if (!growing && (await isThere(store, joinKey(folder, entryName(output)), signal))) return EMPTY_RESULT;
    const items = madeItems(plan, output, { made, done });
    const sent = await sendAll(platform, context, { store, items, name });
    if (growing) await growPlaylists(platform, context, { store, output, made, name });
    const files = items.map((item) => ({
      name: item.name,
      key: item.key,
      size: sent.get(name(item)) ?? 0,
      mediaType: item.options.contentType ?? 'application/octet-stream',
    }));
    return { ...EMPTY_RESULT, files, seconds: (performance.now() - started) / 1000 };
  } finally {
    await store.close();
  }
}

type Growing = {
  readonly store: Store;
  readonly output: OutputPlan;
  readonly made: Task;
  readonly name: (item: Item) => string;
};

/** Playlists of all that was sent so far. One upload of an output at a time: a playlist may grow, but never shrink. */
async function growPlaylists(platform: Platform, context: TaskContext, growing: Growing): Promise<void> {
  const { job, plan } = context;
  const { store, output, made, name } = growing;
  const timeline = plan.timelines[output.timeline];
  if (!timeline || output.container === 'dash') return;
  await holdLock(platform.database.db, `delivery ${job.id} ${output.index}`, async (db) => {
    const done = await listTasks(db, { projectId: job.projectId, jobId: job.id, status: 'done' });
    const uploads = done.filter(({ kind, subject }) => kind === 'upload' && subject === output.index);
    const sound = output.soundInside ? done.filter(({ kind }) => kind === 'audio') : [];
    const sent = [made, ...sound, ...uploads.flatMap((upload) => madeBy(plan, done, upload) ?? [])];
    const whole = packageOutput(plan, output, [...new Map(sent.map((task) => [task.id, task])).values()]);
    const entry = entryItem(output, whole, timeline);
    if (!entry) return;
    const inits = [...whole.video, ...whole.audio].flatMap(initItems);
    for (const items of [inits, listItems(output, whole), [entry]])
      await sendAll(platform, context, { store, items, name });
  });
}
