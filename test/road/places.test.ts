// Every kind of source to every kind of destination, on the whole road and against real servers; and that nothing anywhere keeps their secrets.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { openS3 } from '#storage/s3.ts';
import type { Store } from '#storage/store.ts';
import { makeCertificate } from '../kit/certificate.ts';
import { describeMedia, needTool, readFrames, readMaster } from '../kit/decode.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../kit/fault-proxy.ts';
import { type FileServer, servedFile, startFileServer } from '../kit/http-server.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type RenditionServer, startRendition } from '../kit/rendition-server.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';
import { startVsftpd, type Vsftpd, vsftpdMissing } from '../kit/vsftpd.ts';

/** Each of these words must be found nowhere but where it was sent to. */
const SECRETS = {
  s3: 'kX3mPq8ZtR5wVn2L',
  sessionToken: 'tok7HsbC1nQwY4eJ',
  ftp: 'fT9pDw6LkXz2Rg5B',
  header: 'hD4rAu8NvMc3Ty7K',
  query: 'qU5yEp1WsGx6Jo9F',
  userInfo: 'uI2nFo7BzHt8Ld4S',
  hook: 'wH6kOo3RmCj9Va1P',
};
const bucket = 'media';

let folder = '';
let film = '';
let fresh: FreshDatabase;
let swift: Swift;
let ftp: Vsftpd;
let ftps: Vsftpd;
let web: FileServer;
let secureWeb: FileServer;
let store: Store;
let server: RenditionServer;
/** Requests that arrived without what opens the place. */
const unopened: string[] = [];

const missing = swiftMissing() || vsftpdMissing();
const skip = missing ? { skip: missing } : {};

before(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), 'rendition-places-'));
  await mkdir(join(folder, 'files'));
  film = join(folder, 'files', 'film.mp4');
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=192x108:r=25:d=2'];
  const sound = ['-f', 'lavfi', '-i', 'sine=440:d=2'];
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest'];
  await needTool('ffmpeg', ['-v', 'error', '-y', ...picture, ...sound, ...encode, film]);
  const certificate = await makeCertificate(folder);
  const opened = (authorization: string | undefined, url: string) =>
    authorization === `Bearer ${SECRETS.header}` ||
    url.includes(`signature=${SECRETS.query}`) ||
    url.startsWith('/open/');
  const guarded = {
    behave: (request: { headers: { authorization?: string | undefined }; url?: string | undefined }) => {
      if (!opened(request.headers.authorization, request.url ?? '')) unopened.push(request.url ?? '');
      return false;
    },
  };
  [fresh, swift, ftp, ftps, web, secureWeb] = await Promise.all([
    freshDatabase(),
    startSwift({ accessKeySecret: SECRETS.s3 }),
    startVsftpd(),
    startVsftpd({ secure: true }),
    startFileServer(guarded),
    startFileServer({ ...guarded, tls: certificate }),
  ]);
  await writeFile(join(folder, 'ca.pem'), certificate.cert + (ftps.certificate?.cert ?? ''));
  store = openS3({
    bucket,
    prefix: '',
    region: null,
    endpoint: swift.endpoint,
    forcePathStyle: null,
    credentials: { accessKeyId: swift.accessKeyId, accessKeySecret: swift.accessKeySecret, sessionToken: null },
    role: 'destination',
    acl: null,
    guard: null,
  });
  await makeBucket();
  const bytes = await readFile(film);
  web.files.set('/film.mp4', servedFile(bytes));
  secureWeb.files.set('/film.mp4', servedFile(bytes));
  await store.write('in/film.mp4', bytes);
  for (const one of [ftp, ftps]) await writeFile(join(one.root, 'files', 'film.mp4'), bytes);
  server = await startRendition({
    settings: {
      DATABASE_URL: fresh.url,
      EGRESS_ALLOW: '127.0.0.0/8',
      FILE_ROOTS: join(folder, 'files'),
      LOG_LEVEL: 'trace',
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      SCRATCH_RESERVE_BYTES: '0',
    },
  });
});
after(async () => {
  if (missing) return;
  await server?.stop();
  await store?.close();
  await Promise.all([swift, ftp, ftps, web, secureWeb].map((one) => one?.stop()));
  await fresh?.drop();
  await rm(folder, { recursive: true, force: true });
});

async function makeBucket(): Promise<void> {
  const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: swift.endpoint,
    forcePathStyle: true,
    credentials: { accessKeyId: swift.accessKeyId, secretAccessKey: swift.accessKeySecret },
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
}

const s3 = (path: string) => ({
  kind: 's3',
  bucket,
  path,
  endpoint: swift.endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  access_key_id: swift.accessKeyId,
  access_key_secret: swift.accessKeySecret,
});
const ftpPlace = (one: Vsftpd, path: string) => ({
  kind: 'ftp',
  host: '127.0.0.1',
  port: one.port,
  user: one.user,
  password: SECRETS.ftp,
  path: `${one.home}files/${path}`,
});
const headers = { Authorization: `Bearer ${SECRETS.header}` };

const SOURCES: Readonly<Record<string, () => object | Promise<object>>> = {
  http: () => ({ kind: 'http', url: `${web.origin}/film.mp4`, headers }),
  https: () => ({ kind: 'https', url: `${secureWeb.origin}/film.mp4?signature=${SECRETS.query}` }),
  s3: () => ({ ...s3('in/film.mp4'), session_token: SECRETS.sessionToken }),
  ftp: () => ftpPlace(ftp, 'film.mp4'),
  ftps: () => ({ ...ftpPlace(ftps, 'film.mp4'), secure: true }),
  inline: async () => ({ kind: 'inline', data: (await readFile(film)).toString('base64'), filename: 'film.mp4' }),
  upload: async () => {
    // What arrived with another job is an upload that any job may name.
    const first = await server.job(await server.submit(film, [{ container: 'mp3' }]));
    return (first as unknown as { source: object }).source;
  },
  file: () => ({ kind: 'file', path: 'film.mp4' }),
};

const readObject = async (key: string): Promise<Buffer> => buffer(await store.read(key));

type Destination = { readonly place: object /** The bytes that arrived. */; readonly read: () => Promise<Buffer> };
const served = (from: FileServer, path: string) => async () => from.files.get(path)?.bytes ?? Buffer.alloc(0);

const DESTINATIONS: Readonly<Record<string, (name: string) => Destination>> = {
  s3: (name) => ({
    place: { ...s3(`out/${name}.mp4`), acl: 'public-read' },
    read: () => readObject(`out/${name}.mp4`),
  }),
  http: (name) => ({
    place: { kind: 'http', url: `${web.origin}/out/${name}.mp4`, headers },
    read: served(web, `/out/${name}.mp4`),
  }),
  post: (name) => ({
    place: { kind: 'http', url: `${web.origin}/post/${name}.mp4?signature=${SECRETS.query}`, method: 'POST' },
    read: served(web, `/post/${name}.mp4`),
  }),
  https: (name) => ({
    place: { kind: 'https', url: `${secureWeb.origin.replace('//', `//me:${SECRETS.userInfo}@`)}/open/${name}.mp4` },
    read: served(secureWeb, `/open/${name}.mp4`),
  }),
  ftp: (name) => ({
    place: ftpPlace(ftp, `out/${name}.mp4`),
    read: () => readFile(join(ftp.root, 'files', 'out', `${name}.mp4`)),
  }),
  ftps: (name) => ({
    place: { ...ftpPlace(ftps, `out/${name}.mp4`), kind: 'ftps' },
    read: () => readFile(join(ftps.root, 'files', 'out', `${name}.mp4`)),
  }),
  file: (name) => ({
    place: { kind: 'file', path: `out/${name}.mp4` },
    read: () => readFile(join(folder, 'files', 'out', `${name}.mp4`)),
  }),
  managed: () => ({ place: { kind: 'managed' }, read: async () => Buffer.alloc(0) }),
};

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
  const job = await server.waitFor(id, 60);
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
      assert.match(await server.log(id), new RegExp(`${bytes.length} bytes`));
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
