import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveKey, makeSealer, seal, unseal } from '#domain/sealing.ts';

const key = deriveKey(Buffer.alloc(32, 7), 'test');

test('what is sealed comes back whole, and never looks the same twice', () => {
  for (const text of ['', 'pässword', 'x'.repeat(10_000)]) assert.equal(unseal(seal(text, key), key), text);
  assert.notEqual(seal('same', key), seal('same', key));
  assert.match(seal('a', key), /^1\.[\w-]+$/);
});

test('another key, a changed byte, a cut end and another form are refused', () => {
  const sealed = seal('secret', key);
  const changed = Buffer.from(sealed.slice(2), 'base64url');
  changed[14] = (changed[14] ?? 0) ^ 1;
  const attempts: [string, Uint8Array][] = [
    [sealed, deriveKey(Buffer.alloc(32, 8), 'test')],
    [sealed, deriveKey(Buffer.alloc(32, 7), 'other purpose')],
    [`1.${changed.toString('base64url')}`, key],
    [sealed.slice(0, -4), key],
    [`2.${sealed.slice(2)}`, key],
    ['', key],
  ];
  for (const [text, by] of attempts) assert.throws(() => unseal(text, by), { code: 'wrong_key' });
});

test('a sealer is both under one key', () => {
  const sealer = makeSealer(key);
  assert.equal(sealer.unseal(sealer.seal('secret')), 'secret');
});
