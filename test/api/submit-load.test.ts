// Five hundred jobs by twenty clients at once: none lost, none doubled. Prints how long a submission took.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openServer } from './open-server.ts';

const JOBS = 500;
const CLIENTS = 20;

const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

test(`${JOBS} jobs by ${CLIENTS} clients at once, each sent twice by one in ten: all there, once`, async (t) => {
  await using server = await openServer();
  const times: number[] = [];
  const ids = new Map<number, number>();
  const submit = async (order: number): Promise<void> => {
    const body = {
      source: { kind: 'https', url: `https://media.invalid/films/${order}.mp4` },
      outputs: [{ container: 'hls' }, { container: 'mp4', height: 720 }],
      notificationUrl: 'https://hooks.invalid/rendition',
      metadata: { order },
    };
    const began = performance.now();
    const answer = await server.call('POST', '/jobs', { body, headers: { 'idempotency-key': `order-${order}` } });
    times.push(performance.now() - began);
    assert.equal(answer.status, 202, answer.text);
    const { id } = answer.body as { id: number };
    assert.equal(ids.get(order) ?? id, id, 'the same key answers the same job');
    ids.set(order, id);
  };
  const began = performance.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let order = client; order < JOBS; order += CLIENTS) {
        await submit(order);
        if (order % 10 === 0) await submit(order);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  times.sort((a, b) => a - b);
  t.diagnostic(
    `${times.length} requests in ${seconds.toFixed(2)} s; p50 ${percentile(times, 0.5).toFixed(0)} ms, p99 ${percentile(times, 0.99).toFixed(0)} ms, worst ${times.at(-1)?.toFixed(0)} ms`,
  );
  assert.equal(new Set(ids.values()).size, JOBS);

  // As the lists tell it, page by page, and as the queue has it.
  const orders: number[] = [];
  let cursor: string | null = '';
  do {
    const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page = (await server.call('GET', `/jobs?limit=200${query}`)).body as {
      jobs: { metadata: { order: number }; outputs: unknown[] }[];
      nextCursor: string | null;
    };
    for (const { metadata, outputs } of page.jobs) {
      orders.push(metadata.order);
      assert.equal(outputs.length, 2);
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  assert.deepEqual(
    orders.toSorted((a, b) => a - b),
    Array.from({ length: JOBS }, (_, order) => order),
  );
  const { run, notify } = await server.platform.queue.counts();
  assert.deepEqual([run.waiting, notify.waiting], [JOBS, JOBS]);
  const { events } = (await server.call('GET', '/events?after=0&limit=1000')).body as { events: { id: number }[] };
  assert.equal(events.length, JOBS);
});
