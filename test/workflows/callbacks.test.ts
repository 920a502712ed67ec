// Deliveries that are ordered within their job: callbacks of the encoder API, against receivers that are down, slow or refuse.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { listDeliveries } from '#database/deliveries.ts';
import { type JobRef, lockJob } from '#database/jobs.ts';
import { ORDERED_DELAYS, REFUSED_TRIES } from '#domain/webhook.ts';
import { addCallback } from '#workflows/add-delivery.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import { deleteJob } from '#workflows/delete-job.ts';
import type { DeliveryPolicy } from '#workflows/deliver-webhook.ts';
import { submitEncoderJob } from '#workflows/encoder/submit-encoder-job.ts';
import { resendDelivery } from '#workflows/resend-delivery.ts';
import { startWorker, type Worker } from '#workflows/start-worker.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type Receiver, startReceiver } from '../kit/webhook-receiver.ts';
import { executors } from './fake-executors.ts';
import { jobRequest, openTestPlatform, type TestPlatform, WEBHOOK_SECRET } from './test-platform.ts';

let fresh: FreshDatabase;
let opened: TestPlatform;
let worker: Worker | undefined;
let receiver: Receiver | undefined;

before(async () => {
  fresh = await freshDatabase();
});
beforeEach(async () => {
  opened = await openTestPlatform(fresh.database);
  opened.platform.queue.hold(['run']);
});
afterEach(async () => {
  await worker?.stop();
  await opened.close();
  await receiver?.stop();
  [worker, receiver] = [undefined, undefined];
  await fresh.database.pool.query(
    `delete from job; delete from delivery; delete from event; delete from pgboss.job; update queue_state set state = 'running'`,
  );
});
after(() => fresh.drop());

async function deliver(policy: Partial<DeliveryPolicy>): Promise<void> {
  await fresh.database.pool.query(`update queue_state set state = 'draining'`);
  worker = await startWorker(opened.platform, executors(), policy);
}
const makeJob = async (): Promise<JobRef> => {
  const { job } = await submitJob(opened.platform, jobRequest({ notificationUrl: null }));
  return { projectId: 'default', jobId: job.id };
};
/** In a transaction of its own, as every change of a job tells its own. */
const tell = (ref: JobRef, step: number, origin: string) =>
  fresh.database.db.transaction().execute(async (db) => {
    await lockJob(db, ref);
    await addCallback(opened.platform, db, {
      ...ref,
      type: 'encoder.processing',
      url: `${origin}/told`,
      body: { job: ref.jobId, step },
      headers: { authorization: 'Api-Key k1' },
    });
  });
const list = (ref: JobRef) => listDeliveries(fresh.database.db, ref, opened.platform.sealer);
const steps = ({ jobId }: JobRef): number[] =>
  (receiver?.received ?? [])
    .map(({ body }) => JSON.parse(body) as { job: number; step: number })
    .filter(({ job }) => job === jobId)
    .map(({ step }) => step);
const settled = (ref: JobRef, wanted: readonly string[]) =>
  eventually(async () =>
    assert.deepEqual(
      (await list(ref)).map(({ status }) => status),
      wanted,
    ),
  );

test('each waits for the one before, whatever becomes of its tries; jobs do not wait for each other', async () => {
  let failures = 0;
  const jobs = await Promise.all([makeJob(), makeJob(), makeJob()]);
  const [, , third] = jobs as [JobRef, JobRef, JobRef];
  receiver = await startReceiver(WEBHOOK_SECRET, ({ body }, response) => {
    // The third job meets nobody; every second try of the others fails.
    const isDown = (JSON.parse(body) as { job: number }).job === third.jobId || failures++ % 2 === 0;
    if (isDown) response.writeHead(503).end();
    return isDown;
  });
  const { origin } = receiver;
  await deliver({ orderedDelays: [0, ...Array(500).fill(0.01)] });
  for (let step = 1; step <= 6; step++) await Promise.all(jobs.map((job) => tell(job, step, origin)));
  for (const job of jobs.slice(0, 2)) {
    await settled(job, Array(6).fill('delivered'));
    const seen = steps(job);
    assert.deepEqual(
      seen,
      [...seen].sort((a, b) => a - b),
    );
    assert.deepEqual([...new Set(seen)], [1, 2, 3, 4, 5, 6]);
  }
  assert.deepEqual([...new Set(steps(third))], [1]);
  assert.ok(receiver.received.every(({ headers, isSigned }) => headers.authorization === 'Api-Key k1' && isSigned));
});

test('one that is refused again and again gives way to those behind it; the last one does not', async () => {
  receiver = await startReceiver(WEBHOOK_SECRET, ({ body }, response) => {
    const isRefused = (JSON.parse(body) as { step: number }).step !== 2;
    if (isRefused) response.writeHead(404).end();
    return isRefused;
  });
  const job = await makeJob();
  for (const step of [1, 2, 3]) await tell(job, step, receiver.origin);
  await deliver({ orderedDelays: [0, ...Array(REFUSED_TRIES + 3).fill(0.01)] });
  await settled(job, ['failed', 'delivered', 'failed']);
  const tries = Map.groupBy(steps(job), (step) => step);
  assert.deepEqual(
    [1, 2, 3].map((step) => tries.get(step)?.length),
    [REFUSED_TRIES, 1, REFUSED_TRIES + 4],
  );
});

test('once a later one has arrived, an older one is not sent again; the last one is', async () => {
  receiver = await startReceiver(WEBHOOK_SECRET);
  const job = await makeJob();
  await deliver({});
  for (const step of [1, 2]) await tell(job, step, receiver.origin);
  await settled(job, ['delivered', 'delivered']);
  const [first, last] = await list(job);
  await assert.rejects(resendDelivery(opened.platform, { ...job, id: first?.id ?? '' }), { code: 'conflict' });
  await resendDelivery(opened.platform, { ...job, id: last?.id ?? '' });
  await eventually(() => assert.deepEqual(steps(job), [1, 2, 2]));
});

test('a job that is deleted before its end, or before it was told of, has a last word that outlives it', async () => {
  receiver = await startReceiver(WEBHOOK_SECRET);
  const { config } = opened.platform;
  const platform = {
    ...opened.platform,
    config: { ...config, AWS_STORAGE_BUCKET_NAME: 'media', MAIN_BACKEND_URL: receiver.origin },
  };
  const submit = (videoId: string) => {
    const places = { originalKey: `${videoId}.mp4`, hlsFolderKey: videoId };
    const known = { inputFileSize: null, duration: null, qualityPresets: null, preset: null };
    const request = { videoId, ...places, ...known, segmentType: 'ts', masterPlaylist: 'last' } as const;
    return submitEncoderJob(platform, { projectId: 'default', request });
  };
  const [waiting, over, told] = [await submit('waiting'), await submit('over'), await submit('told')];
  await cancelJob(platform, over);
  await cancelJob(platform, told);
  await fresh.database.db
    .updateTable('delivery')
    .set({ status: 'delivered' })
    .where('job_id', '=', told.jobId)
    .execute();
  for (const job of [waiting, over, told]) await deleteJob(platform, job);
  const { rows } = await fresh.database.pool.query<{ start_after: Date; created_on: Date }>(
    `select start_after, created_on from pgboss.job where name = 'notify' and state = 'created' order by created_on`,
  );
  const waits = rows.map(({ start_after, created_on }) => start_after.getTime() - created_on.getTime() > 15_000);
  assert.equal(waits.filter(Boolean).length, 1, 'one that may be on its way has its time');
  await fresh.database.pool.query(`update pgboss.job set start_after = now() where name = 'notify'`);
  await deliver({});
  const bodies = () =>
    (receiver?.received ?? []).map(({ body }) => JSON.parse(body) as Readonly<Record<string, unknown>>);
  await eventually(() => assert.equal(bodies().length, 2));
  assert.deepEqual(
    bodies()
      .map(({ job_id, video_id, status, error_message }) => [job_id, video_id, status, error_message])
      .sort(([, a], [, b]) => (String(a) < String(b) ? -1 : 1)),
    [
      [over.id, 'over', 'failed', 'The job was canceled'],
      [waiting.id, 'waiting', 'failed', 'The job was deleted'],
    ],
  );
  await eventually(async () => {
    const { rows: left } = await fresh.database.pool.query('select status from delivery where job_id is null');
    assert.deepEqual(left, [{ status: 'delivered' }, { status: 'delivered' }]);
  });
});

test('headers of its own are sealed in the database', async () => {
  receiver = await startReceiver(WEBHOOK_SECRET);
  const job = await makeJob();
  await tell(job, 1, receiver.origin);
  const { rows } = await fresh.database.pool.query('select * from delivery');
  assert.equal(rows.length, 1);
  assert.ok(!JSON.stringify(rows).includes('Api-Key'));
});

test('the delays reach over a day, and are never longer than five minutes', () => {
  assert.ok(ORDERED_DELAYS.reduce((sum, one) => sum + one, 0) >= 24 * 3600);
  assert.equal(Math.max(...ORDERED_DELAYS), 300);
});
