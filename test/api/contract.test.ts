// The words of the jobs API: the examples of docs/jobs.md are taken as they stand, what comes back can be sent again, and the OpenAPI document holds together.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { openServer, type TestServer } from './open-server.ts';

let server: TestServer;
before(async () => {
  // The examples name files of the server.
  server = await openServer({ settings: { FILE_ROOTS: tmpdir() } });
});
after(() => server[Symbol.asyncDispose]());

type Job = { readonly source: object; readonly outputs: readonly { readonly spec: Record<string, unknown> }[] };

async function submit(body: unknown): Promise<Job> {
  const answer = await server.call('POST', '/jobs', { body });
  assert.equal(answer.status, 202, answer.text);
  const { id } = answer.body as { id: number };
  return (await server.call('GET', `/jobs/${id}`)).body as Job;
}

test('every example of the documentation is a job', async () => {
  const page = await readFile(new URL('../../docs/jobs.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  assert.ok(examples.length >= 3);
  for (const example of examples) await submit(example);
});

test('an output comes back in the words of the request, without its secrets, and can be sent again', async () => {
  const mp4 = {
    container: 'mp4',
    videoCodec: 'libx264',
    videoBitrate: '2500k',
    audioCodec: 'aac',
    audioBitrate: '128k',
    width: 1280,
    height: 720,
    fps: '30000/1001',
    start: '00:00:05',
    destination: {
      kind: 's3',
      bucket: 'b',
      path: 'p',
      access_key_id: 'AKIA7',
      access_key_secret: 'hush',
      acl: 'public-read',
    },
  };
  const hls = {
    container: 'hls',
    renditions: ['720p', { height: 360, videoBitrate: 900_000, name: 'small' }],
    watermark: {
      source: { kind: 'http', url: 'https://u:hush@media.invalid/logo.png?sig=hush', headers: { a: 'hush' } },
      scale: 0.2,
    },
    subtitles: { burn: 'en' },
  };
  const job = await submit({ source: { kind: 'http', url: 'https://media.invalid/a.mp4' }, outputs: [mp4, hls] });
  assert.ok(!JSON.stringify(job).includes('hush') && !JSON.stringify(job).includes('AKIA7'));
  const [file, stream] = job.outputs.map(({ spec }) => spec);
  assert.deepEqual(
    [file?.videoBitrate, file?.audioBitrate, file?.width, file?.fps, file?.start],
    ['2500k', '128k', 1280, '30000/1001', 5],
  );
  assert.deepEqual(file?.destination, {
    kind: 's3',
    bucket: 'b',
    path: 'p',
    access_key_id: '***',
    access_key_secret: '***',
    acl: 'public-read',
  });
  assert.deepEqual(stream?.renditions, [
    { name: '720p', height: 720 },
    { name: 'small', height: 360, videoBitrate: '900k' },
  ]);
  assert.deepEqual(stream?.watermark, {
    source: {
      kind: 'https',
      url: 'https://***:***@media.invalid/logo.png?sig=***',
      headers: { a: '***' },
      method: 'PUT',
    },
    position: 'top-right',
    opacity: 1,
    scale: 0.2,
    margin: 0.03,
  });
  const again = await submit({ source: job.source, outputs: [file, stream] });
  assert.deepEqual(
    again.outputs.map(({ spec }) => spec),
    [file, stream],
  );
});

test('the OpenAPI document refers to nothing that is not in it, and names every field', async () => {
  const { body, text } = await server.call('GET', '/openapi.json');
  for (const [, path = ''] of text.matchAll(/"\$ref":\s*"#\/([^"]+)"/g)) {
    const found = path
      .split('/')
      .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], body);
    assert.ok(found, path);
  }
  const document = body as {
    paths: Record<string, { post: { requestBody: { content: Record<string, { schema: Schema }> } } }>;
  };
  const schema = document.paths['/jobs']?.post.requestBody.content['application/json']?.schema;
  assert.deepEqual(Object.keys(schema?.properties ?? {}), [
    'source',
    'outputs',
    'priority',
    'notificationUrl',
    'metadata',
  ]);
  const fields = Object.keys(schema?.properties?.outputs?.items?.properties ?? {});
  const contract =
    'container videoCodec audioCodec width height fit fps videoBitrate maxBitrate crf preset audioBitrate audioChannels audioSampleRate start duration normalizeAudio renditions thumbnails watermark destination';
  assert.deepEqual(
    contract.split(' ').filter((name) => !fields.includes(name)),
    [],
  );
  const form = document.paths['/jobs']?.post.requestBody.content['multipart/form-data']?.schema;
  assert.deepEqual(Object.keys(form?.properties ?? {}), ['spec', 'file']);
  assert.ok(form?.properties?.spec?.properties?.outputs);
  assert.deepEqual(
    Object.keys(document.paths).filter((path) => path.includes('*')),
    [],
  );
  assert.ok('/jobs/{id}/outputs/{index}/{path}' in document.paths);
});

type Schema = { readonly properties?: Readonly<Record<string, Schema>>; readonly items?: Schema };
