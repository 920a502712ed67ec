import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLiveToken, signLiveToken } from '#domain/live-token.ts';
import { judgePlayback, signPlayback } from '#domain/playback-token.ts';
import { deriveKey, deriveKeys, type Keys, makeSealer, seal, unseal } from '#domain/sealing.ts';
import { readSession, signSession, splitSecrets } from '#domain/session.ts';
import { readUploadToken, signUploadToken } from '#domain/upload-token.ts';

const key = deriveKey(Buffer.alloc(32, 7), 'test');

test('what is sealed comes back whole, and never looks the same twice', () => {
  for (const text of ['', 'pässword', 'x'.repeat(10_000)]) assert.equal(unseal(seal(text, key), [key]), text);
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
  for (const [text, by] of attempts) assert.throws(() => unseal(text, [by]), { code: 'wrong_key' });
});

test('another key takes the place of one: what the old one sealed and signed is known while both are', () => {
  const secrets = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as const;
  const [old, both, fresh] = [[secrets[0]], [secrets[1], secrets[0]], [secrets[1]]].map((list) =>
    deriveKeys(list as unknown as Keys, 'test'),
  ) as [Keys, Keys, Keys];
  const sealed = makeSealer(old).seal('secret');
  assert.equal(makeSealer(both).unseal(sealed), 'secret');
  const resealed = makeSealer(both).reseal(sealed) ?? '';
  assert.equal(makeSealer(fresh).unseal(resealed), 'secret');
  assert.equal(makeSealer(both).reseal(resealed), null);
  assert.throws(() => makeSealer(fresh).unseal(sealed), { code: 'wrong_key' });
  assert.throws(() => makeSealer(fresh).reseal(sealed), { code: 'wrong_key' });
  const grant = { projectId: 'default', uploadId: 'u', maxBytes: 9, expiresAt: 4e9 };
  const session = '01a1fc7f-2f68-76e0-b426-6e5051e9979a';
  const judgements: ((signer: Keys, judge: Keys) => boolean)[] = [
    (signer, judge) => judgePlayback('v', signPlayback('v', 4e9, signer), { keys: judge, now: 0 }) === 'valid',
    (signer, judge) => readUploadToken(signUploadToken(grant, signer), judge, 0) !== null,
    (signer, judge) => isLiveToken(signLiveToken(1, 60, signer), 1, judge),
    (signer, judge) => readSession(signSession(session, signer), judge) !== null,
  ];
  for (const judge of judgements) {
    assert.deepEqual(
      [judge(old, both), judge(both, fresh), judge(both, old), judge(old, fresh)],
      [true, true, false, false],
    );
  }
});

test('a session secret is one or a list; one with a comma in it, as was always allowed, is known as it was', () => {
  const [one, two] = ['a'.repeat(16), 'b'.repeat(16)];
  assert.deepEqual(splitSecrets(one), [one]);
  assert.deepEqual(splitSecrets(`${one},${two}`), [one, two, `${one},${two}`]);
  assert.deepEqual(splitSecrets('short,and-then-a-long-one'), ['short,and-then-a-long-one']);
});
