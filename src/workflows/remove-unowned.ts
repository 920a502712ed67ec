// Removes folders of managed storage that no row names: of acts that died half-way, of deletions whose files were not reached. Used by the janitor's chores.
import type { Platform } from '#workflows/platform.ts';

/** What is newer may belong to an act that is under way. */
const UNOWNED_HOURS = 1;
const BATCH = 500;

export type FolderKind = {
  /** Of all of them, with a slash at its end. */
  readonly prefix: string;
  /** Whose a key is; null where it is nobody's of this kind: it is left alone. */
  readonly idOf: (key: string) => string | null;
  readonly folderOf: (id: string) => string;
  /** Those of the ids that rows name. */
  readonly findOwned: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
};

/** A folder counts as new as its newest object. However many there are, no more than a batch of them is kept in mind: a listing has each in one piece. */
export async function removeUnowned(
  { storage }: Pick<Platform, 'storage'>,
  { prefix, idOf, folderOf, findOwned }: FolderKind,
): Promise<void> {
  const before = Date.now() - UNOWNED_HOURS * 3_600_000;
  const judge = async (newest: ReadonlyMap<string, number>) => {
    const old = [...newest].filter(([, time]) => time < before).map(([id]) => id);
    const owned = await findOwned(old);
    for (const id of old) if (!owned.has(id)) await storage.removeAll(folderOf(id));
  };
  let newest = new Map<string, number>();
  for await (const { key, modifiedAt } of storage.list(prefix)) {
    const id = idOf(key);
    if (id === null) continue;
    if (newest.size >= BATCH && !newest.has(id)) {
      await judge(newest);
      newest = new Map();
    }
    newest.set(id, Math.max(newest.get(id) ?? 0, modifiedAt?.getTime() ?? Date.now()));
  }
  await judge(newest);
}
