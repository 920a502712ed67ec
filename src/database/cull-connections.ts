// Ends connections that wait for a server which knows nothing of them any more: after a failover the old one is often gone without a word, and TCP would wait a quarter of an hour. Kept by connect.ts.
import pg from 'pg';

/** Milliseconds. */
export type CullPace = {
  readonly look: number;
  /** How long a question may be without an answer before somebody asks the server whether it is at it. */
  readonly patience: number;
};

const PACE: CullPace = { look: 2500, patience: 10_000 };
/** Milliseconds the server has for that. */
const ANSWER = 5000;
/** Looks in a row that find the same: an answer may just be on its way. */
const LOOKS = 2;

/** What pg keeps to itself. */
type Inside = pg.PoolClient & {
  readonly processID: number | null;
  readonly readyForQuery: boolean;
  readonly connection: { readonly stream: { readonly bytesRead: number; destroy(): void } };
};

type Watched = { bytes: number; isBusy: boolean; since: number; forgotten: number };

/** Only what the server itself denies is ended: a query may take its time, and a server that does not answer now may yet. */
export function cullConnections(pool: pg.Pool, url: string, pace: CullPace = PACE): { stop(): void } {
  const watched = new Map<Inside, Watched>();
  let isLooking = false;
  pool.on('connect', (client) => {
    watched.set(client as Inside, { bytes: -1, isBusy: false, since: performance.now(), forgotten: 0 });
  });
  pool.on('remove', (client) => watched.delete(client as Inside));
  const look = async () => {
    const now = performance.now();
    for (const [client, one] of watched) {
      const { bytesRead } = client.connection.stream;
      const isBusy = !client.readyForQuery;
      if (one.bytes !== bytesRead || one.isBusy !== isBusy)
        Object.assign(one, { bytes: bytesRead, isBusy, since: now });
      if (!isBusy) one.forgotten = 0;
    }
    if (![...watched.values()].some((one) => one.isBusy && now - one.since >= pace.patience)) return;
    const states = await askFor(
      url,
      [...watched.keys()].map(({ processID }) => processID),
    );
    if (!states) return;
    for (const [client, one] of watched) {
      const state = states.get(client.processID ?? 0);
      const isSilent =
        one.isBusy && client.connection.stream.bytesRead === one.bytes && now - one.since >= pace.patience;
      // One that nobody uses is of no use either where the server has never heard of it.
      const isForgotten = isSilent
        ? state === undefined || state.startsWith('idle')
        : !one.isBusy && state === undefined;
      one.forgotten = isForgotten ? one.forgotten + 1 : 0;
      if (one.forgotten >= LOOKS) client.connection.stream.destroy();
    }
  };
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look().finally(() => {
      isLooking = false;
    });
  }, pace.look);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** What the server does for these processes of its own; null where it does not answer, or somebody stands between who numbers them anew. */
async function askFor(url: string, pids: readonly (number | null)[]): Promise<ReadonlyMap<number, string> | null> {
  const client = new pg.Client({
    ...{ connectionString: url, application_name: 'rendition', connectionTimeoutMillis: ANSWER, query_timeout: ANSWER },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ pid: number; state: string; own: number }>(
      `select pid, coalesce(state, 'unknown') as state, pg_backend_pid() as own from pg_stat_activity
      where pid = any($1) or pid = pg_backend_pid()`,
      [pids],
    );
    const own = (client as unknown as Inside).processID;
    if (rows.some((row) => row.own !== own)) return null;
    return new Map(rows.map(({ pid, state }) => [pid, state]));
  } catch {
    // Away for now: whoever waits is told when it is back.
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}
