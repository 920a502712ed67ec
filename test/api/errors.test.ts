// Every way a request can be wrong: the status, the code, the field, and what is allowed.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { openServer, type TestServer } from './open-server.ts';

let server: TestServer;
before(async () => {
  server = await openServer({ settings: { MAX_OUTPUTS: '2', MAX_INLINE_BYTES: '1000' } });
});
after(() => server[Symbol.asyncDispose]());

const source = { kind: 'http', url: 'https://media.invalid/a.mp4' };
const job = (output: object) => ({ source, outputs: [{ container: 'mp4', ...output }] });

type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  fault: string;
  errors: { path: string; message: string }[];
};
const WRONG: readonly (readonly [what: string, body: unknown, path: string, allowed: RegExp])[] = [
  ['no source', { outputs: [{ container: 'mp4' }] }, 'source', /^an object whose kind is one of http/],
  [
    'another kind of source',
    { source: { kind: 'gopher' }, outputs: [{ container: 'mp4' }] },
    'source.kind',
    /^one of http, https, s3, ftp, ftps, inline, upload, file/,
  ],
  [
    'a URL that is none',
    { source: { kind: 'http', url: 'ftp://x' }, outputs: [{ container: 'mp4' }] },
    'source.url',
    /http or https URL/,
  ],
  [
    'a line end in a header',
    { source: { ...source, headers: { a: 'b\r\nc: d' } }, outputs: [{ container: 'mp4' }] },
    'source.headers.a',
    /control/,
  ],
  [
    'half of a credential',
    { source: { kind: 's3', bucket: 'b', path: 'p', access_key_id: 'x' }, outputs: [{ container: 'mp4' }] },
    'source.access_key_secret',
    /go together/,
  ],
  [
    'too much inline',
    { source: { kind: 'inline', data: 'A'.repeat(5000) }, outputs: [{ container: 'mp4' }] },
    'source.data',
    /1000 bytes/,
  ],
  ['no outputs', { source, outputs: [] }, 'outputs', /at least one/],
  ['too many outputs', { source, outputs: Array(3).fill({ container: 'mp4' }) }, 'outputs', /at most 2/],
  ['another container', job({ container: 'exe' }), 'outputs.0.container', /hls.*avif/],
  ['another codec', job({ videoCodec: 'libfoo' }), 'outputs.0.videoCodec', /libx264/],
  [
    'a codec the container does not hold',
    job({ container: 'webm', videoCodec: 'h264' }),
    'outputs.0.videoCodec',
    /vp9, av1/,
  ],
  ['nothing left', job({ videoCodec: 'none', audioCodec: 'none' }), 'outputs.0.audioCodec', /nothing would be left/],
  ['a rate that is none', job({ videoBitrate: 'fast' }), 'outputs.0.videoBitrate', /"2500k"/],
  ['a rate beyond all', job({ videoBitrate: '5000M' }), 'outputs.0.videoBitrate', /from 10000/],
  ['a cap below the rate', job({ videoBitrate: '2M', maxBitrate: '1M' }), 'outputs.0.maxBitrate', /not below/],
  ['a frame rate that is none', job({ fps: '30/0' }), 'outputs.0.fps', /30000\/1001/],
  ['a time that is none', job({ start: 'soon' }), 'outputs.0.start', /01:02:03/],
  ['an unknown field', job({ widht: 3 }), 'outputs.0.widht', /no field/],
  [
    'a rendition that is a path',
    job({ container: 'hls', renditions: [{ height: 360, name: '../x' }] }),
    'outputs.0.renditions.0.name',
    /letters, digits/,
  ],
  [
    'two of one name',
    job({ container: 'hls', renditions: ['360p', { height: 240, name: '360P' }] }),
    'outputs.0.renditions.1.name',
    /unique/,
  ],
  [
    'a rendition called audio',
    job({ container: 'hls', renditions: [{ height: 360, name: 'audio' }] }),
    'outputs.0.renditions.0.name',
    /folder of sound/,
  ],
  ['renditions of a file', job({ renditions: ['360p'] }), 'outputs.0.renditions', /only for hls and dash/],
  ['both kinds of thumbnails', job({ thumbnails: { count: 3, every: 2 } }), 'outputs.0.thumbnails.every', /not both/],
  ['another destination', job({ destination: { kind: 'inline' } }), 'outputs.0.destination.kind', /managed/],
  ['a priority beyond', { ...job({}), priority: 101 }, 'priority', /100/],
  ['a size too small', job({ width: 1 }), 'outputs.0.width', /^at least 16$/],
  ['a size too large', job({ height: 1e9 }), 'outputs.0.height', /^at most \d+$/],
  ['no whole number', job({ width: 100.5 }), 'outputs.0.width', /^a whole number$/],
  ['text for a number', job({ crf: 'low' }), 'outputs.0.crf', /^a number$/],
  ['a number for text', { ...job({}), notificationUrl: 5 }, 'notificationUrl', /^text$/],
  ['a word for yes or no', job({ normalizeAudio: 'yes' }), 'outputs.0.normalizeAudio', /^true or false$/],
  ['a word of no list', job({ fit: 'squeeze' }), 'outputs.0.fit', /^one of contain, cover, pad, fill$/],
  ['an entry for a list', { source, outputs: 'mp4' }, 'outputs', /^a list$/],
  ['no outputs at all', { source }, 'outputs', /^a list; it is missing$/],
  ['a list for an object', { ...job({}), metadata: [] }, 'metadata', /^an object$/],
  [
    'too many steps',
    job({ container: 'hls', renditions: Array(21).fill('360p') }),
    'outputs.0.renditions',
    /^at most 20 entries$/,
  ],
  ['no step', job({ container: 'hls', renditions: [] }), 'outputs.0.renditions', /^at least 1 entry$/],
  [
    'a long address',
    { ...job({}), notificationUrl: `http://a/${'b'.repeat(5000)}` },
    'notificationUrl',
    /^at most 4096 characters$/,
  ],
  ['a webhook that is none', { ...job({}), notificationUrl: 'file:///etc/passwd' }, 'notificationUrl', /http or https/],
];

for (const [what, body, path, allowed] of WRONG) {
  test(`refused: ${what}`, async () => {
    const answer = await server.call('POST', '/jobs', { body });
    const problem = answer.body as Problem;
    // A codec has a code of its own.
    const [status, code, title] = path.endsWith('Codec')
      ? [422, 'unsupported_codec', 'Unprocessable Entity']
      : [400, 'invalid_request', 'Bad Request'];
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8');
    assert.deepEqual(Object.keys(problem), ['type', 'title', 'status', 'detail', 'code', 'fault', 'advice', 'errors']);
    assert.deepEqual([problem.status, problem.code, problem.title], [status, code, title]);
    assert.equal(problem.fault, 'caller');
    const error = problem.errors.find((one) => one.path === path);
    assert.ok(error, `${path} is not among ${JSON.stringify(problem.errors)}`);
    assert.match(error.message, allowed);
  });
}

const OTHERS: readonly (readonly [
  what: string,
  method: string,
  path: string,
  body: unknown,
  status: number,
  code: string,
])[] = [
  ['JSON that is none', 'POST', '/jobs', '{', 400, 'invalid_request'],
  ['an unknown route', 'GET', '/nowhere', undefined, 404, 'not_found'],
  ['an unknown job', 'GET', '/jobs/999999', undefined, 404, 'not_found'],
  ['an id that is none', 'GET', '/jobs/abc', undefined, 404, 'not_found'],
  ['an id beyond all', 'GET', '/jobs/99999999999999999999', undefined, 404, 'not_found'],
  ['an unknown uuid', 'GET', '/jobs/0197a3c2-0000-7000-8000-000000000000', undefined, 404, 'not_found'],
  [
    'an unknown upload',
    'POST',
    '/jobs',
    { source: { kind: 'upload', uploadId: '0197a3c2-0000-7000-8000-000000000000' }, outputs: [{ container: 'mp4' }] },
    404,
    'not_found',
  ],
  [
    'an unknown upload in a plan',
    'POST',
    '/plan',
    { source: { kind: 'upload', uploadId: '0197a3c2-0000-7000-8000-000000000000' }, outputs: [{ container: 'mp4' }] },
    404,
    'not_found',
  ],
  [
    'a private address in a plan',
    'POST',
    '/plan',
    { source: { kind: 'http', url: 'http://127.0.0.1:1/x' }, outputs: [{ container: 'mp4' }] },
    422,
    'source_refused_address',
  ],
  [
    'a file outside the roots',
    'POST',
    '/plan',
    { source: { kind: 'file', path: '/etc/passwd' }, outputs: [{ container: 'mp4' }] },
    422,
    'source_denied',
  ],
  ['a limit that is none', 'GET', '/jobs?limit=0', undefined, 400, 'invalid_request'],
  ['a status that is none', 'GET', '/jobs?status=odd', undefined, 400, 'invalid_request'],
  ['a body beyond the limit', 'POST', '/jobs', JSON.stringify({ x: 'y'.repeat(2_000_000) }), 413, 'too_large'],
];

for (const [what, method, path, body, status, code] of OTHERS) {
  test(`${status} for ${what}`, async () => {
    const answer = await server.call(method, path, { body });
    assert.deepEqual([answer.status, (answer.body as Problem).code], [status, code], answer.text);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8');
  });
}

test('405 names the methods an address knows; what is not there stays 404', async () => {
  const cases: [method: string, path: string, status: number, allow: string | null][] = [
    ['GET', '/upload/init', 405, 'POST'],
    ['PUT', '/upload/complete/', 405, 'POST'],
    ['GET', '/jobs/7/cancel', 405, 'POST'],
    ['PATCH', '/jobs/7?x=1', 405, 'DELETE, GET, HEAD'],
    ['PUT', '/jobs', 405, 'GET, HEAD, POST'],
    ['POST', '/health', 405, 'GET, HEAD'],
    ['GET', '/api/encoder/jobs/submit_job/', 405, 'POST'],
    ['DELETE', '/api/encoder/jobs/x/mark_failed/', 405, 'POST'],
    ['PUT', '/api/channels/', 405, 'GET, HEAD, POST'],
    ['GET', '/api/job/1/start/', 405, 'POST'],
    ['POST', '/stream/x/720p/playlist.m3u8', 405, 'GET, HEAD, OPTIONS'],
    ['PUT', '/upload/tus', 405, 'OPTIONS, POST'],
    ['GET', '/jobs/7', 404, null],
    ['GET', '/upload/none', 404, null],
    ['PUT', '/nothing/here', 404, null],
  ];
  for (const [method, path, status, allow] of cases) {
    const answer = await server.call(method, path);
    assert.deepEqual([answer.status, answer.headers.get('allow')], [status, allow], `${method} ${path} ${answer.text}`);
  }
});

test('another media type is refused', async () => {
  const answer = await server.call('POST', '/jobs', { body: 'a=b', headers: { 'content-type': 'text/csv' } });
  assert.equal(answer.status, 415);
  assert.match((answer.body as Problem).detail, /application\/json/);
});

test('a body that is missing is asked for', async () => {
  const headers = { 'content-type': 'application/json' };
  for (const options of [{}, { headers }]) {
    const answer = await server.call('POST', '/plan', options);
    const { errors } = answer.body as Problem;
    assert.deepEqual([answer.status, errors], [400, [{ path: '', message: 'a JSON object is needed as the body' }]]);
  }
});

test('a request that says nothing of a body has none, whatever type it names', async () => {
  const { hostname, port } = new URL(server.base);
  const ask = async (path: string, type: string): Promise<number> => {
    const socket = connect(Number(port), hostname);
    // Neither a length nor chunks: what curl -X POST sends, and fetch cannot.
    socket.write(`POST ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n${type}\r\n`);
    return Number((await text(socket)).split(' ')[1]);
  };
  const cases = [
    ['/plan', '', 400],
    ['/plan', 'Content-Type: application/json\r\n', 400],
    ['/jobs', 'Content-Type: multipart/form-data; boundary=x\r\n', 400],
    ['/upload/init', 'Content-Type: application/x-www-form-urlencoded\r\n', 400],
    ['/upload/chunk', 'Content-Type: multipart/form-data; boundary=x\r\n', 400],
    ['/jobs/1/cancel', 'Content-Type: application/json\r\n', 404],
    ['/api/speedtest', 'Content-Type: application/octet-stream\r\n', 200],
  ] as const;
  for (const [path, type, status] of cases) assert.equal(await ask(path, type), status, `${path} ${type}`);
});

test('paths work with and without the trailing slash', async () => {
  for (const path of ['/jobs', '/jobs/', '/health', '/health/', '/events/', '/workers/'])
    assert.equal((await server.call('GET', path)).status, 200, path);
});

test('secrets never come back', async () => {
  const secret = 'hunter2hunter2';
  const body = {
    source: {
      kind: 's3',
      bucket: 'b',
      path: 'p',
      access_key_id: secret,
      access_key_secret: secret,
      session_token: secret,
    },
    outputs: [
      { container: 'mp4', destination: { kind: 'ftp', host: 'h.invalid', user: 'u', password: secret, path: 'x' } },
      {
        container: 'mp3',
        destination: {
          kind: 'http',
          url: `https://u:${secret}@h.invalid/x?X-Amz-Signature=${secret}`,
          headers: { authorization: secret },
        },
      },
    ],
    notificationUrl: `https://h.invalid/?token=${secret}`,
  };
  const { id } = (await server.call('POST', '/jobs', { body })).body as { id: number };
  for (const path of [`/jobs/${id}`, '/jobs', '/events'])
    assert.doesNotMatch((await server.call('GET', path)).text, new RegExp(secret));
  const shown = (await server.call('GET', `/jobs/${id}`)).body as {
    source: unknown;
    outputs: { spec: { destination: unknown } }[];
  };
  assert.deepEqual(shown.source, {
    kind: 's3',
    bucket: 'b',
    path: 'p',
    access_key_id: '***',
    access_key_secret: '***',
    session_token: '***',
  });
  assert.deepEqual(shown.outputs[0]?.spec.destination, {
    kind: 'ftp',
    host: 'h.invalid',
    port: 21,
    user: 'u',
    password: '***',
    path: 'x',
  });
});

test('an address that is none, and links to a host that is none, are refused in the same words', async () => {
  const { port } = new URL(server.base);
  const ask = async (path: string, host = 'localhost'): Promise<readonly [status: number, problem: Problem]> => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.end(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const answer = await text(socket);
    return [Number(answer.split(' ')[1]), JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as Problem];
  };
  for (const [path, status, code] of [
    ['/jobs/%zz', 400, 'invalid_request'],
    ['/jobs/%ff', 400, 'invalid_request'],
    [`/jobs/${'x'.repeat(501)}`, 404, 'not_found'],
  ] as const) {
    const [answered, problem] = await ask(path);
    assert.deepEqual([answered, problem.status, problem.code], [status, status, code], path);
  }
  await using open = await openServer({ settings: { AUTH: 'on', ADMIN_KEY: 'an-admin-key-of-the-settings' } });
  const there = new URL(open.base).host;
  for (const host of ['a b', 'evil"<script>', 'user@host', 'a/b', '', `${there}:1:2`]) {
    const socket = connect(Number(new URL(open.base).port), '127.0.0.1');
    socket.end(`GET /oembed?url=x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    assert.match(await text(socket), /^HTTP\/1.1 400 /, host);
  }
});
