// Removes from a destination the segments of an output that failed or was canceled before it was whole. Called by the housekeeping lane.
import type { Kysely } from 'kysely';
import { holdLock } from '#database/hold-lock.ts';
import { findJob, type JobRef } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import type { Schema } from '#database/schema.ts';
import { listTasks } from '#database/tasks.ts';
import { cancelUploads, findBegunUpload } from '#database/upload-tasks.ts';
import type { Job, Output } from '#domain/job.ts';
import type { Location } from '#domain/location.ts';
import type { Plan } from '#domain/plan.ts';
import type { Task } from '#domain/task.ts';
import { packageOutput } from '#media/package.ts';
import { joinKey } from '#storage/key.ts';
import { madeBy } from '#workflows/open-uploads.ts';
import type { Platform } from '#workflows/platform.ts';
import { entryItem, entryName, initItems, listItems, madeItems } from '#workflows/tasks/delivery-items.ts';
import { isThere } from '#workflows/tasks/is-there.ts';

/** Seconds: workers that were told to stop end their transfers first. */
const PAUSE = 5;
const AT_ONCE = 8;

/** Asks for it where there may be something to remove, in the transaction that ends the job. */
export async function sendRemoval(platform: Platform, db: Kysely<Schema>, ref: JobRef): Promise<void> {
  if (!(await findBegunUpload(db, ref))) return;
  const { projectId, jobId } = ref;
  await platform.queue.send(
    'housekeeping',
    { chore: 'remove-delivered', projectId, jobId },
    { transaction: db, startAfter: PAUSE },
  );
}

/** Held while something is removed: a retry begins when nothing will be any more, and sends everything again. */
export const removalLock = ({ jobId }: JobRef): string => `removal ${jobId}`;

export async function removeDelivered(platform: Platform, ref: JobRef): Promise<void> {
  await holdLock(platform.database.db, removalLock(ref), async (db) => {
    const job = await findJob(db, ref, platform.sealer);
    if (job?.status !== 'failed' && job?.status !== 'canceled') return;
    for (const part of await findPartDeliveries(platform, db, ref)) {
      await removePart(platform, part);
      await cancelUploads(db, { ...ref, output: part.output });
    }
  });
}

/** An output that lies at its destination in part. */
export type PartDelivery = {
  readonly output: number;
  readonly destination: Location;
  /** Of the playlist that players open, where ours may be there already; else one that is there is an earlier output's. */
  readonly entry: string;
  readonly isGrowing: boolean;
  /** Below the destination; playlists first. */
  readonly names: readonly string[];
};

export async function findPartDeliveries(platform: Platform, db: Kysely<Schema>, ref: JobRef): Promise<PartDelivery[]> {
  // Where its credentials are closed nothing can be removed there, and the job goes all the same.
  const job = await findJob(db, ref, platform.showing);
  if (!job?.plan) return [];
  const outputs = await listOutputs(db, ref, platform.showing);
  const tasks = await listTasks(db, ref);
  return outputs.flatMap((output) => partOf(job, output, tasks) ?? []);
}

function partOf(
  { plan }: Pick<Job, 'plan'>,
  { index, spec, status }: Output,
  tasks: readonly Task[],
): PartDelivery | null {
  const output = plan?.outputs[index];
  const uploads = tasks.filter(({ kind, subject, attempt }) => kind === 'upload' && subject === index && attempt > 0);
  if (!plan || !output || !spec.destination || status === 'uploaded' || uploads.length === 0) return null;
  const isGrowing = spec.growing ?? false;
  const done = tasks.filter((task) => task.status === 'done');
  const made = uploads.flatMap((upload) => madeBy(plan, done, upload) ?? []);
  const segments = made.flatMap((task) => madeItems(plan, output, { made: task, done })).map(({ name }) => name);
  const sound = output.soundInside ? done.filter(({ kind }) => kind === 'audio') : [];
  const lists = isGrowing ? playlistNames(plan, index, [...made, ...sound]) : [];
  return {
    output: index,
    destination: spec.destination,
    entry: entryName(output),
    isGrowing,
    names: [...lists, ...segments],
  };
}

/** What a growing output shows: the master goes first. */
function playlistNames(plan: Plan, index: number, made: readonly Task[]): string[] {
  const output = plan.outputs[index];
  const timeline = output && plan.timelines[output.timeline];
  if (!output || !timeline) return [];
  const whole = packageOutput(plan, output, made);
  const entry = entryItem(output, whole, timeline);
  const inits = [...whole.video, ...whole.audio].flatMap(initItems);
  return [...(entry ? [entry] : []), ...listItems(output, whole), ...inits].map(({ name }) => name);
}

/** @throws PlatformError `destination_*` */
export async function removePart(
  platform: Platform,
  { destination, entry, isGrowing, names }: PartDelivery,
): Promise<void> {
  const { store, key } = await platform.locations.openDestination(destination);
  try {
    if (!store.abilities.remove) return;
    const folder = key.replace(/\/+$/, '');
    // An earlier output that plays there was left alone by the uploads, and is by this.
    if (!isGrowing && (await isThere(store, joinKey(folder, entry)))) return;
    const keys = names.map((name) => joinKey(folder, name));
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, lane) => {
        for (let i = lane; i < keys.length; i += AT_ONCE) await store.remove(keys[i] ?? '');
      }),
    );
  } finally {
    await store.close();
  }
}
