import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { listenOnSeedPorts, type SeedPorts } from '#cli/seed-ports.ts';
import { openServer, type TestServer } from './open-server.ts';
import { bigFilm, sendChunk } from './upload-client.ts';

let server: TestServer;
let services: SeedPorts;
before(async () => {
  server = await openServer();
  const free = { upload: 0, transcoding: 0, metadata: 0, streaming: 0, admin: 0 };
  services = await listenOnSeedPorts(server.platform, Number(new URL(server.base).port), free);
});
after(async () => {
  await services.close();
  await server[Symbol.asyncDispose]();
});

const at = (service: keyof SeedPorts['ports']): string => `http://127.0.0.1:${services.ports[service]}`;
const json = async (url: string, options?: RequestInit) => {
  const response = await fetch(url, options);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
/** A path of each service that it alone answers. */
const OWN = {
  upload: 'GET /api/speedtest?bytes=1',
  transcoding: 'GET /transcode/status/none',
  metadata: 'GET /videos',
  streaming: 'GET /stream/none/master.m3u8',
  admin: 'GET /admin/status',
} as const;
const DOCUMENTED = {
  upload: '/upload/init',
  transcoding: '/transcode/start',
  metadata: '/videos/{hash}',
  streaming: '/stream/{id}/{path}',
  admin: '/admin/resume_all',
} as const;

test('each service answers on a port of its own, with its health and its documentation', async () => {
  for (const name of Object.keys(OWN) as (keyof typeof OWN)[]) {
    const health = await json(`${at(name)}/health`);
    assert.deepEqual([health.status, health.body.service, health.body.status], [200, name, 'healthy']);
    const docs = await fetch(`${at(name)}/docs/`);
    assert.deepEqual([docs.status, docs.headers.get('content-type')?.split(';')[0]], [200, 'text/html']);
    const { paths } = (await json(`${at(name)}/openapi.json`)).body as { paths: Record<string, unknown> };
    for (const other of Object.keys(OWN) as (keyof typeof OWN)[]) {
      const path = OWN[other].split(' ')[1] ?? '';
      assert.equal(DOCUMENTED[other] in paths, other === name, `${name} documents ${DOCUMENTED[other]}`);
      if (other === name) continue;
      const { body } = await json(at(name) + path);
      assert.match(String(body.detail), /There is nothing at/, `${name} answers ${path}`);
    }
  }
});

test('the workflow of the five services, from port to port', async () => {
  const form = new FormData();
  form.set('filename', 'video.mp4');
  form.set('total_chunks', '1');
  const begun = await json(`${at('upload')}/upload/init`, { method: 'POST', body: form });
  const id = String(begun.body.upload_id);
  const bytes = await bigFilm(server.folder, 100_000);
  assert.equal((await sendChunk(at('upload'), { id, index: 0, bytes })).status, 200);
  const whole = new FormData();
  whole.set('upload_id', id);
  const done = await json(`${at('upload')}/upload/complete`, { method: 'POST', body: whole });
  assert.deepEqual(
    [done.status, done.body.master_url],
    [202, `${at('streaming')}/stream/${id}/master.m3u8`],
    'what plays is served by the streaming service',
  );
  assert.equal((await json(`${at('transcoding')}/transcode/status/${id}`)).body.status, 'queued');
  assert.equal((await json(`${at('metadata')}/videos/${id}`)).body.hash, id);
  const stopped = await json(`${at('admin')}/admin/videos/${id}/stop`, { method: 'POST' });
  assert.deepEqual([stopped.status, stopped.body.status], [200, 'stopped']);
  assert.equal((await json(`${server.base}/videos/${id}`)).body.status, 'stopped');
  const { jobs } = (await json(`${at('admin')}/admin/videos/${id}/status`)).body as { jobs: { log_url: string }[] };
  const log = new URL(jobs[0]?.log_url ?? '');
  assert.equal(log.origin, server.base, 'what only the server of everything serves');
  assert.equal((await fetch(log)).status, 200);
});
