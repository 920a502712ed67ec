// The queue: send in the caller's own transaction, work with a lease, give back, count. Opened by platform.ts; used by the workflows.
import type { Pool } from 'pg';
import {
  type Db,
  fromKysely,
  type JobInsert,
  type JobWithMetadata,
  type KyselyTransactionLike,
  type PgBoss,
} from 'pg-boss';
import { v7 as uuidv7 } from 'uuid';
import { PlatformError } from '#domain/error.ts';
import { BOSS_SCHEMA, openBoss } from '#queue/boss.ts';
import { AGEING, groupOf, LANES, type Lane, type LaneData, laneChannel, WORK_LANES } from '#queue/lane.ts';
import { LanePoll } from '#queue/lane-poll.ts';
import { LaneWorker } from '#queue/lane-worker.ts';
import { type Held, LeaseKeeper } from '#queue/lease.ts';
import { Suspects } from '#queue/suspects.ts';

/** What the queue needs of the database: its pool, and a way to hear notifications. */
export type QueueDatabase = {
  readonly pool: Pool;
  readonly listen: (channel: string, handler: (payload: string | null) => void) => Promise<{ close(): Promise<void> }>;
};

export type QueueSettings = {
  /** QUEUE_VISIBILITY_TIMEOUT_MS */
  readonly visibilityTimeoutMs: number;
  /** QUEUE_POLL_INTERVAL_MS */
  readonly pollIntervalMs: number;
  /** Deliveries of an entry before it is dead. */
  readonly maxAttempts: number;
  /** True in processes that work: they also look after the queue itself. */
  readonly supervise: boolean;
  readonly onError: (error: unknown) => void;
};

export type Entry<L extends Lane> = {
  readonly id: string;
  readonly lane: L;
  readonly data: LaneData[L];
  /** Grows with every delivery of the same entry; with the id it names one delivery. */
  readonly delivery: number;
  readonly priority: number;
  /** In the lane `dead`: the id of the entry that died. */
  readonly sourceId: string | null;
  /** Aborted with `lease_lost` when another worker may have taken the entry, with `shutting_down` at the end of a drain. */
  readonly signal: AbortSignal;
};

export type SendOptions = {
  /** Higher first; see lane.ts. */
  readonly priority?: number;
  /** The entry exists if and only if this transaction commits. */
  readonly transaction?: KyselyTransactionLike;
  /** Seconds to wait before the entry may be taken. */
  readonly startAfter?: number;
};

/** How many entries of one group (see groupOf) may be worked on at once in a lane, in the whole cluster. */
export type GroupLimits = {
  readonly default: number;
  /** Other limits of single groups. */
  readonly groups: Readonly<Record<string, number>>;
  /** Never exceeded; otherwise two processes that fetch at once may both take the last slot. Costs three more round trips. */
  readonly exact: boolean;
};

export type Work<L extends Lane> = {
  readonly concurrency: number;
  /** Asked before every fetch; null is no limit. */
  readonly limits?: () => Promise<GroupLimits | null>;
  /** A handler that throws has its entry delivered again, up to `maxAttempts` times; then it goes to the lane `dead`. */
  readonly handler: (entry: Entry<L>) => Promise<void>;
};

export type LaneCounts = {
  readonly waiting: number;
  readonly active: number;
  /** Age of the entry that has waited longest; 0 where none waits. */
  readonly oldestSeconds: number;
};

export interface Queue {
  send<L extends Lane>(lane: L, data: LaneData[L], options?: SendOptions): Promise<void>;
  /** Several entries of one lane in one statement; each with a priority of its own. */
  sendAll<L extends Lane>(
    lane: L,
    entries: readonly { readonly data: LaneData[L]; readonly priority: number }[],
    options?: SendOptions,
  ): Promise<void>;
  /** At most one such entry in every `seconds`, however many processes send it. */
  sendOnceEvery<L extends Lane>(lane: L, data: LaneData[L], seconds: number): Promise<void>;
  /** Begins to take entries of a lane; once per lane. */
  work<L extends Lane>(lane: L, work: Work<L>): Promise<void>;
  /** Ends this delivery and queues the same data as a fresh entry, as if it had never been taken. */
  giveBack<L extends Lane>(entry: Entry<L>, options?: SendOptions): Promise<void>;
  /** Removes the waiting entries of a job from all lanes. Work that runs is told by other means. */
  cancelJob(jobId: number, transaction: KyselyTransactionLike): Promise<void>;
  /** Removes the waiting entries of webhook deliveries. */
  cancelDeliveries(ids: readonly string[], transaction: KyselyTransactionLike): Promise<void>;
  /** Nothing is taken from these lanes by this process until it is called again without them. */
  hold(lanes: readonly Lane[]): void;
  /** Raises what has waited for a minute while others of higher priority went first. To be called once a minute. Answers how many entries. */
  age(): Promise<number>;
  counts(): Promise<Readonly<Record<Lane, LaneCounts>>>;
  /** Takes nothing more, lets what runs go on for `drainSeconds`, aborts the rest with `shutting_down`, closes. */
  stop(options: { readonly drainSeconds: number }): Promise<void>;
}

/** After the abort at the end of a drain, handlers get so long to give their entries back. */
const GIVE_BACK_SECONDS = 5;

/** Installs the queue's own tables where they are missing and opens it. @throws what PostgreSQL says */
export async function openQueue(database: QueueDatabase, settings: QueueSettings): Promise<Queue> {
  const leaseSeconds = Math.max(10, Math.ceil(settings.visibilityTimeoutMs / 1000));
  const boss = await openBoss(database.pool, { ...settings, leaseSeconds });
  return new BossQueue(boss, database, { ...settings, leaseSeconds });
}

class BossQueue implements Queue {
  readonly #boss: PgBoss;
  readonly #database: QueueDatabase;
  readonly #settings: QueueSettings;
  readonly #leases: LeaseKeeper;
  readonly #workers = new Map<Lane, LaneWorker<JobWithMetadata<object>>>();
  #held: readonly Lane[] = [];
  #poll: LanePoll | undefined;
  readonly #suspects = new Suspects();
  readonly #subscriptions: { close(): Promise<void> }[] = [];
  #stopping: Promise<void> | undefined;

  constructor(boss: PgBoss, database: QueueDatabase, settings: QueueSettings & { readonly leaseSeconds: number }) {
    this.#boss = boss;
    this.#database = database;
    this.#settings = settings;
    this.#leases = new LeaseKeeper(boss, settings.leaseSeconds, settings.onError);
  }

  async send<L extends Lane>(lane: L, data: LaneData[L], options: SendOptions = {}): Promise<void> {
    await this.sendAll(lane, [{ data, priority: options.priority ?? 0 }], options);
  }

  async sendAll<L extends Lane>(
    lane: L,
    entries: readonly { readonly data: LaneData[L]; readonly priority: number }[],
    { transaction, startAfter }: SendOptions = {},
  ): Promise<void> {
    if (entries.length === 0) return;
    const jobs = entries.map(({ data, priority }): JobInsert => {
      const group = groupOf(data);
      // Ids in order: within its share, the library takes a group's entries by id.
      return {
        id: uuidv7(),
        data,
        priority,
        ...(startAfter ? { startAfter } : {}),
        ...(group === null ? {} : { group: { id: group, tier: group } }),
      };
    });
    const db = this.#db(transaction);
    // A delayed one is for the poll.
    await this.#boss.insert(lane, jobs, { db: startAfter ? db : waking(db, lane) });
  }

  async sendOnceEvery<L extends Lane>(lane: L, data: LaneData[L], seconds: number): Promise<void> {
    await this.#boss.send(lane, data, { singletonKey: `${lane} ${JSON.stringify(data)}`, singletonSeconds: seconds });
    await this.#db().executeSql('select pg_notify($1, $2)', [laneChannel(lane), '']);
  }

  async work<L extends Lane>(lane: L, work: Work<L>): Promise<void> {
    const worker = new LaneWorker<JobWithMetadata<object>>({
      concurrency: work.concurrency,
      held: this.#held.includes(lane),
      fetch: (batchSize) => this.#fetch(lane, { batchSize, limits: work.limits }),
      handle: (job) => this.#handle(lane, job, work.handler),
      onError: this.#settings.onError,
    });
    this.#workers.set(lane, worker);
    this.#poll ??= this.#startPoll();
    this.#subscriptions.push(await this.#database.listen(laneChannel(lane), () => worker.wake()));
  }

  async giveBack<L extends Lane>(entry: Entry<L>, options: SendOptions = {}): Promise<void> {
    await this.#boss.deleteJob(entry.lane, [attemptOf(entry)], { db: this.#db(options.transaction) });
    await this.send(entry.lane, entry.data, { priority: entry.priority, ...options });
  }

  async cancelJob(jobId: number, transaction: KyselyTransactionLike): Promise<void> {
    const db = this.#db(transaction);
    await db.executeSql(
      `delete from ${BOSS_SCHEMA}.job where name = any($1) and state < 'active' and data @> $2::jsonb`,
      [LANES, JSON.stringify({ jobId })],
    );
  }

  async cancelDeliveries(ids: readonly string[], transaction: KyselyTransactionLike): Promise<void> {
    await this.#db(transaction).executeSql(
      `delete from ${BOSS_SCHEMA}.job where name = 'notify' and state < 'active' and data->>'deliveryId' = any($1)`,
      [ids],
    );
  }

  hold(lanes: readonly Lane[]): void {
    this.#held = lanes;
    for (const [lane, worker] of this.#workers) worker.hold(lanes.includes(lane));
  }

  async age(): Promise<number> {
    // Only jobs of which nothing runs wait; only what has others a whole point before it gains anything by ageing.
    const { rowCount } = await this.#database.pool.query(
      `with served as materialized (
         select distinct (data->>'jobId')::bigint as job from ${BOSS_SCHEMA}.job where name = any($1) and state = 'active'
       ), foremost as materialized (
         select name, max(priority) as priority from ${BOSS_SCHEMA}.job
         where name = any($1) and state < 'active' and start_after <= now() group by name
       )
       update ${BOSS_SCHEMA}.job waiting set priority = waiting.priority + $2::int from foremost
       where waiting.name = foremost.name and waiting.name = any($1) and waiting.state < 'active'
         and waiting.created_on <= now() - interval '1 minute' and waiting.start_after <= now()
         and waiting.priority + $2::int <= foremost.priority
         and waiting.priority + $2::int <= (waiting.data->>'priority')::int * $2::int + $3::int
         and (waiting.data->>'jobId')::bigint not in (select job from served)`,
      [WORK_LANES, AGEING.step, AGEING.most],
    );
    return rowCount ?? 0;
  }

  async counts(): Promise<Readonly<Record<Lane, LaneCounts>>> {
    const { rows } = await this.#database.pool.query<LaneCounts & { readonly name: string }>(
      `select name, count(*) filter (where state < 'active')::int as waiting, count(*) filter (where state = 'active')::int as active,
         greatest(0, coalesce(extract(epoch from now() - min(start_after) filter (where state < 'active')), 0))::float8 as "oldestSeconds"
       from ${BOSS_SCHEMA}.job where name = any($1) and state <= 'active' group by name`,
      [LANES],
    );
    const found = new Map(rows.map(({ name, ...counts }) => [name, counts]));
    const counts = LANES.map((lane) => [lane, found.get(lane) ?? { waiting: 0, active: 0, oldestSeconds: 0 }]);
    return Object.fromEntries(counts) as Record<Lane, LaneCounts>;
  }

  stop(options: { readonly drainSeconds: number }): Promise<void> {
    this.#stopping ??= this.#stop(options.drainSeconds);
    return this.#stopping;
  }

  async #stop(drainSeconds: number): Promise<void> {
    const workers = [...this.#workers.values()];
    await this.#poll?.stop();
    await Promise.all(workers.map((worker) => worker.stop()));
    await Promise.all(this.#subscriptions.map((subscription) => subscription.close()));
    const idle = Promise.all(workers.map((worker) => worker.idle()));
    await within(idle, drainSeconds);
    for (const held of this.#leases.held) {
      held.control.abort(new PlatformError('shutting_down', 'This worker is stopping'));
    }
    await within(idle, GIVE_BACK_SECONDS);
    this.#leases.stop();
    await this.#boss.stop({ graceful: false });
  }

  #startPoll(): LanePoll {
    return new LanePoll({
      intervalMs: this.#settings.pollIntervalMs,
      find: async () => {
        const { rows } = await this.#database.pool.query<{ name: Lane }>(
          `select name from unnest($1::text[]) as lane(name) where exists (
             select 1 from ${BOSS_SCHEMA}.job where job.name = lane.name and state < 'active' and start_after <= now())`,
          [[...this.#workers.keys()]],
        );
        return rows.map(({ name }) => name);
      },
      wake: (lane) => this.#workers.get(lane)?.wake(),
      onError: this.#settings.onError,
    });
  }

  /** One delivery from fetch to settlement. Never throws: an entry that could not be settled is delivered again when its lease ends. */
  async #handle<L extends Lane>(
    lane: L,
    job: JobWithMetadata<object>,
    handler: (entry: Entry<L>) => Promise<void>,
  ): Promise<void> {
    const control = new AbortController();
    const held: Held = { id: job.id, lane, retryCount: job.retryCount, control, beatAt: performance.now() };
    const entry: Entry<L> = {
      id: job.id,
      lane,
      data: job.data as LaneData[L],
      delivery: job.retryCount,
      priority: job.priority,
      sourceId: job.sourceId,
      signal: control.signal,
    };
    this.#leases.add(held);
    try {
      // Webhooks and chores end no worker, and a slow receiver must not hold up others.
      const isSuspect = job.retryCount > 0 && WORK_LANES.some((name) => name === lane);
      await (isSuspect ? this.#suspects.run(() => handler(entry), control.signal) : handler(entry));
      await this.#boss.complete(lane, [attemptOf(entry)]);
    } catch (error) {
      this.#settings.onError(error);
      const message = error instanceof Error ? error.message : String(error);
      await this.#boss.fail(lane, [attemptOf(entry)], { message }).catch(this.#settings.onError);
    } finally {
      this.#leases.drop(held);
    }
  }

  async #fetch(lane: Lane, { batchSize, limits }: FetchOptions): Promise<readonly JobWithMetadata<object>[]> {
    const limit = await limits?.();
    const options = {
      batchSize,
      includeMetadata: true as const,
      ...(limit ? { groupConcurrency: { default: limit.default, tiers: limit.groups } } : {}),
    };
    if (!limit?.exact) return this.#boss.fetch<object>(lane, options);
    // The library counts what is active and then takes: whoever counts must see what was taken before.
    const client = await this.#database.pool.connect();
    let failed = true;
    try {
      await client.query('begin');
      await client.query('select pg_advisory_xact_lock(hashtext($1))', [laneChannel(lane)]);
      const taken = await this.#boss.fetch<object>(lane, {
        ...options,
        db: { executeSql: (text, values) => client.query(text, values) },
      });
      await client.query('commit');
      failed = false;
      return taken;
    } finally {
      // A failed one is dropped, and its transaction with it.
      client.release(failed);
    }
  }

  #db(transaction?: KyselyTransactionLike): Db {
    return transaction ? fromKysely(transaction) : this.#boss.getDb();
  }
}

/** Wakes the lane with the insert itself: in its transaction, so that nobody is woken before the entry can be seen, and in one round trip. */
const waking = (db: Db, lane: Lane): Db => ({
  executeSql: (insert, values) =>
    db.executeSql(`with sent as (${insert}\n) select pg_notify('${laneChannel(lane)}', '')`, values),
});

type FetchOptions = { readonly batchSize: number; readonly limits: Work<Lane>['limits'] | undefined };

const attemptOf = (entry: { readonly id: string; readonly delivery: number }) => ({
  id: entry.id,
  retryCount: entry.delivery,
});

async function within(work: Promise<unknown>, seconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, seconds * 1000);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
