// How often a client called: the times of its calls, counted by the database, so that all processes share them.
import { type Kysely, sql } from 'kysely';
import type { Schema } from '#database/schema.ts';

export type CountedCall = {
  /** Which limit. */
  readonly name: string;
  readonly client: string;
  /** At most so many calls in any so many seconds. */
  readonly calls: number;
  readonly seconds: number;
};

/**
 * Counts a call where there is room for it; one that is refused is not counted. Null where it may be made, else the
 * seconds until the next one may. One statement: of calls at once in several processes, the row's lock lets one after another.
 */
export async function takeCall(
  db: Kysely<Schema>,
  { name, client, calls, seconds }: CountedCall,
): Promise<number | null> {
  const { rows } = await sql<{ taken: boolean; wait: number }>`
    with call as materialized (select clock_timestamp() as at, make_interval(secs => ${seconds}) as span),
    counted as (
      insert into rate_limit as known (name, client, calls, last_at)
      select ${name}, ${client}, array[at], at from call
      on conflict (name, client) do update set last_at = excluded.last_at, calls = (
        select case when cardinality(recent.calls) < ${calls} then recent.calls || excluded.last_at else recent.calls end
        from (
          select coalesce(array_agg(c order by c), '{}'::timestamptz[]) as calls from unnest(known.calls) c
          where c > excluded.last_at - (select span from call)
        ) recent
      )
      returning calls
    )
    select call.at = any(counted.calls) as taken,
      extract(epoch from counted.calls[greatest(1, cardinality(counted.calls) - ${calls} + 1)] + call.span - call.at)::float8 as wait
    from counted, call`.execute(db);
  const [row] = rows;
  return row && !row.taken ? Math.max(0, row.wait) : null;
}

/** Forgets clients that have not called since a time. */
export async function forgetCalls(db: Kysely<Schema>, before: Date): Promise<void> {
  await db.deleteFrom('rate_limit').where('last_at', '<', before).execute();
}
