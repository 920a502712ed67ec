// State changes in order: asked for, live, and after a break.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { json } from '#database/columns.ts';
import { createKey } from '#workflows/create-key.ts';
import { openServer, type TestServer } from './open-server.ts';
import { type Sse, serverEvents } from './server-events.ts';

let server: TestServer;
before(async () => {
  server = await openServer();
});
after(() => server[Symbol.asyncDispose]());

const body = { source: { kind: 'http', url: 'https://media.invalid/a.mp4' }, outputs: [{ container: 'mp3' }] };
const submit = async () => ((await server.call('POST', '/jobs', { body })).body as { id: number }).id;

/** Reads a stream until `enough` says so, or it ends. */
async function read(
  path: string,
  headers: Record<string, string>,
  enough: (events: readonly Sse[]) => boolean,
): Promise<Sse[]> {
  const events: Sse[] = [];
  for await (const event of serverEvents(server.base + path, headers)) {
    events.push(event);
    if (enough(events)) break;
  }
  return events;
}

test('events are listed from a number on', async () => {
  const id = await submit();
  await server.call('POST', `/jobs/${id}/cancel`);
  const first = (await server.call('GET', '/events?after=0&limit=1')).body as {
    events: { id: number; type: string; data: { id: number } }[];
    nextAfter: number;
  };
  assert.deepEqual(
    first.events.map(({ type, data }) => [type, data.id]),
    [['job.queued', id]],
  );
  const rest = (await server.call('GET', `/events?after=${first.nextAfter}`)).body as typeof first;
  assert.deepEqual(
    rest.events.map(({ type }) => type),
    ['job.canceled'],
  );
  const none = (await server.call('GET', `/events?after=${rest.nextAfter}`)).body as typeof first;
  assert.deepEqual(none, { events: [], nextAfter: rest.nextAfter });
});

test('a stream tells what happens, and after a break what was missed', async () => {
  const reading = read(
    '/events/stream?after=0',
    {},
    (events) => events.filter(({ data }) => data.type === 'job.paused').length === 1,
  );
  const id = await submit();
  await server.call('POST', `/jobs/${id}/pause`);
  const events = await reading;
  const mine = events.filter(({ data }) => (data.data as { id: number }).id === id);
  assert.deepEqual(
    mine.map(({ data }) => data.type),
    ['job.queued', 'job.paused'],
  );
  await server.call('POST', `/jobs/${id}/cancel`);
  const missed = await read(
    '/events/stream',
    { 'last-event-id': events.at(-1)?.id ?? '' },
    (seen) => seen.length === 1,
  );
  assert.deepEqual(
    missed.map(({ data }) => data.type),
    ['job.canceled'],
  );
});

test('however much has happened, the whole past comes over one connection', async () => {
  const { db } = server.platform.database;
  const many = Array.from({ length: 300 }, (_, n) => ({
    project_id: 'default',
    job_id: null,
    type: 'job.completed',
    data: json({ n, metadata: 'm'.repeat(20_000) }),
  }));
  await db.insertInto('event').values(many).execute();
  const seen = await read('/events/stream?after=0', {}, (events) => numberOf(events) === 299);
  const numbers = seen.map(({ data }) => (data.data as { n?: number }).n).filter((n) => n !== undefined);
  assert.deepEqual(
    numbers,
    many.map((_, n) => n),
  );
});
const numberOf = (events: readonly Sse[]): number | undefined =>
  (events.at(-1)?.data.data as { n?: number } | undefined)?.n;

test('a stream that names no event begins with the next one; another project’s are not told', async () => {
  await using own = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: 'the-first-admin-key' } });
  const key = await createKey(own.platform, { name: 'shop', scopes: ['read', 'write'], projectId: 'shop' });
  const as = (sent: string) => ({ headers: { authorization: `Bearer ${sent}` } });
  const submitAs = async (sent: string) =>
    ((await own.call('POST', '/jobs', { body, ...as(sent) })).body as { id: number }).id;
  await submitAs(key);
  const response = await fetch(`${own.base}/events/stream`, { ...as(key), signal: AbortSignal.timeout(20_000) });
  const reader = response.body?.getReader();
  assert.ok(reader);
  await submitAs('the-first-admin-key');
  const mine = await submitAs(key);
  let told = '';
  while (!told.includes('data: ')) told += Buffer.from((await reader.read()).value ?? []).toString();
  await reader.cancel();
  const { data } = JSON.parse(/^data: (.*)$/m.exec(told)?.[1] ?? '') as { data: { id: number } };
  assert.equal(data.id, mine);
  const listed = (await own.call('GET', '/events?after=0', as('the-first-admin-key'))).body as { events: unknown[] };
  assert.equal(listed.events.length, 1);
});

test('a job is followed by itself', async () => {
  const [id, other] = [await submit(), await submit()];
  const isOpen = Promise.withResolvers<void>();
  const reading = read(`/jobs/${id}/events`, {}, (events) => {
    isOpen.resolve();
    return events.some(({ event, data }) => event === 'status' && data.type === 'job.canceled');
  });
  // The stream's first event says that it listens: nothing can be missed from here on.
  await Promise.race([isOpen.promise, reading]);
  await server.call('POST', `/jobs/${other}/cancel`);
  for (const act of ['pause', 'resume', 'cancel'])
    assert.equal((await server.call('POST', `/jobs/${id}/${act}`)).status, 200, act);
  const events = await reading;
  assert.deepEqual(events[0], { id: undefined, event: 'status', data: { ...events[0]?.data, id } });
  assert.equal(events[1]?.event, 'progress');
  const told = events.filter(({ event }) => event === 'status').slice(1);
  assert.deepEqual(
    told.map(({ data }) => [data.type, (data.data as { id: number }).id]),
    ['job.paused', 'job.queued', 'job.canceled'].map((type) => [type, id]),
  );
});

test('the stream of a deleted job ends, its deletion being the last it tells', async () => {
  const id = await submit();
  const isOpen = Promise.withResolvers<void>();
  const reading = read(`/jobs/${id}/events`, {}, (events) => {
    if (events.length > 0) isOpen.resolve();
    return false;
  });
  await Promise.race([isOpen.promise, reading]);
  assert.equal((await server.call('DELETE', `/jobs/${id}`)).status, 204);
  const last = (await reading).at(-1);
  assert.deepEqual([last?.event, last?.data.type], ['status', 'job.deleted']);
  // Whoever comes again is told that there is nothing to come for.
  const again = await server.call('GET', `/jobs/${id}/events`, { headers: { 'last-event-id': last?.id ?? '' } });
  assert.equal(again.status, 404);
});

test('closing the server ends open streams', async () => {
  await using own = await openServer();
  const response = await fetch(`${own.base}/events/stream`, { signal: AbortSignal.timeout(30_000) });
  const ended = (async () => {
    for await (const _ of response.body ?? []) {
      // until its end
    }
  })();
  await Promise.all([own.app.close(), ended]);
});
