// Whatever can be wrong with a source, a destination or a request, through POST /jobs: a code of its own, whose fault it is, what to do, and nothing left of what was refused.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { ERROR_CODES, type ErrorCode } from '#domain/error.ts';
import { makeBucket } from '../kit/bucket.ts';
import { makeCertificate } from '../kit/certificate.ts';
import { needTool } from '../kit/decode.ts';
import { type FileServer, servedFile, startFileServer } from '../kit/http-server.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type RenditionServer, startRendition } from '../kit/rendition-server.ts';
import { freePort } from '../kit/server-process.ts';
import { type Swift, startSwift, swiftMissing } from '../kit/swift.ts';
import { startVsftpd, type Vsftpd, vsftpdMissing } from '../kit/vsftpd.ts';

const missing = swiftMissing() || vsftpdMissing();
let folder = '';
let fresh: FreshDatabase;
let swift: Swift;
let ftp: Vsftpd;
let web: FileServer;
let untrusted: FileServer;
let server: RenditionServer;
let closed = 0;

/** What a path of the web server does, whatever the method. */
const BEHAVIOURS: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  '/denied': (_, response) => response.writeHead(403).end(),
  '/unknown': (_, response) => response.writeHead(404).end(),
  '/conflict': (_, response) => response.writeHead(409).end('there is one already'),
  '/broken': (_, response) => response.writeHead(500).end(),
  '/circle': (_, response) => response.writeHead(302, { location: '/circle-2' }).end(),
  '/circle-2': (_, response) => response.writeHead(302, { location: '/circle' }).end(),
  '/elsewhere': (_, response) => response.writeHead(307, { location: '/ok' }).end(),
  '/inside': (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
  // Says a length and hangs up before it; knows no ranges, so that nobody can go on.
  '/cut': (request, response) => {
    response.writeHead(200, { 'content-length': 100_000, 'accept-ranges': 'none' });
    if (request.method === 'HEAD') response.end();
    else response.write(Buffer.alloc(30_000), () => response.destroy());
  },
};

before(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), 'rendition-bad-'));
  await mkdir(join(folder, 'files'));
  await mkdir(join(folder, 'data'));
  const film = join(folder, 'files', 'film.mp4');
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=192x108:r=25:d=4', '-c:v', 'libx264', '-preset', 'ultrafast'];
  await needTool('ffmpeg', ['-v', 'error', '-y', ...picture, film]);
  const certificate = await makeCertificate(folder);
  const behave = (request: IncomingMessage, response: ServerResponse) => {
    const act = BEHAVIOURS[new URL(request.url ?? '/', 'http://x').pathname];
    if (act) request.resume().once('end', () => act(request, response));
    return act !== undefined;
  };
  [fresh, swift, ftp, web, untrusted, closed] = await Promise.all([
    freshDatabase(),
    startSwift(),
    startVsftpd(),
    startFileServer({ behave }),
    startFileServer({ tls: certificate }),
    freePort(),
  ]);
  await makeBucket(swift, 'media');
  const bytes = await readFile(film);
  const page = '<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>';
  web.files.set('/empty.mp4', servedFile(Buffer.alloc(0)));
  web.files.set('/page.mp4', servedFile(Buffer.from(page), 'video/mp4'));
  web.files.set('/half.mp4', servedFile(bytes.subarray(0, bytes.length / 2)));
  web.files.set('/noise.mp4', servedFile(Buffer.from('00000018667479706d703432', 'hex')));
  web.files.set('/large.mp4', servedFile(Buffer.alloc(1_100_000)));
  server = await startRendition({
    dataDir: join(folder, 'data'),
    settings: {
      DATABASE_URL: fresh.url,
      EGRESS_ALLOW: '127.0.0.0/8',
      FILE_ROOTS: join(folder, 'files'),
      MAX_SOURCE_BYTES: '1000000',
      QUEUE_MAX_ATTEMPTS: '1',
      SCRATCH_RESERVE_BYTES: '0',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  });
});
after(async () => {
  if (missing) return;
  await server?.stop();
  await Promise.all([swift, ftp, web, untrusted].map((one) => one?.stop()));
  await fresh?.drop();
  await rm(folder, { recursive: true, force: true });
});

const http = (path: string) => ({ kind: 'http', url: web.origin + path });
const s3 = (changes: object) => ({
  kind: 's3',
  bucket: 'media',
  path: 'film.mp4',
  endpoint: swift.endpoint,
  access_key_id: swift.accessKeyId,
  access_key_secret: swift.accessKeySecret,
  ...changes,
});
const ftpPlace = (changes: object) => ({
  kind: 'ftp',
  host: '127.0.0.1',
  port: ftp.port,
  user: ftp.user,
  password: ftp.password,
  path: `${ftp.home}files/film.mp4`,
  ...changes,
});
const base64 = (text: string) => Buffer.from(text).toString('base64');

type Case = readonly [what: string, place: () => object, code: ErrorCode, says: RegExp];

const SOURCES: readonly Case[] = [
  [
    'a port where nothing listens',
    () => ({ kind: 'http', url: `http://127.0.0.1:${closed}/x` }),
    'source_unreachable',
    /could not be reached/,
  ],
  [
    'a name that is none',
    () => ({ kind: 'http', url: 'http://nowhere.invalid/x' }),
    'source_unreachable',
    /nowhere\.invalid/,
  ],
  ['a file that is not there', () => http('/unknown'), 'source_not_found', /does not exist \(404\)/],
  ['a server that denies', () => http('/denied'), 'source_denied', /403/],
  ['a server that is broken', () => http('/broken'), 'source_unreachable', /500/],
  ['redirects in a circle', () => http('/circle'), 'source_redirects', /redirects in a circle/],
  ['a redirect into the inside', () => http('/inside'), 'source_refused_address', /169\.254\.169\.254/],
  ['a certificate of nobody', () => ({ kind: 'https', url: `${untrusted.origin}/x` }), 'source_tls', /TLS/],
  ['a transfer that ends early', () => http('/cut'), 'source_truncated', /broke off/],
  ['a bucket that is not there', () => s3({ bucket: 'nobodys' }), 'source_not_found', /bucket|s3:\/\/nobodys/],
  ['an object that is not there', () => s3({}), 'source_not_found', /no object s3:\/\/media\/film\.mp4/],
  ['a wrong S3 secret', () => s3({ access_key_secret: 'wrong' }), 'source_denied', /denies access/],
  [
    'a wrong FTP password',
    () => ftpPlace({ password: ftp.wrongPassword }),
    'source_denied',
    /denied|refused|password|log/i,
  ],
  ['a file that is not on the FTP server', () => ftpPlace({}), 'source_not_found', /film\.mp4/],
  ['an FTP server that is not there', () => ftpPlace({ port: closed }), 'source_unreachable', /reached/],
  ['a local file that is not there', () => ({ kind: 'file', path: 'none.mp4' }), 'source_not_found', /none\.mp4/],
  ['more bytes than allowed', () => http('/large.mp4'), 'source_too_large', /MAX_SOURCE_BYTES/],
  ['no bytes', () => http('/empty.mp4'), 'empty_source', /no bytes/],
  ['a page instead of a film', () => http('/page.mp4'), 'not_media', /HTML/i],
  ['words', () => ({ kind: 'inline', data: base64('these are words, no film') }), 'not_media', /./],
  ['a film cut in the middle, its index lost', () => http('/half.mp4'), 'corrupt_media', /./],
  ['a header and nothing behind it', () => http('/noise.mp4'), 'corrupt_media', /./],
];

const DESTINATIONS: readonly Case[] = [
  [
    'a port where nothing listens',
    () => ({ kind: 'http', url: `http://127.0.0.1:${closed}/x` }),
    'destination_unreachable',
    /reached/,
  ],
  ['a server that denies', () => http('/denied'), 'destination_denied', /403/],
  ['a folder that is not there', () => http('/unknown'), 'destination_not_found', /404/],
  ['a server that refuses', () => http('/conflict'), 'destination_refused', /409/],
  ['a server that sends elsewhere', () => http('/elsewhere'), 'destination_refused', /307/],
  ['a server that is broken', () => http('/broken'), 'destination_refused', /answered with status 500/],
  ['a certificate of nobody', () => ({ kind: 'https', url: `${untrusted.origin}/x` }), 'destination_tls', /TLS/],
  [
    'an address inside',
    () => ({ kind: 'http', url: 'http://169.254.169.254/x' }),
    'destination_refused_address',
    /EGRESS_ALLOW/,
  ],
  ['a bucket that is not there', () => s3({ bucket: 'nobodys' }), 'destination_not_found', /bucket/],
  ['a wrong S3 secret', () => s3({ access_key_secret: 'wrong' }), 'destination_denied', /denies access/],
  ['a wrong FTP password', () => ftpPlace({ password: ftp.wrongPassword }), 'destination_denied', /./],
  ['an FTP folder that is not ours', () => ftpPlace({ path: `${ftp.home}no/film.mp4` }), 'destination_not_found', /./],
];

const post = (body: unknown) =>
  fetch(`${server.url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

async function finished(body: object) {
  const response = await post(body);
  assert.equal(response.status, 202, await response.clone().text());
  return server.waitFor(((await response.json()) as { uuid: string }).uuid, 300);
}

type Failure = { readonly code: string; readonly message: string; readonly fault: string; readonly advice?: string };

function checkFailure(failure: Failure | null | undefined, [what, , code, says]: Case): void {
  assert.equal(failure?.code, code, `${what}: ${failure?.message}`);
  assert.match(failure?.message ?? '', says, what);
  assert.deepEqual([failure?.fault, failure?.advice], [ERROR_CODES[code].fault, ERROR_CODES[code].advice], what);
}

describe('bad input', { ...(missing ? { skip: missing } : {}), concurrency: 1 }, () => {
  test('each fault of a source has its code', async () => {
    const jobs = await Promise.all(
      SOURCES.map(([, place]) => finished({ source: place(), outputs: [{ container: 'mp4', preset: 'ultrafast' }] })),
    );
    for (const [i, one] of SOURCES.entries()) {
      assert.equal(jobs[i]?.status, 'failed', one[0]);
      checkFailure(jobs[i]?.error, one);
      checkFailure(jobs[i]?.outputs[0]?.error, one);
    }
  });

  test('each fault of a destination has its code, and harms no other output', async () => {
    const outputs = [
      ...DESTINATIONS.map(([, place]) => ({ container: 'mp4', width: 96, destination: place() })),
      { container: 'mp4', width: 96 },
    ];
    const job = await finished({ source: { kind: 'file', path: 'film.mp4' }, outputs });
    for (const [i, one] of DESTINATIONS.entries()) {
      assert.equal(job.outputs[i]?.status, 'failed', one[0]);
      checkFailure(job.outputs[i]?.error, one);
    }
    assert.equal(job.outputs.at(-1)?.status, 'uploaded');
    const { url } = job.outputs.at(-1)?.result ?? { url: '' };
    assert.equal((await fetch(url)).status, 200);
  });

  test('a bad request leaves no row and no file', async () => {
    const source = { kind: 'inline', data: base64('a film') };
    const mp4 = { container: 'mp4' };
    const bad: readonly (readonly [body: unknown, status: number, code: ErrorCode, path: string])[] = [
      [{ source, outputs: [{ ...mp4, videoCodec: 'divx' }] }, 422, 'unsupported_codec', 'outputs.0.videoCodec'],
      [
        { source, outputs: [mp4, { container: 'webm', audioCodec: 'aac' }] },
        422,
        'unsupported_codec',
        'outputs.1.audioCodec',
      ],
      [{ source, outputs: [{ ...mp4, width: -5 }] }, 400, 'invalid_request', 'outputs.0.width'],
      [{ source, outputs: [{ ...mp4, height: 1e9 }] }, 400, 'invalid_request', 'outputs.0.height'],
      [{ source, outputs: [{ ...mp4, duration: -1 }] }, 400, 'invalid_request', 'outputs.0.duration'],
      [
        { source, outputs: [{ ...mp4, watermark: { source, position: 'left' } }] },
        400,
        'invalid_request',
        'outputs.0.watermark.position',
      ],
      [
        { source, outputs: [{ ...mp4, watermark: { source, scale: 2 } }] },
        400,
        'invalid_request',
        'outputs.0.watermark.scale',
      ],
      [
        { source, outputs: [{ ...mp4, watermark: { source: { kind: 'x' } } }] },
        400,
        'invalid_request',
        'outputs.0.watermark.source.kind',
      ],
      [
        { source, outputs: [{ container: 'mp3', watermark: { source } }] },
        400,
        'invalid_request',
        'outputs.0.watermark',
      ],
      [
        { source, outputs: [{ ...mp4, videoCodec: 'copy', subtitles: { burn: 0 } }] },
        400,
        'invalid_request',
        'outputs.0.subtitles',
      ],
      [
        { source, outputs: [{ ...mp4, subtitles: { burn: "x';movie=/etc/passwd" } }] },
        400,
        'invalid_request',
        'outputs.0.subtitles.burn',
      ],
      [{ source: { kind: 'inline', data: '!!!' }, outputs: [mp4] }, 400, 'invalid_request', 'source.data'],
      [
        { source, outputs: [{ ...mp4, watermark: { source: { kind: 'inline', data: '!!!' } } }] },
        400,
        'invalid_request',
        'outputs.0.watermark.source.data',
      ],
      [
        { source: { kind: 'upload', uploadId: '0197a3c2-0000-7000-8000-000000000000' }, outputs: [mp4] },
        404,
        'not_found',
        'source.uploadId',
      ],
      [
        {
          source,
          outputs: [
            { ...mp4, watermark: { source: { kind: 'upload', uploadId: '0197a3c2-0000-7000-8000-000000000000' } } },
          ],
        },
        404,
        'not_found',
        'outputs.0.watermark.source.uploadId',
      ],
      [{ source: { kind: 'inline', data: '' }, outputs: [mp4] }, 422, 'empty_source', 'source.data'],
      [
        {
          source,
          outputs: [mp4, { ...mp4, watermark: { source: { kind: 'inline', data: 'data:image/png;base64,' } } }],
        },
        422,
        'empty_source',
        'outputs.1.watermark.source.data',
      ],
      [{ source: { kind: 'file', path: '/etc/passwd' }, outputs: [mp4] }, 422, 'source_denied', 'source.path'],
      [{ source: { kind: 'file', path: '../x.mp4' }, outputs: [mp4] }, 422, 'source_denied', 'source.path'],
      [{ source: { kind: 'file', path: 'link/passwd' }, outputs: [mp4] }, 422, 'source_denied', 'source.path'],
      [
        { source, outputs: [mp4, { ...mp4, destination: { kind: 'file', path: '/etc/film.mp4' } }] },
        422,
        'destination_denied',
        'outputs.1.destination.path',
      ],
      [
        { source, outputs: [{ ...mp4, watermark: { source: { kind: 'file', path: '/etc/logo.png' } } }] },
        422,
        'source_denied',
        'outputs.0.watermark.source.path',
      ],
      ['{', 400, 'invalid_request', ''],
    ];
    await symlink('/etc', join(folder, 'files', 'link'));
    const { rows, files } = await state();
    for (const [body, status, code, path] of bad) {
      const response = await post(body);
      const problem = (await response.json()) as {
        code: string;
        fault: string;
        advice: string;
        errors: { path: string }[];
      };
      const what = JSON.stringify([body, problem]);
      assert.deepEqual([response.status, problem.code], [status, code], what);
      assert.deepEqual([problem.fault, problem.advice], [ERROR_CODES[code].fault, ERROR_CODES[code].advice], what);
      if (path !== '')
        assert.deepEqual(
          problem.errors.map((error) => error.path),
          [path],
          what,
        );
    }
    const form = new FormData();
    form.append('file', new Blob(['a film']), 'film.mp4');
    form.append('spec', JSON.stringify({ outputs: [{ container: 'mp4', fps: -1 }] }));
    assert.equal((await fetch(`${server.url}/jobs`, { method: 'POST', body: form })).status, 400);
    const now = await state();
    assert.deepEqual(now.rows, rows);
    // What the jobs before have left may still be on its way out.
    assert.deepEqual(
      now.files.filter((name) => !files.includes(name)),
      [],
    );
  });
});

/** Rows of tables and files in storage; what beats by itself, or is written behind a job's end, is left out. */
async function state(): Promise<{ readonly rows: Record<string, number>; readonly files: readonly string[] }> {
  const client = new pg.Client({ connectionString: fresh.url });
  await client.connect();
  try {
    const rows: Record<string, number> = {};
    for (const table of ['job', 'output', 'task', 'event', 'upload']) {
      rows[table] =
        (await client.query<{ count: number }>(`select count(*)::int as count from ${table}`)).rows[0]?.count ?? -1;
    }
    return {
      rows,
      files: (await readdir(join(folder, 'data', 'storage'), { recursive: true }))
        .filter((name) => !name.includes('.tmp'))
        .sort(),
    };
  } finally {
    await client.end();
  }
}
