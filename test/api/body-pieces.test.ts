import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import { piecesOf } from '#api/body-pieces.ts';

const PIECE = Buffer.alloc(65_536, 'x');

test('a body comes in the pieces it was sent in, also those that gathered', async () => {
  const body = new PassThrough();
  for (const text of ['one', 'two', 'three']) body.write(text);
  body.end();
  const pieces: string[] = [];
  for await (const piece of piecesOf(body)) pieces.push(String(piece));
  assert.deepEqual(pieces, ['one', 'two', 'three']);
});

test('what came before the connection broke is handed out, then the failure', async () => {
  const body = new PassThrough();
  const pieces = piecesOf(body);
  body.write('one');
  const first = await pieces.next();
  assert.equal(String(first.value), 'one');
  body.write('two');
  await new Promise(setImmediate);
  body.destroy(new Error('it broke'));
  assert.equal(String((await pieces.next()).value), 'two');
  await assert.rejects(pieces.next(), /it broke/);
});

test('a body that somebody else ends hands out what came, then the reason', async () => {
  const body = new PassThrough();
  const control = new AbortController();
  const pieces = piecesOf(body, control.signal);
  body.write('one');
  assert.equal(String((await pieces.next()).value), 'one');
  body.write('two');
  await new Promise(setImmediate);
  const rest = Array.fromAsync({ [Symbol.asyncIterator]: () => pieces }, String);
  control.abort(new Error('another came'));
  await assert.rejects(rest, /another came/);
  // It can still be read away.
  assert.equal(body.destroyed, false);
});

test('a body that closes without an end is not taken for a whole one', async () => {
  const body = new PassThrough();
  body.write('one');
  setImmediate(() => body.destroy());
  await assert.rejects(Array.fromAsync(piecesOf(body)), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
});

test('whoever writes slowly is not sent more than he can hold; a body left early can be read away', async () => {
  let sent = 0;
  const body = new Readable({
    highWaterMark: 262_144,
    read() {
      this.push(sent < 100 ? PIECE : null);
      sent++;
    },
  });
  const pieces = piecesOf(body);
  await pieces.next();
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
  assert.ok(sent < 30, `${sent} of 100 pieces were read ahead`);
  await pieces.return(undefined);
  assert.equal(body.destroyed, false);
  body.resume();
  await finished(body);
  assert.equal(sent, 101);
});
