// Every kind of source to every kind of destination, on the whole road and against real servers; and that nothing anywhere keeps their secrets.
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import pg from 'pg';
import { describeMedia, needTool, readFrames, readMaster } from '../kit/decode.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../kit/fault-proxy.ts';
import { servedFile } from '../kit/http-server.ts';
import type { RenditionServer } from '../kit/rendition-server.ts';
import { startVsftpd } from '../kit/vsftpd.ts';
import {
  bucket,
  DESTINATIONS,
  folder,
  fresh,
  ftp,
  ftpPlace,
  readObject,
  SECRETS,
  SOURCES,
  s3,
  served,
  server,
  skip,
  store,
  swift,
  unopened,
  web,
} from './every-place.ts';

type View = Awaited<ReturnType<RenditionServer['job']>>;

async function submit(body: object): Promise<string> {
  const response = await fetch(`${server.url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 202, await response.clone().text());
  return ((await response.json()) as { uuid: string }).uuid;
}

async function completed(body: object): Promise<{ id: string; job: View }> {
  const id = await submit(body);
  const job = await server.waitFor(id, 300);
  assert.equal(
    job.status,
    'completed',
    `${JSON.stringify(job.outputs.map(({ error }) => error))}\n${await server.log(id)}`,
  );
  return { id, job };
}

async function checkFilm(bytes: Buffer, what: string): Promise<void> {
  const path = join(folder, 'result.mp4');
  await writeFile(path, bytes);
  const { streams, duration } = await describeMedia(path);
  assert.deepEqual(
    streams.map(({ type, width }) => `${type} ${width}`),
    ['video 96', 'audio 0'],
    what,
  );
  assert.ok(Math.abs((duration ?? 0) - 2) < 0.1, what);
}

describe('sources and destinations', { ...skip, concurrency: 1 }, () => {
  for (const source of Object.keys(SOURCES)) {
    test(`from ${source} to everywhere`, async () => {
      const names = Object.keys(DESTINATIONS);
      const places = names.map((name) => DESTINATIONS[name]?.(`${source}-to-${name}`));
      const { job } = await completed({
        source: await SOURCES[source]?.(),
        outputs: places.map((one) => ({ container: 'mp4', width: 96, preset: 'ultrafast', destination: one?.place })),
        notificationUrl: `${web.origin}/open/hook?signature=${SECRETS.hook}`,
      });
      for (const [i, name] of names.entries()) {
        const { url } = job.outputs[i]?.result ?? { url: '' };
        const isHere = name === 'managed';
        const bytes = isHere ? Buffer.from(await (await fetch(url)).arrayBuffer()) : await places[i]?.read();
        await checkFilm(bytes ?? Buffer.alloc(0), `${source} to ${name}, ${url}`);
      }
    });
  }

  test('content type and access of an object are as asked', async () => {
    const info = await store.stat('out/file-to-s3.mp4');
    assert.equal(info.contentType, 'video/mp4');
    const url = `${swift.endpoint}/${bucket}/out/file-to-s3.mp4`;
    const { S3Client, GetObjectAclCommand } = await import('@aws-sdk/client-s3');
    const client = new S3Client({
      region: 'us-east-1',
      endpoint: swift.endpoint,
      forcePathStyle: true,
      credentials: { accessKeyId: swift.accessKeyId, secretAccessKey: swift.accessKeySecret },
    });
    const { Grants: grants } = await client.send(
      new GetObjectAclCommand({ Bucket: bucket, Key: 'out/file-to-s3.mp4' }),
    );
    client.destroy();
    assert.ok(
      grants?.some(({ Grantee: who, Permission: what }) => /AllUsers/.test(who?.URI ?? '') && what === 'READ'),
      `${url}: ${JSON.stringify(grants)}`,
    );
    assert.equal(web.files.get('/out/file-to-http.mp4')?.type, 'video/mp4');
    const methods = web.requests.filter(({ url: path }) => path.startsWith('/post/')).map(({ method }) => method);
    assert.ok(methods.length > 0 && methods.every((method) => method === 'POST'), methods.join());
    assert.deepEqual(unopened, [], 'every request carried what opens the place');
  });

  test('a stream becomes a folder of files anywhere', async () => {
    const places: readonly (readonly [object, (name: string) => Promise<Buffer>])[] = [
      [s3('hls'), (name) => readObject(`hls/${name}`)],
      [ftpPlace(ftp, 'hls'), (name) => readFile(join(ftp.root, 'files', 'hls', name))],
      [{ kind: 'http', url: `${web.origin}/open/hls` }, async (name) => served(web, `/open/hls/${name}`)()],
      [{ kind: 'file', path: 'hls' }, (name) => readFile(join(folder, 'files', 'hls', name))],
    ];
    const stream = { container: 'hls', renditions: ['108p', '54p'], preset: 'ultrafast', passthrough: 'never' };
    await completed({
      source: { kind: 'file', path: 'film.mp4' },
      outputs: places.map(([destination]) => ({ ...stream, destination })),
    });
    const names = (await readdir(join(folder, 'files', 'hls'), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, 'files', 'hls').length + 1))
      .sort();
    assert.ok(
      names.includes('master.m3u8') && names.includes('54p/segment_00000.m4s') && names.includes('audio/init.mp4'),
      names.join(),
    );
    for (const [i, [, read]] of places.entries()) {
      for (const name of names)
        assert.ok((await read(name)).equals(await readFile(join(folder, 'files', 'hls', name))), `${i}: ${name}`);
    }
    const { variants } = await readMaster(`${web.origin}/open/hls/master.m3u8`);
    for (const { url, width } of variants) assert.equal((await describeMedia(url)).streams[0]?.width, width);
    assert.equal(web.files.get('/open/hls/54p/playlist.m3u8')?.type, 'application/vnd.apple.mpegurl');
  });

  test('transfers go on after their connection broke, from and to everywhere', async () => {
    const long = join(folder, 'files', 'long.mp4');
    const noise = ['-f', 'lavfi', '-i', 'testsrc2=s=192x108:r=25:d=2,noise=alls=60:allf=t'];
    await needTool('ffmpeg', [
      '-v',
      'error',
      '-y',
      ...noise,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-crf',
      '1',
      long,
    ]);
    const bytes = await readFile(long);
    assert.ok(bytes.length > 400_000);
    const most = Math.floor(bytes.length * 0.6);
    await using open = new AsyncDisposableStack();
    const stopped = <T extends { stop(): Promise<void> }>(one: T): T => open.adopt(one, (it) => it.stop());
    const narrow = stopped(await startVsftpd({ oneDataPort: true }));
    const proxy = async (target: number, fault: (n: number) => Fault) =>
      stopped(await startFaultProxy({ target, fault }));
    /** The data connections of FTP go through a proxy of their own, whose address stands in what the server answers. */
    const ftpThrough = async (data: FaultProxy, path: string) => {
      const rewrite = (text: string) => text.replace(`|||${narrow.dataPort}|`, `|||${data.port}|`);
      const control = stopped(await startFaultProxy({ target: narrow.port, fault: () => ({}), rewrite }));
      return { ...ftpPlace(narrow, path), port: control.port };
    };
    web.files.set('/open/long.mp4', servedFile(bytes));
    await store.write('in/long.mp4', bytes);
    await writeFile(join(narrow.root, 'files', 'long.mp4'), bytes);

    const down = await Promise.all(
      [web.port, swift.port, narrow.dataPort].map((target) => proxy(target, (n) => (n < 2 ? { cutAfter: most } : {}))),
    );
    const [fromWeb, fromS3, fromFtp] = down;
    assert.ok(fromWeb && fromS3 && fromFtp);
    const sources = [
      { kind: 'http', url: `http://127.0.0.1:${fromWeb.port}/open/long.mp4` },
      { ...s3('in/long.mp4'), endpoint: `http://127.0.0.1:${fromS3.port}` },
      await ftpThrough(fromFtp, 'long.mp4'),
    ];
    for (const [i, source] of sources.entries()) {
      const { id, job } = await completed({ source, outputs: [{ container: 'mkv', videoCodec: 'copy' }] });
      assert.ok((down[i]?.connections() ?? 0) > 1, `connections of ${i}`);
      await server.log(id, new RegExp(`${bytes.length} bytes`));
      // Gone on within the one try that there was.
      assert.equal((job as unknown as { attempts: number }).attempts, 1);
    }

    const up = await Promise.all(
      [web.port, swift.port, narrow.dataPort].map((target) =>
        proxy(target, (n) => (n < 1 ? { cutUploadAfter: most } : {})),
      ),
    );
    const [toWeb, toS3, toFtp] = up;
    assert.ok(toWeb && toS3 && toFtp);
    const places: readonly (readonly [object, () => Promise<Buffer>])[] = [
      [{ kind: 'http', url: `http://127.0.0.1:${toWeb.port}/open/resent.mkv` }, served(web, '/open/resent.mkv')],
      [{ ...s3('out/resent.mkv'), endpoint: `http://127.0.0.1:${toS3.port}` }, () => readObject('out/resent.mkv')],
      [await ftpThrough(toFtp, 'resent.mkv'), () => readFile(join(narrow.root, 'files', 'resent.mkv'))],
    ];
    const { job } = await completed({
      source: { kind: 'file', path: 'long.mp4' },
      outputs: places.map(([destination]) => ({ container: 'mkv', videoCodec: 'copy', destination })),
    });
    for (const [i, [, read]] of places.entries()) {
      assert.ok((up[i]?.connections() ?? 0) > 1, `connections of ${i}`);
      const sent = await read();
      assert.equal(sent.length, (job.outputs[i]?.result as { size?: number } | null)?.size, `bytes of ${i}`);
      const copy = join(folder, `resent-${i}.mkv`);
      await writeFile(copy, sent);
      const [picture] = (await describeMedia(copy)).streams;
      assert.equal(picture && (await readFrames(copy, picture)).length, 50);
    }
  });

  test('no table, no log, no answer and no event holds a secret', async () => {
    const client = new pg.Client({ connectionString: fresh.url });
    await client.connect();
    const dump: string[] = [];
    try {
      const { rows: tables } = await client.query<{ name: string }>(
        `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
         where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
      );
      assert.ok(
        tables.some(({ name }) => name.endsWith('.job_log')) && tables.some(({ name }) => /pgboss/.test(name)),
        JSON.stringify(tables),
      );
      for (const { name } of tables) {
        const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
        dump.push(`-- ${name}`, ...rows.map(({ row }) => row));
      }
    } finally {
      await client.end();
    }
    const ids = dump.join('\n').match(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g) ?? [];
    assert.ok(ids.length > 10);
    const get = async (path: string) => (await fetch(server.url + path)).text();
    const answers = [
      await get('/jobs?limit=200'),
      await get('/events?after=0&limit=1000'),
      await get('/metrics'),
      await get('/workers'),
    ];
    const { jobs } = JSON.parse(answers[0] ?? '') as { jobs: { uuid: string }[] };
    assert.ok(jobs.length >= 10);
    for (const { uuid } of jobs)
      answers.push(await get(`/jobs/${uuid}`), await get(`/jobs/${uuid}/log`), await get(`/jobs/${uuid}/deliveries`));
    const places = { database: dump.join('\n'), answers: answers.join('\n'), 'the log': server.output() };
    assert.ok(places['the log'].includes('ready'));
    for (const [place, text] of Object.entries(places)) {
      for (const [name, secret] of Object.entries(SECRETS)) {
        const forms = [
          secret,
          Buffer.from(secret).toString('base64').slice(2, -4),
          Buffer.from(secret).toString('hex'),
        ];
        for (const form of forms) assert.ok(!text.includes(form), `${place} holds ${name}: …${around(text, form)}…`);
      }
    }
  });
});

const around = (text: string, word: string): string => {
  const at = text.indexOf(word);
  return text.slice(Math.max(0, at - 200), at + 60);
};
