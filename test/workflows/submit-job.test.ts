// Submitting: all or nothing, once per key, and no secret in the database.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { listEvents } from '#database/events.ts';
import { findJob } from '#database/jobs.ts';
import { PlatformError } from '#domain/error.ts';
import { receiveUpload } from '#workflows/receive-upload.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { jobRequest, openTestPlatform, streamSpec, type TestPlatform } from './test-platform.ts';

let fresh: FreshDatabase;
let opened: TestPlatform;

before(async () => {
  fresh = await freshDatabase();
  opened = await openTestPlatform(fresh.database, { settings: { MAX_OUTPUTS: '3', MAX_SOURCE_BYTES: '1000' } });
});
after(async () => {
  await opened.close();
  await fresh.drop();
});

const rows = async (table: string): Promise<number> => {
  const { rows } = await fresh.database.pool.query<{ count: number }>(`select count(*) from ${table}`);
  return rows[0]?.count ?? -1;
};
const code = (wanted: string) => (error: unknown) => error instanceof PlatformError && error.code === wanted;

test('a job is its row, its outputs, its entry and its event', async () => {
  const { platform } = opened;
  const { job, outputs, isNew } = await submitJob(
    platform,
    jobRequest({ outputs: [streamSpec(), streamSpec({ container: 'mp4' })] }),
  );
  assert.equal(isNew, true);
  assert.equal(job.status, 'queued');
  assert.match(job.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.deepEqual(
    outputs.map(({ index, status, spec }) => [index, status, spec.container]),
    [
      [0, 'pending', 'hls'],
      [1, 'pending', 'mp4'],
    ],
  );
  assert.equal((await platform.queue.counts()).run.waiting, 1);
  const events = await listEvents(platform.database.db, { projectId: 'default', after: 0, limit: 10 });
  assert.deepEqual(
    events.map(({ type, jobId }) => [type, jobId]),
    [['job.queued', job.id]],
  );
});

test('a submission that fails on its way leaves nothing: no row, no entry, no event, no bytes', async () => {
  const { platform } = opened;
  const before = [await rows('job'), await rows('output'), await rows('event'), await rows('pgboss.job')];
  const queue = Object.create(platform.queue, {
    sendAll: {
      value: async () => {
        throw new Error('the queue is gone');
      },
    },
  });
  const source = { kind: 'inline' as const, data: Buffer.from('bytes').toString('base64'), filename: null };
  await assert.rejects(submitJob({ ...platform, queue }, jobRequest({ source })), /the queue is gone/);
  assert.deepEqual([await rows('job'), await rows('output'), await rows('event'), await rows('pgboss.job')], before);
  for await (const { key } of platform.storage.list('jobs/')) assert.fail(`left behind: ${key}`);
});

test('one key makes one job, also when many ask at once; another request with it is refused', async () => {
  const { platform } = opened;
  const request = jobRequest({ idempotencyKey: 'key-1', metadata: { b: 1, a: { d: 2, c: 3 } } });
  const same = { ...request, metadata: { a: { c: 3, d: 2 }, b: 1 } };
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => submitJob(platform, i % 2 ? request : same)));
  assert.equal(new Set(answers.map(({ job }) => job.id)).size, 1);
  assert.equal(answers.filter(({ isNew }) => isNew).length, 1);
  await assert.rejects(submitJob(platform, { ...request, priority: 51 }), code('idempotency_conflict'));
});

test('secrets are sealed in the database and open again for the worker', async () => {
  const { platform } = opened;
  const secrets = [
    'AKIAVERYSECRET',
    'wJalrSecretKey',
    'session-token',
    'ftp-password',
    'Bearer abc123',
    'signature=deadbeef',
    'hook-token',
    'basic-pass',
  ];
  const destination = {
    kind: 's3' as const,
    bucket: 'bucket',
    path: 'film',
    region: null,
    endpoint: null,
    forcePathStyle: null,
    acl: null,
    accessKeyId: 'AKIAVERYSECRET',
    accessKeySecret: 'wJalrSecretKey',
    sessionToken: 'session-token',
  };
  const ftp = { kind: 'ftp' as const, host: 'example.org', port: 21, user: 'me', password: 'ftp-password', path: '/x' };
  const source = {
    kind: 'https' as const,
    method: 'PUT' as const,
    url: 'https://user:basic-pass@example.org/film.mp4?signature=deadbeef',
    headers: { authorization: 'Bearer abc123' },
  };
  const { job, outputs } = await submitJob(
    platform,
    jobRequest({
      source,
      outputs: [streamSpec({ destination }), streamSpec({ destination: ftp })],
      notificationUrl: 'https://example.org/hook?token=hook-token',
    }),
  );
  assert.deepEqual(job.source, source);
  assert.deepEqual(
    outputs.map(({ spec }) => spec.destination),
    [destination, ftp],
  );
  const { rows: tables } = await fresh.database.pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  for (const { name } of tables) {
    const { rows: lines } = await fresh.database.pool.query<{ line: string }>(`select t::text as line from ${name} t`);
    const text = lines.map(({ line }) => line).join('\n');
    for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} stands in ${name}`);
  }
  const read = await findJob(fresh.database.db, { projectId: 'default', jobId: job.id }, platform.sealer);
  assert.equal(read?.notificationUrl, 'https://example.org/hook?token=hook-token');
});

test('an inline source lies in storage before the job is acknowledged, and not in its row', async () => {
  const { platform } = opened;
  const source = { kind: 'inline' as const, data: Buffer.from('the bytes').toString('base64'), filename: 'a.mp4' };
  const { job } = await submitJob(platform, jobRequest({ source }));
  assert.deepEqual(job.source, { ...source, data: '' });
  assert.equal(String(Buffer.concat(await (await platform.storage.read(job.sourceKey ?? '')).toArray())), 'the bytes');
});

test('an upload becomes a source once it is whole', async () => {
  const { platform } = opened;
  const upload = await receiveUpload(platform, {
    projectId: 'default',
    filename: '../odd\u0000name.mp4',
    body: Readable.from([Buffer.from('film')]),
  });
  assert.deepEqual([upload.status, upload.size, upload.filename], ['received', 4, '../oddname.mp4']);
  const { job } = await submitJob(platform, jobRequest({ source: { kind: 'upload', uploadId: upload.id } }));
  assert.equal(job.sourceKey, upload.storageKey);
  await assert.rejects(
    submitJob(platform, jobRequest({ source: { kind: 'upload', uploadId: crypto.randomUUID() } })),
    code('not_found'),
  );
});

test('an upload beyond the limit ends as soon as that is known, and leaves nothing', async () => {
  const { platform } = opened;
  let sent = 0;
  async function* endless() {
    for (;;) {
      sent += 100;
      yield Buffer.alloc(100);
    }
  }
  const uploads = await rows('upload');
  await assert.rejects(
    receiveUpload(platform, {
      projectId: 'default',
      filename: 'big',
      body: Readable.from(endless(), { highWaterMark: 1 }),
    }),
    code('source_too_large'),
  );
  assert.ok(sent < 2_000_000, `${sent} bytes were taken`);
  await assert.rejects(
    receiveUpload(platform, { projectId: 'default', filename: 'none', body: Readable.from([]) }),
    code('empty_source'),
  );
  assert.equal(await rows('upload'), uploads);
});

test('requests beyond the limits are refused by name', async () => {
  const { platform } = opened;
  await assert.rejects(submitJob(platform, jobRequest({ outputs: [] })), code('invalid_request'));
  await assert.rejects(
    submitJob(platform, jobRequest({ outputs: Array(4).fill(streamSpec()) })),
    code('limit_exceeded'),
  );
  await assert.rejects(submitJob(platform, jobRequest({ priority: 101 })), code('invalid_request'));
});
