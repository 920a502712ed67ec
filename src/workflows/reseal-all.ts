// Seals everything at rest under the newest SECRET_KEY, beside running servers. Called by `rendition reseal`.
import { setTimeout as sleep } from 'node:timers/promises';
import { countSealedRows, resealRows, resealThese, SEALED_TABLES } from '#database/reseal.ts';
import type { Platform } from '#workflows/platform.ts';

export type ResealProgress = {
  readonly table: string;
  /** Rows that hold something sealed, and those looked at so far. */
  readonly total: number;
  readonly seen: number;
  readonly resealed: number;
  /** None of the keys opens them. */
  readonly closed: number;
  /** Somebody was writing them, for as long as we looked again. */
  readonly held: number;
};

export type ResealOptions = {
  /** Counts only. */
  readonly isCheck: boolean;
  /** After every few hundred rows, and at each table's end. */
  readonly onProgress: (progress: ResealProgress) => void;
};

const LOOKS = 20;
const PAUSE_MS = 500;

/** Ended at any moment, the next call goes on: what is under the newest key is only looked at. */
export async function resealAll(
  { database, sealer }: Pick<Platform, 'database' | 'sealer'>,
  { isCheck, onProgress }: ResealOptions,
): Promise<readonly ResealProgress[]> {
  const { db } = database;
  const done: ResealProgress[] = [];
  for (const table of SEALED_TABLES) {
    const total = await countSealedRows(db, table);
    let told = { table: table.table, total, seen: 0, resealed: 0, closed: 0, held: 0 };
    let held: string[] = [];
    let after: string | null = null;
    do {
      const rows = await resealRows(db, table, { sealer, after, isCheck });
      after = rows.after;
      held.push(...rows.held);
      const sum = { resealed: told.resealed + rows.resealed, closed: told.closed + rows.closed };
      told = { ...told, ...sum, seen: told.seen + rows.seen, held: held.length };
      onProgress(told);
    } while (after !== null);
    for (let look = 0; held.length > 0 && look < LOOKS; look++) {
      await sleep(PAUSE_MS);
      const rows = await resealThese(db, table, { sealer, keys: held });
      held = [...rows.held];
      told = { ...told, resealed: told.resealed + rows.resealed, closed: told.closed + rows.closed, held: held.length };
      onProgress(told);
    }
    done.push(told);
  }
  return done;
}
