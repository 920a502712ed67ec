// A thousand webhooks, a fifth of the tries failing, the workers killed in between: every one arrives, under one id.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { listDeliveries } from '#database/deliveries.ts';
import { saveQueueState } from '#database/queue-state.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import { pauseJob } from '#workflows/pause-job.ts';
import { resumeJob } from '#workflows/resume-job.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type Receiver, startReceiver } from '../kit/webhook-receiver.ts';
import { jobRequest, openTestPlatform, type TestPlatform, WEBHOOK_SECRET } from './test-platform.ts';

const JOBS = 200;
const STATES = ['job.queued', 'job.paused', 'job.queued', 'job.paused', 'job.canceled'];

let fresh: FreshDatabase;
let opened: TestPlatform;
let receiver: Receiver;
const children: ChildProcess[] = [];
/** What was answered with 2xx. */
const accepted = new Map<string, { readonly body: string; readonly first: number }>();
let failures = 0;

before(async () => {
  fresh = await freshDatabase();
  opened = await openTestPlatform(fresh.database);
  // Webhooks alone.
  await saveQueueState(fresh.database.db, 'paused');
  receiver = await startReceiver(WEBHOOK_SECRET, ({ id, body }, response) => {
    if (Math.random() < 0.2) {
      const way = failures++ % 3;
      if (way === 0) response.writeHead(500).end();
      // A line that is cut; the third way is silence.
      else if (way === 1) response.destroy();
      return true;
    }
    if (!accepted.has(id)) accepted.set(id, { body, first: accepted.size });
    return false;
  });
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await receiver.stop();
  await opened.close();
  await fresh.drop();
});

async function startChild(): Promise<ChildProcess> {
  const args = [fresh.url, opened.folder, Buffer.from(opened.sealingKey).toString('hex')];
  const child = fork(join(import.meta.dirname, 'webhook-process.ts'), args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.push(child);
  await once(child, 'message');
  return child;
}

/** Five states of a job, each with its webhook. */
async function live(path: string): Promise<number> {
  const { platform } = opened;
  const { job } = await submitJob(platform, jobRequest({ notificationUrl: receiver.origin + path }));
  const ref = { projectId: 'default', jobId: job.id };
  await pauseJob(platform, ref);
  await resumeJob(platform, ref);
  await pauseJob(platform, ref);
  await cancelJob(platform, ref);
  return job.id;
}

test(`${JOBS * STATES.length} webhooks, a fifth of the tries failing, two workers killed: each arrives`, async (t) => {
  const began = performance.now();
  const workers = [await startChild(), await startChild()];
  const jobs: number[] = [];
  const submitting = Promise.all(
    Array.from({ length: 8 }, async (_, hand) => {
      for (let i = hand; i < JOBS; i += 8) jobs.push(await live(`/jobs/${i}?token=${randomBytes(4).toString('hex')}`));
    }),
  );
  for (const arrived of [250, 600]) {
    await eventually(() => assert.ok(accepted.size >= arrived, `${accepted.size} arrived`));
    workers.shift()?.kill('SIGKILL');
    workers.push(await startChild());
  }
  await submitting;
  const wanted = JOBS * STATES.length;
  await eventually(() => assert.equal(accepted.size, wanted));
  const { received } = receiver;
  const tries = Map.groupBy(received, ({ id }) => id);
  const again = [...tries.values()].filter((sent) => sent.length > 1);
  t.diagnostic(
    `${wanted} arrived in ${((performance.now() - began) / 1000).toFixed(1)} s; ${received.length} requests, ${failures} failed, ${again.length} ids came more than once`,
  );
  assert.equal(tries.size, wanted);
  assert.ok(received.every(({ isSigned }) => isSigned));
  for (const sent of again) assert.equal(new Set(sent.map(({ body, path }) => body + path)).size, 1);
  assert.ok(failures > wanted / 10, 'the failures were meant');

  // In the end nothing waits, and each record says what the receiver saw.
  // What a killed worker had sent already comes round once more.
  await eventually(async () => {
    const { active, waiting } = (await opened.platform.queue.counts()).notify;
    assert.deepEqual({ active, waiting }, { active: 0, waiting: 0 });
  });
  const firstSeen = new Map(received.map(({ id }, i) => [id, i] as const).reverse());
  for (const jobId of jobs) {
    const found = await listDeliveries(fresh.database.db, { projectId: 'default', jobId }, opened.platform.sealer);
    assert.deepEqual(
      found.map(({ type, status }) => [type, status]),
      STATES.map((type) => [type, 'delivered']),
    );
    const order = found.map(({ id }) => firstSeen.get(id) ?? -1);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      'none was sent before an earlier one was tried',
    );
    for (const { attempts } of found) assert.equal(attempts.at(-1)?.statusCode, 204);
  }
});
