// The delivery log and sending again over HTTP, from a job that a worker really does; whose links and whose secrets stand in what arrives.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { startReceiver } from '../kit/webhook-receiver.ts';
import { makeFilm, openServer, type TestServer } from './open-server.ts';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
type Listed = {
  deliveries: {
    id: string;
    type: string;
    url: string;
    status: string;
    attempts: { statusCode: number }[];
    nextAttemptAt: string | null;
  }[];
};

let server: TestServer;
before(async () => {
  server = await openServer({ works: true, settings: { EGRESS_ALLOW: '127.0.0.1', WEBHOOK_SECRET: SECRET } });
});
after(() => server[Symbol.asyncDispose]());

const listed = async (id: number) => (await server.call('GET', `/jobs/${id}/deliveries`)).body as Listed;

test('the states of a job arrive, are listed and can be sent again', async () => {
  const receiver = await startReceiver(SECRET);
  try {
    const body = {
      source: { kind: 'inline', data: Buffer.from('no film').toString('base64') },
      outputs: [{ container: 'mp4' }],
      notificationUrl: `${receiver.origin}/hook?token=abc`,
    };
    const { id } = (await server.call('POST', '/jobs', { body })).body as { id: number };
    const { deliveries } = await eventually(() => listed(id), {
      until: (found) => found.deliveries.length === 3 && found.deliveries.every(({ status }) => status === 'delivered'),
    });
    assert.deepEqual(
      deliveries.map(({ type }) => type),
      ['job.queued', 'job.processing', 'job.failed'],
    );
    assert.ok(
      deliveries.every(
        ({ url, attempts, nextAttemptAt }) =>
          url === `${receiver.origin}/hook?token=***` && attempts[0]?.statusCode === 204 && nextAttemptAt === null,
      ),
    );
    assert.ok(receiver.received.every(({ isSigned, path }) => isSigned && path === '/hook?token=abc'));
    const last = JSON.parse(receiver.received[2]?.body ?? '');
    const { body: job } = await server.call('GET', `/jobs/${id}`);
    assert.deepEqual(last.data.job, job);

    const again = await server.call('POST', `/jobs/${id}/deliveries/${deliveries[0]?.id}/resend`);
    assert.deepEqual([again.status, (again.body as { status: string }).status], [202, 'pending']);
    await eventually(async () => receiver.received.length, { until: (count) => count === 4 });
    assert.equal(receiver.received[3]?.id, deliveries[0]?.id);
    const after = await eventually(() => listed(id), { until: (found) => found.deliveries[0]?.status === 'delivered' });
    assert.equal(after.deliveries[0]?.attempts.length, 2);
  } finally {
    await receiver.stop();
  }
});

test('links in what arrives lead to the server as its caller knew it', async () => {
  const receiver = await startReceiver(SECRET);
  try {
    const film = await makeFilm(server.folder, 1);
    const body = {
      source: { kind: 'inline', data: film },
      outputs: [{ container: 'png' }],
      notificationUrl: receiver.origin,
    };
    const { uuid } = (await server.call('POST', '/jobs', { body })).body as { uuid: string };
    await eventually(async () => receiver.received.length, { until: (count) => count === 3 });
    const { type, data } = JSON.parse(receiver.received[2]?.body ?? '');
    assert.equal(type, 'job.completed', JSON.stringify(data.job.error));
    assert.equal(data.job.outputs[0].result.url, `${server.base}/jobs/${uuid}/outputs/0/output.png`);
  } finally {
    await receiver.stop();
  }
});

test('what is not there is 404, and a bad address stores nothing', async () => {
  const body = { source: { kind: 'http', url: 'https://media.invalid/a' }, outputs: [{ container: 'mp3' }] };
  const { id } = (await server.call('POST', '/jobs', { body })).body as { id: number };
  assert.deepEqual(await listed(id), { deliveries: [] });
  for (const path of [
    `/jobs/${id}/deliveries/x/resend`,
    `/jobs/${id}/deliveries/${crypto.randomUUID()}/resend`,
    '/jobs/999999/deliveries/x/resend',
  ])
    assert.equal((await server.call('POST', path)).status, 404, path);
  assert.equal((await server.call('GET', '/jobs/999999/deliveries')).status, 404);
  const refused = await server.call('POST', '/jobs', { body: { ...body, notificationUrl: 'ftp://example.com/x' } });
  assert.deepEqual(
    [refused.status, (refused.body as { errors: { path: string }[] }).errors[0]?.path],
    [400, 'notificationUrl'],
  );
});
