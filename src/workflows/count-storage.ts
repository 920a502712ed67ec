// Counts what lies in managed storage by what it belongs to. Called by the hourly sweep, when it has removed what it had to, and for whoever looks at old figures.
import { listJobApis, type StorageUsage, saveStorageUsage } from '#database/storage-usage.ts';
import { findVideoIds } from '#database/videos.ts';
import { STORAGE_KINDS, type StorageKind, SWEEP_SECONDS } from '#domain/retention.ts';
import { uploadIdOf } from '#domain/video.ts';
import { jobUuidOf } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';

const BATCH = 500;
/** Seconds that a count holds at least: a bucket is asked page by page, and each costs. */
const FRESH = { disk: 30, s3: 900 } as const;
/** Objects for each further second: a folder is counted at 20 µs an object, which is to be a hundredth of the time at the most. */
const OBJECTS_A_SECOND = 500;
type Amount = { readonly objects: number; readonly bytes: number };
const NOTHING: Amount = { objects: 0, bytes: 0 };
const plus = (a: Amount, b: Amount): Amount => ({ objects: a.objects + b.objects, bytes: a.bytes + b.bytes });

/** Whose an object is, as far as its key says it: of a job, of an upload or video, or of a kind as a whole. */
function ownerOf(key: string): string {
  const job = jobUuidOf(key);
  if (job !== null) return `job ${job}`;
  const upload = uploadIdOf(key);
  if (upload !== null) return `upload ${upload}`;
  return /^(operations|live)\//.exec(key)?.[1] ?? 'other';
}

/** Seconds after which so many objects are worth another count; each sweep counts them in any case. */
export const countHolds = (kind: keyof typeof FRESH, objects: number): number =>
  Math.min(SWEEP_SECONDS, Math.max(FRESH[kind], Math.round(objects / OBJECTS_A_SECOND)));

export type LastCount = { readonly countedAt: Date | null; readonly kinds: readonly StorageUsage[] };

/** Has a worker count anew where the last count is not fresh. */
export async function orderCount({ queue, storage }: Platform, { countedAt, kinds }: LastCount): Promise<void> {
  const objects = kinds.reduce((sum, kind) => sum + kind.objects, 0);
  const seconds = countHolds(storage.kind === 's3' ? 's3' : 'disk', objects);
  if (countedAt !== null && Date.now() - countedAt.getTime() < seconds * 1000) return;
  await queue.sendOnceEvery('housekeeping', { chore: 'count-storage' }, seconds);
}

export async function countStorage({ database: { db }, storage }: Platform): Promise<void> {
  const amounts = new Map<string, Amount>();
  for await (const { key, size } of storage.list('')) {
    const owner = ownerOf(key);
    amounts.set(owner, plus(amounts.get(owner) ?? NOTHING, { objects: 1, bytes: size ?? 0 }));
  }
  const totals = new Map<StorageKind, Amount>();
  const add = (kind: StorageKind, owner: string) =>
    totals.set(kind, plus(totals.get(kind) ?? NOTHING, amounts.get(owner) ?? NOTHING));
  const idsOf = (what: string) =>
    [...amounts.keys()].filter((owner) => owner.startsWith(`${what} `)).map((owner) => owner.slice(what.length + 1));
  for (const kind of ['operations', 'live', 'other'] as const) if (amounts.has(kind)) add(kind, kind);
  for (const some of batches(idsOf('job'))) {
    const apis = await listJobApis(db, some);
    for (const uuid of some) {
      const api = apis.get(uuid) ?? 'other';
      add(api === 'cli' ? 'jobs' : api, `job ${uuid}`);
    }
  }
  for (const some of batches(idsOf('upload'))) {
    const videos = await findVideoIds(db, some);
    for (const id of some) add(videos.has(id) ? 'videos' : 'uploads', `upload ${id}`);
  }
  await saveStorageUsage(
    db,
    STORAGE_KINDS.map((kind): StorageUsage => ({ kind, ...(totals.get(kind) ?? NOTHING) })),
  );
}

function* batches(ids: readonly string[]): Generator<readonly string[]> {
  for (let i = 0; i < ids.length; i += BATCH) yield ids.slice(i, i + BATCH);
}
