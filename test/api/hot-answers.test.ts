// What is sent from memory: to whom, what it says, and for how long.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Fastify from 'fastify';
import type { Api } from '#api/context.ts';
import { installHotAnswers } from '#api/hot-answers.ts';

const app = Fastify() as unknown as Api;
/** Asked of the route itself, not of memory. */
let answered = 0;
let holds = true;
let base = '';
const SAID = {
  'content-type': 'video/mp4',
  etag: '"one"',
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
};

before(async () => {
  const hot = installHotAnswers(app);
  app.get<{ Params: { size: string } }>('/:size', async (request, reply) => {
    answered++;
    const body = Buffer.alloc(Number(request.params.size), 'Ä – in UTF-8 ');
    reply.headers({ ...SAID, 'accept-ranges': 'bytes', vary: 'Origin' });
    if (request.headers.origin !== undefined) reply.header('access-control-allow-origin', request.headers.origin);
    reply.headers({ 'content-length': String(body.length), 'x-frame-options': 'DENY' });
    reply.header('Access-Control-Expose-Headers', 'Location, ETag, Content-Range, Content-Length');
    hot.keep(request.raw, { headers: reply.getHeaders(), body, holds: () => holds });
    return reply.send(body);
  });
  base = await app.listen({ port: 0, host: '127.0.0.1' });
});
after(() => app.close());

async function ask(path: string, headers: Record<string, string> = {}) {
  const count = answered;
  const answer = await fetch(base + path, { headers });
  const body = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, headers: answer.headers, body, fromMemory: answered === count };
}

test('a small answer and a great one come out of memory as they were, and say all that players and caches go by', async () => {
  for (const path of ['/1500', '/500000']) {
    const first = await ask(path);
    const again = await ask(path);
    assert.deepEqual([first.fromMemory, again.fromMemory, again.status], [false, true, 200]);
    assert.ok(again.body.equals(first.body));
    for (const [name, value] of Object.entries(SAID)) assert.equal(again.headers.get(name), value, name);
    assert.equal(again.headers.get('content-length'), path.slice(1));
    assert.ok(again.headers.get('date'));
    // Nobody asks for a part of little, and where every origin is answered alike, none makes a difference.
    assert.equal(again.headers.get('accept-ranges'), path === '/500000' ? 'bytes' : null);
    assert.equal(again.headers.get('vary'), null);
    // Of what scripts may read, what is there.
    assert.equal(again.headers.get('access-control-expose-headers'), 'ETag, Content-Length');
  }
});

test('who asks for a part, shows a key, or knows one already, is answered by the route', async () => {
  await ask('/1500');
  for (const headers of [
    { range: 'bytes=0-1' },
    { 'if-none-match': '"one"' },
    { authorization: 'Bearer key' },
    { 'x-api-key': 'key' },
  ])
    assert.equal((await ask('/1500', headers)).fromMemory, false, JSON.stringify(headers));
  assert.equal((await ask('/1500?token=other')).fromMemory, false);
  assert.equal((await ask('/1500')).fromMemory, true);
});

test('an answer for one origin says that another may be answered otherwise', async () => {
  const asked = { origin: 'https://site.example' };
  await ask('/1501', asked);
  const again = await ask('/1501', asked);
  assert.deepEqual(
    [again.fromMemory, again.headers.get('access-control-allow-origin'), again.headers.get('vary')],
    [true, 'https://site.example', 'Origin'],
  );
});

test('what does not hold any more is not sent', async () => {
  await ask('/1500');
  holds = false;
  assert.equal((await ask('/1500')).fromMemory, false);
  assert.equal((await ask('/1500')).fromMemory, false);
  holds = true;
  assert.equal((await ask('/1500')).fromMemory, true);
});
