import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readSecretKeys, readWebhookSecret } from '#config/keys.ts';

let DATA_DIR: string;
before(async () => {
  DATA_DIR = join(await mkdtemp(join(tmpdir(), 'rendition-keys-')), 'data');
});
after(() => rm(join(DATA_DIR, '..'), { recursive: true, force: true }));

test('a key is made once, also by several at once, for its user alone', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => readSecretKeys({ SECRET_KEY: undefined, DATA_DIR })));
  const keys = made.flat();
  assert.equal(new Set(keys.map((key) => key.toString('hex'))).size, 1);
  assert.equal(keys[0]?.length, 32);
  assert.equal((await stat(join(DATA_DIR, 'secret.key'))).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(DATA_DIR), ['secret.key']);
});

test('a key of the settings is taken in hex and in base64', async () => {
  const hex = 'ab'.repeat(32);
  const key = Buffer.from(hex, 'hex');
  assert.deepEqual(await readSecretKeys({ SECRET_KEY: hex, DATA_DIR }), [key]);
  assert.deepEqual(await readSecretKeys({ SECRET_KEY: key.toString('base64'), DATA_DIR }), [key]);
  const list = `${key.toString('base64url')},${'0'.repeat(64)}`;
  assert.deepEqual(await readSecretKeys({ SECRET_KEY: list, DATA_DIR }), [key, Buffer.alloc(32)]);
});

test('a webhook secret has the form of the Standard Webhooks specification and stays', async () => {
  const made = await readWebhookSecret({ WEBHOOK_SECRET: undefined, DATA_DIR });
  assert.match(made, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.equal(await readWebhookSecret({ WEBHOOK_SECRET: undefined, DATA_DIR }), made);
  assert.equal(await readWebhookSecret({ WEBHOOK_SECRET: 'whsec_own', DATA_DIR }), 'whsec_own');
});
