// Long answers of GET routes come compressed to who asks for it; streams, files, short answers and calls that change something come as they are.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { chooseCoding } from '#api/compress-answers.ts';
import { openServer } from './open-server.ts';

test('what a client accepts decides', () => {
  const cases = [
    [undefined, null],
    ['', null],
    ['identity', null],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['BR;q=0.5', 'br'],
    ['br;q=0, gzip;q=1.0', 'gzip'],
    ['gzip;q=0', null],
    ['*', 'gzip'],
    ['gzip;q=0, *', null],
    ['vibrant', null],
  ] as const;
  for (const [accepted, coding] of cases) assert.equal(chooseCoding(accepted), coding, accepted);
});

/** As it is on the wire: fetch would unpack it. */
async function ask(url: string, coding?: string): Promise<{ answer: IncomingMessage; body: Buffer }> {
  const sent = get(url, { headers: coding === undefined ? {} : { 'accept-encoding': coding } });
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { answer, body: await buffer(answer) };
}

test('long JSON is compressed for who accepts it, and is the same; all else is left as it is', async () => {
  await using server = await openServer();
  const plain = await ask(`${server.base}/openapi.json`);
  assert.equal(plain.answer.headers['content-encoding'], undefined);
  assert.match(plain.answer.headers.vary ?? '', /accept-encoding/i);
  for (const [coding, unpack] of [
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ] as const) {
    const { answer, body } = await ask(`${server.base}/openapi.json`, coding);
    assert.equal(answer.headers['content-encoding'], coding);
    assert.equal(answer.headers['content-length'], String(body.length));
    assert.ok(body.length < plain.body.length / 5, `${body.length} of ${plain.body.length} bytes`);
    assert.ok(unpack(body).equals(plain.body));
  }
  const short = await ask(`${server.base}/health`, 'br');
  assert.deepEqual([short.answer.statusCode, short.answer.headers['content-encoding']], [200, undefined]);
  const events = get(`${server.base}/events/stream`, { headers: { 'accept-encoding': 'br' } });
  const [stream] = (await once(events, 'response')) as [IncomingMessage];
  assert.deepEqual([stream.statusCode, stream.headers['content-encoding']], [200, undefined]);
  events.destroy();
  // A refusal that names what was sent is long; it comes as it is, like every answer to a call that changes something.
  const asked = request(`${server.base}/jobs`, {
    method: 'POST',
    headers: { 'accept-encoding': 'br', 'content-type': 'application/json' },
  });
  asked.end(JSON.stringify(Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`unknown_field_${n}`, n]))));
  const [refused] = (await once(asked, 'response')) as [IncomingMessage];
  assert.deepEqual([refused.statusCode, refused.headers['content-encoding']], [400, undefined]);
  assert.ok((await buffer(refused)).length > 4096);
});
