// How busy every machine of the cluster was in the last hour. Written by each of them, read by GET /system/load.
import { type Kysely, sql } from 'kysely';
import type { Schema } from '#database/schema.ts';

export type LoadSample = {
  readonly at: Date;
  /** 0–100, all cores together */
  readonly cpu: number;
  /** bytes */
  readonly memoryUsed: number;
  /** bytes per second over all interfaces but loopback; null where the system does not tell */
  readonly received: number | null;
  readonly sent: number | null;
};

export type MachineFacts = {
  readonly hostname: string;
  readonly cores: number;
  /** bytes */
  readonly memoryTotal: number;
};

/** Stores a sample. Several processes of one machine agree on its times: only the first one's is kept. */
export async function insertLoad(
  db: Kysely<Schema>,
  { hostname, cores, memoryTotal }: MachineFacts,
  sample: LoadSample,
): Promise<void> {
  await db
    .insertInto('machine_load')
    .values({
      hostname,
      cores,
      memory_total: memoryTotal,
      at: sample.at,
      cpu: sample.cpu,
      memory_used: sample.memoryUsed,
      received: sample.received,
      sent: sample.sent,
    })
    .onConflict((conflict) => conflict.columns(['hostname', 'at']).doNothing())
    .execute();
}

export async function deleteLoadBefore(db: Kysely<Schema>, before: Date): Promise<void> {
  await db.deleteFrom('machine_load').where('at', '<', before).execute();
}

/** Machines that were heard of since a time. */
export async function countLoadedMachines(db: Kysely<Schema>, since: Date): Promise<number> {
  const row = await db
    .selectFrom('machine_load')
    .select(sql<number>`count(distinct hostname)::int`.as('count'))
    .where('at', '>', since)
    .executeTakeFirstOrThrow();
  return row.count;
}

export type LoadListing = {
  readonly after: Date;
  /** Samples before it alone. */
  readonly before: Date;
  /** Seconds that one figure stands for: the mean of the samples in them. */
  readonly interval: number;
};

export type MachineLoad = MachineFacts & {
  /** Oldest first. */
  readonly samples: readonly LoadSample[];
};

/** By name. */
export async function listMachineLoad(
  db: Kysely<Schema>,
  { after, before, interval }: LoadListing,
): Promise<MachineLoad[]> {
  const slot = sql<Date>`to_timestamp(floor(extract(epoch from at) / ${interval}::int) * ${interval}::int)`;
  const rows = await db
    .selectFrom('machine_load')
    .select(['hostname', slot.as('slot')])
    .select([
      sql<number>`max(cores)`.as('cores'),
      sql<number>`max(memory_total)`.as('memory_total'),
      sql<number>`round(avg(cpu)::numeric, 1)::float8`.as('cpu'),
      sql<number>`avg(memory_used)::bigint`.as('memory_used'),
      sql<number | null>`avg(received)::bigint`.as('received'),
      sql<number | null>`avg(sent)::bigint`.as('sent'),
    ])
    .where('at', '>', after)
    .where('at', '<', before)
    .groupBy(['hostname', 'slot'])
    .orderBy('hostname')
    .orderBy('slot')
    .execute();
  return [...Map.groupBy(rows, ({ hostname }) => hostname)].map(([hostname, samples]) => ({
    hostname,
    cores: samples.at(-1)?.cores ?? 0,
    memoryTotal: samples.at(-1)?.memory_total ?? 0,
    samples: samples.map(({ slot: at, cpu, memory_used, received, sent }) => ({
      at,
      cpu,
      memoryUsed: memory_used,
      received,
      sent,
    })),
  }));
}
