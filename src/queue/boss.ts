// Opens pg-boss on the platform's own pool, quietly, with one pg-boss queue for every lane. Called by queue.ts.
import type { Pool } from 'pg';
import { type Db, PgBoss, type QueueOptions, type QueueResult } from 'pg-boss';
import { LANES } from '#queue/lane.ts';

export type BossSettings = {
  /** Seconds a worker may be silent before its entry goes to another; at least 10. */
  readonly leaseSeconds: number;
  /** Deliveries of an entry whose workers die, before it is dead. */
  readonly maxAttempts: number;
  /** Whether this process looks for silent workers and removes old entries: processes that work do. */
  readonly supervise: boolean;
  readonly onError: (error: unknown) => void;
};

export const BOSS_SCHEMA = 'pgboss';
/** Looking for silent workers so often finds one within lease + 5 + poll: 21 s by default. */
const MONITOR_SECONDS = 5;
const DAY = 86_400;

export async function openBoss(pool: Pool, settings: BossSettings): Promise<PgBoss> {
  const boss = new PgBoss({
    db: poolDatabase(pool),
    schema: BOSS_SCHEMA,
    supervise: settings.supervise,
    schedule: false,
    superviseIntervalSeconds: MONITOR_SECONDS,
    monitorIntervalSeconds: MONITOR_SECONDS,
    maintenanceIntervalSeconds: 600,
    flowIntervalSeconds: 3600,
    bamIntervalSeconds: 3600,
    queueCacheIntervalSeconds: 3600,
    monitorVacuum: false,
  });
  boss.on('error', settings.onError);
  await inTurn(pool, async () => {
    await boss.start();
    await openLanes(boss, settings);
  });
  return boss;
}

/** Two processes whose database is new would make the same tables: the library's own lock comes too late for that of the schema. */
async function inTurn(pool: Pool, act: () => Promise<void>): Promise<void> {
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query('select pg_advisory_lock(hashtext($1))', [BOSS_SCHEMA]);
    await act();
    await client.query('select pg_advisory_unlock(hashtext($1))', [BOSS_SCHEMA]);
    failed = false;
  } finally {
    // A connection that may still hold the lock is dropped, and the lock with it.
    client.release(failed);
  }
}

/** Parameters choose the protocol: without any, several statements in one text are allowed, which its migrations need. */
function poolDatabase(pool: Pool): Db {
  return {
    executeSql: async (text, values) => {
      const result = await (values === undefined || values.length === 0 ? pool.query(text) : pool.query(text, values));
      return Array.isArray(result) ? (result.at(-1) ?? { rows: [] }) : result;
    },
  };
}

/** Creates what is missing and changes what differs: a second start writes nothing. */
async function openLanes(boss: PgBoss, { leaseSeconds, maxAttempts }: BossSettings): Promise<void> {
  const wanted: QueueOptions = {
    heartbeatSeconds: leaseSeconds,
    retryLimit: maxAttempts - 1,
    retryDelay: 1,
    retryBackoff: true,
    retryDelayMax: 60,
    // The lease ends what hangs; this only bounds what beats for ever. One day is the most there is.
    expireInSeconds: DAY,
    // A paused or crowded job may wait long. What is done needs no memory here.
    retentionSeconds: 365 * DAY,
    deleteAfterSeconds: 600,
  };
  const known = new Map((await boss.getQueues()).map((queue) => [queue.name, queue]));
  for (const lane of ['dead', ...LANES.filter((name) => name !== 'dead')]) {
    const queue = known.get(lane);
    if (queue && !differs(queue, wanted)) continue;
    if (queue) await boss.updateQueue(lane, wanted);
    else await boss.createQueue(lane, { ...wanted, ...(lane === 'dead' ? {} : { deadLetter: 'dead' }) });
    // The library looks up what it has not seen yet when it inserts, on a connection besides the caller's transaction: as many
    // transactions at once as there are connections would wait for each other for ever. Inserting nothing lets it see the lane now.
    await boss.insert(lane, []);
  }
}

function differs(queue: QueueResult, wanted: QueueOptions): boolean {
  return Object.entries(wanted).some(([key, value]) => queue[key as keyof QueueOptions] !== value);
}
