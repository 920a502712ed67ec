// Is everything there that work needs: database, queue, storage, FFmpeg? Called by /health, /metrics, `rendition doctor`, and at the start of servers and workers; of storage by is-storage-away.ts.
import { access, constants } from 'node:fs/promises';
import { sql } from 'kysely';
import type { Platform } from '#workflows/platform.ts';

export const HEALTH_CHECKS = ['database', 'queue', 'storage', 'ffmpeg'] as const;
export type HealthCheck = (typeof HEALTH_CHECKS)[number];
/** null is well; otherwise what is wrong, for operators: it may name hosts and paths. */
export type Health = Readonly<Record<HealthCheck, string | null>>;

/** Seconds after which silence is a failure. */
const PATIENCE = 3;

export async function checkHealth(platform: Platform): Promise<Health> {
  const [database, queue, storage, ffmpeg] = await Promise.all([
    judge(() => sql`select 1`.execute(platform.database.db)),
    judge(() => platform.queue.counts()),
    storageProblem(platform),
    judge(() => access(platform.tool.ffmpeg, constants.X_OK)),
  ]);
  return { database, queue, storage, ffmpeg };
}

/** What is wrong with managed storage now; null where it answers. */
export const storageProblem = ({ storage }: Pick<Platform, 'storage'>): Promise<string | null> =>
  judge(() => storage.check(AbortSignal.timeout(PATIENCE * 1000)));

/** At the start of a process: a bucket may come later, so that this is said and ends nothing. */
export async function warnOfStorage(platform: Pick<Platform, 'storage' | 'log'>): Promise<void> {
  const wrong = await storageProblem(platform);
  if (wrong !== null) platform.log.warn(`the managed storage (STORAGE_URL) cannot be used now: ${wrong}`);
}

async function judge(check: () => Promise<unknown>): Promise<string | null> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE} seconds`)), PATIENCE * 1000);
  try {
    await Promise.race([check(), late]);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}
