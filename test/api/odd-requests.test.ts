// Requests that could never be done: refused at once, the field and what is allowed named, nothing of them stored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openServer } from './open-server.ts';

type Problem = {
  readonly code: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
};

test('what could never be done is refused before it is stored', async () => {
  await using server = await openServer();
  const url = 'https://media.invalid/a.mp4';
  const source = { kind: 'http', url };
  const mp3 = [{ container: 'mp3' }];
  const headers = (sent: object) => ({ source: { ...source, headers: sent }, outputs: mp3 });
  const output = (wish: object) => ({ source, outputs: [wish] });
  const about = (a: string) =>
    `{"source": ${JSON.stringify(source)}, "outputs": [{"container": "mp3"}], "metadata": {"a": ${a}}}`;
  const named = (path: string, more: string) =>
    `{"source": {"kind": "${more ? 'ftp", "host": "media.invalid' : 'file'}", "path": "${path}"${more}}, "outputs": [{"container": "mp3"}]}`;
  const cases: [string, object | string, string, RegExp][] = [
    ['another host', headers({ Host: 'inside' }), 'source.headers.Host', /sets this header itself/],
    ['a length', headers({ 'content-length': '5' }), 'source.headers.content-length', /sets this header itself/],
    ['a second header', headers({ 'X-A': 'a\r\nHost: b' }), 'source.headers.X-A', /Latin-1, without control/],
    ['no Latin-1', headers({ 'X-A': '\u{1f3ac}' }), 'source.headers.X-A', /Latin-1/],
    ['no name', headers({ 'X A': 'a' }), 'source.headers.X A', /letters, digits and dashes/],
    [
      'of a destination',
      output({ container: 'mp3', destination: { kind: 'http', url, headers: { 'Transfer-Encoding': 'chunked' } } }),
      'outputs.0.destination.headers.Transfer-Encoding',
      /sets this header itself/,
    ],
    [
      'a rate of no AAC',
      output({ container: 'aac', audioSampleRate: 11_111 }),
      'outputs.0.audioSampleRate',
      /one of 8000, 11025, .*96000 with aac/,
    ],
    [
      'a rate of no MP3',
      output({ container: 'mp4', audioCodec: 'mp3', audioSampleRate: 96_000 }),
      'outputs.0.audioSampleRate',
      /48000 with mp3/,
    ],
    ['what no database stores', about('"x\\u0000"'), 'metadata.a', /without U\+0000/],
    ['half of a pair', about('[1, {"b": "\\udc00"}]'), 'metadata.a.1.b', /surrogate/],
    ['a name of half a pair', about('{"b": {"\\ud83c": 1}}'), 'metadata.a.b', /surrogate/],
    ['a path of half a pair', named('a\\ud800.mp4', ''), 'source.path', /a path under FILE_ROOTS, .*surrogate/],
    ['a password of half a pair', named('a.mp4', ', "password": "\\udfff"'), 'source.password', /surrogate/],
    [
      'a webhook of half a pair',
      { ...output({ container: 'mp3' }), notificationUrl: `${url}?\ud800` },
      'notificationUrl',
      /http/,
    ],
    [
      'no language',
      output({ container: 'mp4', subtitles: { burn: 'x y' } }),
      'outputs.0.subtitles.burn',
      /or a language/,
    ],
    ['what is deeper than any stack', about('['.repeat(30_000) + ']'.repeat(30_000)), 'metadata.a', /100 levels/],
  ];
  for (const [what, body, path, allowed] of cases) {
    const answer = await server.call('POST', '/jobs', { body });
    assert.equal(answer.status, 400, `${what}: ${answer.text}`);
    const [error] = (answer.body as Problem).errors;
    assert.equal(error?.path, path, what);
    assert.match(error?.message ?? '', allowed, what);
  }
  assert.deepEqual((await server.call('GET', '/jobs')).body, { jobs: [], nextCursor: null });
  const fine = output({ container: 'flac', audioSampleRate: 11_111 });
  assert.equal((await server.call('POST', '/jobs', { body: fine })).status, 202);
  const metadata = { '\u{1f3ac}': ['a whole pair \u{1f3ac}', { '\u0001': '\u007f\n' }] };
  const kept = (await server.call('POST', '/jobs', { body: { ...fine, metadata } })).body as { uuid: string };
  const { body: job } = await server.call('GET', `/jobs/${kept.uuid}`);
  assert.deepEqual((job as { metadata: object }).metadata, metadata);
});
