// Webhooks from the state change to the receiver: the outbox, what is tried again and what is not, order, fairness, sending again.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { toVideoWish, videoFields } from '#api/videos/forms.ts';
import { listDeliveries } from '#database/deliveries.ts';
import { listEvents } from '#database/events.ts';
import type { JobRef } from '#database/jobs.ts';
import { PlatformError } from '#domain/error.ts';
import { createEgress } from '#storage/egress.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import { deleteJob } from '#workflows/delete-job.ts';
import { DELIVERY_POLICY, type DeliveryPolicy } from '#workflows/deliver-webhook.ts';
import { expireJobs } from '#workflows/janitor.ts';
import { pauseJob } from '#workflows/pause-job.ts';
import type { Platform } from '#workflows/platform.ts';
import { resendDelivery } from '#workflows/resend-delivery.ts';
import { resumeJob } from '#workflows/resume-job.ts';
import { startWorker, type Worker } from '#workflows/start-worker.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { recordVideoEvent, type VideoEventType } from '#workflows/videos/record-video-event.ts';
import { createVideo } from '#workflows/videos/update-video.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type Received, type Receiver, startReceiver } from '../kit/webhook-receiver.ts';
import { executors } from './fake-executors.ts';
import { jobRequest, openTestPlatform, type TestPlatform, WEBHOOK_SECRET } from './test-platform.ts';

let fresh: FreshDatabase;
let opened: TestPlatform;
let worker: Worker | undefined;
const receivers: Receiver[] = [];

before(async () => {
  fresh = await freshDatabase();
});
beforeEach(async () => {
  opened = await openTestPlatform(fresh.database, { settings: { PUBLIC_URL: 'https://media.example.com/' } });
  // The jobs themselves are to stay as the tests leave them.
  opened.platform.queue.hold(['run']);
});
afterEach(async () => {
  await worker?.stop();
  worker = undefined;
  await opened.close();
  for (const receiver of receivers.splice(0)) await receiver.stop();
  await fresh.database.pool.query(
    `delete from job; delete from delivery; delete from event; delete from pgboss.job; update queue_state set state = 'running'`,
  );
});
after(() => fresh.drop());

/** A worker that takes no jobs, only what goes out. */
async function deliver(policy: Partial<DeliveryPolicy> = {}, platform: Platform = opened.platform): Promise<void> {
  await fresh.database.pool.query(`update queue_state set state = 'draining'`);
  worker = await startWorker(platform, executors(), { ...DELIVERY_POLICY, ...policy });
}
async function receive(behave?: (received: Received, response: ServerResponse) => boolean): Promise<Receiver> {
  const receiver = await startReceiver(WEBHOOK_SECRET, behave);
  receivers.push(receiver);
  return receiver;
}
async function submit(notificationUrl: string | null, projectId = 'default'): Promise<JobRef> {
  const { job } = await submitJob(opened.platform, jobRequest({ notificationUrl, projectId }));
  return { projectId, jobId: job.id };
}
const deliveries = (ref: JobRef) => listDeliveries(fresh.database.db, ref, opened.platform.sealer);
const settled = (ref: JobRef, status: string, count = 1) =>
  eventually(async () => {
    const found = await deliveries(ref);
    assert.deepEqual(
      found.map((one) => one.status),
      Array(count).fill(status),
      JSON.stringify(found),
    );
  });
const only = async (ref: JobRef) => {
  const [delivery, ...more] = await deliveries(ref);
  assert.ok(delivery && more.length === 0);
  return delivery;
};

test('every state of a job arrives, in order, signed, with the job as the API shows it and no secret', async () => {
  const { platform } = opened;
  const receiver = await receive();
  const url = `${receiver.origin}/hook?code=s3cr3t-code&token=t0ken`;
  const { job } = await submitJob(
    platform,
    jobRequest({
      notificationUrl: url,
      metadata: { order: 7 },
      source: {
        kind: 'https',
        method: 'PUT',
        url: 'https://a.invalid/f.mp4?X-Amz-Signature=deadbeef',
        headers: { authorization: 'Bearer abc' },
      },
    }),
  );
  const ref = { projectId: 'default', jobId: job.id };
  await pauseJob(platform, ref);
  await resumeJob(platform, ref);
  await cancelJob(platform, ref);
  await deliver();
  await settled(ref, 'delivered', 4);
  const types = ['job.queued', 'job.paused', 'job.queued', 'job.canceled'];
  const bodies = receiver.received.map(({ body }) => JSON.parse(body));
  assert.deepEqual(
    bodies.map(({ type }) => type),
    types,
  );
  assert.deepEqual(
    bodies.map(({ data }) => data.job.status),
    ['queued', 'paused', 'queued', 'canceled'],
  );
  assert.deepEqual(Object.keys(bodies[0]), ['type', 'timestamp', 'data']);
  assert.deepEqual(
    [bodies[0].data.job.id, bodies[0].data.job.uuid, bodies[0].data.job.metadata],
    [job.id, job.uuid, { order: 7 }],
  );
  assert.ok(
    receiver.received.every(({ isSigned, headers }) => isSigned && headers['content-type'] === 'application/json'),
  );
  const told = receiver.received.map(({ body }) => body).join();
  for (const secret of ['deadbeef', 'Bearer abc', 't0ken']) assert.ok(!told.includes(secret), secret);
  const found = await deliveries(ref);
  assert.deepEqual(
    found.map(({ id }) => id),
    receiver.received.map(({ id }) => id),
  );
  assert.ok(
    found.every(
      ({ attempts, nextAttemptAt }) =>
        attempts.length === 1 &&
        attempts[0]?.statusCode === 204 &&
        attempts[0].error === null &&
        nextAttemptAt === null,
    ),
  );
  // The list of events names the same ids.
  const events = await listEvents(fresh.database.db, { projectId: 'default', after: 0, limit: 10 });
  assert.deepEqual(
    events.map(({ data }) => data.webhookId),
    found.map(({ id }) => id),
  );
  // A dump tells neither the address's query nor what the body repeats of it.
  const { rows } = await fresh.database.pool.query<{ line: string }>('select d::text as line from delivery d');
  for (const secret of ['s3cr3t-code', 't0ken', 'order'])
    assert.ok(!rows.some(({ line }) => line.includes(secret)), secret);
});

test('no webhook without its state change, and none for a job that nobody asked to be told of', async () => {
  const { platform } = opened;
  const quiet = await submit(null);
  assert.deepEqual(await deliveries(quiet), []);
  const ref = await submit('http://127.0.0.1:9/');
  const queue = Object.create(platform.queue, {
    cancelJob: {
      value: async () => {
        throw new Error('lost');
      },
    },
  });
  await assert.rejects(cancelJob({ ...platform, queue }, ref), /lost/);
  assert.deepEqual(
    (await deliveries(ref)).map(({ type }) => type),
    ['job.queued'],
  );
  assert.equal((await platform.queue.counts()).notify.waiting, 1);
});

test('errors, redirects, silence and cut lines are tried again under the same id until the table ends', async () => {
  const ways: ((response: ServerResponse) => unknown)[] = [
    (response) => response.writeHead(500).end(),
    (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    () => 'silence',
    (response) => response.destroy(),
    (response) => response.writeHead(404).end(),
  ];
  let tries = 0;
  const receiver = await receive((_, response) => {
    ways[tries++]?.(response);
    return true;
  });
  const ref = await submit(`${receiver.origin}/hook`);
  // Longer than any answer takes that does come.
  await deliver({ delays: [0, 0.05, 0.05, 0.05, 0.05], timeLimit: 4000 });
  await settled(ref, 'failed');
  assert.equal(new Set(receiver.received.map(({ id }) => id)).size, 1);
  assert.ok(receiver.received.every(({ path, isSigned }) => path === '/hook' && isSigned));
  const { attempts } = await only(ref);
  assert.deepEqual(
    attempts.map(({ statusCode }) => statusCode),
    [500, 302, null, null, 404],
  );
  const [error, redirect, silence, cut] = attempts.map((attempt) => attempt.error ?? '');
  assert.match(error ?? '', /status 500/);
  assert.match(redirect ?? '', /redirects are not followed/);
  assert.match(silence ?? '', /no answer within 4 s/);
  assert.match(cut ?? '', /could not be reached/);
  assert.ok(attempts.every(({ at, ms }) => at === new Date(at).toISOString() && Number.isInteger(ms)));
});

test('user and password of the address are sent as credentials, and stand in no record', async () => {
  const receiver = await receive((_, response) => {
    response.writeHead(500).end();
    return true;
  });
  const ref = await submit(receiver.origin.replace('://', '://me:p%40ss@'));
  await deliver({ delays: [0] });
  await settled(ref, 'failed');
  assert.equal(receiver.received[0]?.headers.authorization, `Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  const { rows } = await fresh.database.pool.query<{ line: string }>('select d::text as line from delivery d');
  assert.ok(!rows.some(({ line }) => /p@ss|p%40ss|bWU6/.test(line)));
});

test('Retry-After is waited for', async () => {
  const receiver = await receive((_, response) => {
    if (receiver.received.length > 1) return false;
    response.writeHead(503, { 'retry-after': '2' }).end();
    return true;
  });
  const ref = await submit(receiver.origin);
  await deliver({ delays: [0, 0.01, 0.01] });
  await settled(ref, 'delivered');
  const [first, second] = receiver.received;
  assert.ok((second?.at ?? 0) - (first?.at ?? 0) >= 1900);
});

test('410 ends the telling of a job, until somebody sends again', async () => {
  const { platform } = opened;
  let isGone = true;
  const receiver = await receive((_, response) => {
    if (isGone) response.writeHead(410).end();
    return isGone;
  });
  const ref = await submit(receiver.origin);
  await pauseJob(platform, ref);
  await deliver();
  await settled(ref, 'disabled', 2);
  await cancelJob(platform, ref);
  await settled(ref, 'disabled', 3);
  assert.equal(receiver.received.length, 1);
  const other = await submit(receiver.origin);
  await settled(other, 'disabled');
  assert.equal(receiver.received.length, 2, 'another job has not heard of it');
  isGone = false;
  const [first, , last] = await deliveries(ref);
  assert.ok(first && last);
  await resendDelivery(platform, { ...ref, id: last.id });
  await eventually(async () => assert.equal((await deliveries(ref))[2]?.status, 'delivered'));
  assert.equal(receiver.received.at(-1)?.id, last.id);
  assert.equal(JSON.parse(receiver.received.at(-1)?.body ?? '').type, 'job.canceled');
  await assert.rejects(
    resendDelivery(platform, { ...other, id: first.id }),
    (error: unknown) => error instanceof PlatformError && error.code === 'not_found',
  );
});

test('410 ends the telling of a video as well', async () => {
  const { platform } = opened;
  const { db } = fresh.database;
  const receiver = await receive((_, response) => {
    response.writeHead(410).end();
    return true;
  });
  const { id } = await createVideo(platform, {
    projectId: 'default',
    filename: 'film.mp4',
    wish: toVideoWish(z.object(videoFields).parse({ notification_url: receiver.origin })),
    baseUrl: '',
  });
  const tell = (type: VideoEventType) =>
    db
      .transaction()
      .execute((within) => recordVideoEvent(platform, within, { ref: { projectId: 'default', id }, type }));
  const states = async () =>
    (await fresh.database.pool.query('select status from delivery where video_id = $1 order by number', [id])).rows;
  await tell('video.uploaded');
  await tell('video.playable');
  await deliver();
  const told = [{ status: 'disabled' }, { status: 'disabled' }];
  await eventually(async () => assert.deepEqual(await states(), told));
  await tell('video.ready');
  assert.deepEqual(await states(), told);
  assert.equal(receiver.received.length, 1);
});

test('a private address is refused for good, and the record says why', async () => {
  const receiver = await receive();
  const ref = await submit(receiver.origin);
  const egress = createEgress({ allow: [] });
  try {
    await deliver({}, { ...opened.platform, egress });
    await settled(ref, 'failed');
    const { attempts, nextAttemptAt } = await only(ref);
    assert.deepEqual([attempts.length, attempts[0]?.statusCode, nextAttemptAt], [1, null, null]);
    assert.match(attempts[0]?.error ?? '', /127\.0\.0\.1 is a loopback address.*EGRESS_ALLOW/);
    assert.deepEqual(receiver.received, []);
  } finally {
    await worker?.stop();
    await egress.close();
  }
});

test('a later state is not told before an earlier one was tried', async () => {
  const { platform } = opened;
  const receiver = await receive(({ body }, response) => {
    // The first is slow, and then fails.
    if (JSON.parse(body).type !== 'job.queued' || receiver.received.length > 1) return false;
    setTimeout(() => response.writeHead(500).end(), 700);
    return true;
  });
  const ref = await submit(receiver.origin);
  await cancelJob(platform, ref);
  await deliver({ delays: [0, 3] });
  await settled(ref, 'delivered', 2);
  assert.deepEqual(
    receiver.received.map(({ body }) => JSON.parse(body).type),
    ['job.queued', 'job.canceled', 'job.queued'],
  );
});

test('a receiver that never answers holds up nobody else', async (t) => {
  const slow = await receive(() => true);
  const quick = await receive();
  for (let i = 0; i < 60; i++) await submit(`${slow.origin}/${i}`);
  const refs = await Promise.all(Array.from({ length: 10 }, (_, i) => submit(`${quick.origin}/${i}`)));
  const began = performance.now();
  await deliver({ timeLimit: 120_000 });
  for (const ref of refs) await settled(ref, 'delivered');
  const ms = performance.now() - began;
  t.diagnostic(`ten webhooks behind sixty that hang: ${ms.toFixed(0)} ms`);
  await eventually(() => assert.equal(slow.received.length, 4, 'at once, to one receiver; none of them has ended'));
});

test('a worker that stops gives what is on its way back, and another sends it', async () => {
  const receiver = await receive(() => receiver.received.length === 1);
  const ref = await submit(receiver.origin);
  await deliver();
  await eventually(() => assert.equal(receiver.received.length, 1));
  await worker?.stop();
  assert.deepEqual((await only(ref)).attempts, []);
  await opened.close();
  opened = await openTestPlatform(fresh.database, { sealingKey: opened.sealingKey });
  await deliver();
  await settled(ref, 'delivered');
  assert.equal(new Set(receiver.received.map(({ id }) => id)).size, 1);
});

test('a deleted job takes its deliveries and their entries with it; retention waits for what is on its way', async () => {
  const { platform } = opened;
  const [deleted, kept] = [await submit('http://127.0.0.1:9/a'), await submit('http://127.0.0.1:9/b')];
  await deleteJob(platform, deleted);
  assert.equal((await platform.queue.counts()).notify.waiting, 1);
  await cancelJob(platform, kept);
  const atOnce = { ...platform, config: { ...platform.config, RETENTION_HOURS: 0 } };
  await sleep(5);
  assert.equal(await expireJobs(atOnce), 0);
  await deliver({ delays: [0] }, atOnce);
  await eventually(async () => {
    const { rows } = await fresh.database.pool.query(
      'select (select count(*) from job) as jobs, (select count(*) from delivery) as deliveries',
    );
    assert.deepEqual(rows, [{ jobs: 0, deliveries: 0 }]);
  });
});
