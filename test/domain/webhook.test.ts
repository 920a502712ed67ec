// Signatures by the specification's own vector, and the table of delays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELIVERY_DELAYS, nextDelay, signWebhook } from '#domain/webhook.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const MESSAGE = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: 1614265330, body: '{"test": 2432232314}' };
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

test('the specification’s vector', () => {
  assert.deepEqual(signWebhook({ ...MESSAGE, secrets: [SECRET] }), {
    'webhook-id': MESSAGE.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': SIGNATURE,
  });
});

test('a secret needs no prefix; several secrets give several signatures, one blank between', () => {
  const other = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const bare = SECRET.slice('whsec_'.length);
  const { 'webhook-signature': both } = signWebhook({ ...MESSAGE, secrets: [other, bare] });
  const [first, second, ...more] = both.split(' ');
  assert.deepEqual([second, more], [SIGNATURE, []]);
  assert.match(first ?? '', /^v1,[A-Za-z0-9+/]{43}=$/);
  assert.notEqual(first, SIGNATURE);
});

test('each try waits as the table says, at most a fifth longer; after the last there is none', () => {
  assert.deepEqual(DELIVERY_DELAYS, [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
  for (let tries = 1; tries < DELIVERY_DELAYS.length; tries++) {
    const delay = DELIVERY_DELAYS[tries] ?? 0;
    const found = nextDelay({ tries, retryAfter: undefined }) ?? -1;
    assert.ok(found >= delay && found <= delay * 1.2, `${tries}: ${found}`);
  }
  assert.equal(nextDelay({ tries: DELIVERY_DELAYS.length, retryAfter: undefined }), null);
});

test('a receiver that asks for more time gets it, up to a day; for less, not', () => {
  assert.equal(nextDelay({ tries: 1, retryAfter: 900 }), 900);
  assert.equal(nextDelay({ tries: 1, retryAfter: 10 * 86_400 }), 86_400);
  assert.ok((nextDelay({ tries: 2, retryAfter: 1 }) ?? 0) >= 300);
  assert.equal(nextDelay({ tries: 10, retryAfter: 60 }), null);
});
