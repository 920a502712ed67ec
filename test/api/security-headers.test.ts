// What browsers may do with our answers: the same on every one of a kind, and the documentation's own policy for it alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openServer } from './open-server.ts';

const NAMES = [
  'content-security-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'origin-agent-cluster',
  'referrer-policy',
  'strict-transport-security',
  'x-content-type-options',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-frame-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
];

test('the first answer, later ones and errors carry the same security headers; the documentation has a policy of its own', async () => {
  await using server = await openServer();
  const headersOf = async (path: string) => {
    const { headers } = await server.call('GET', path);
    return Object.fromEntries(NAMES.map((name) => [name, headers.get(name)]));
  };
  const expected = {
    'content-security-policy':
      "default-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none';object-src 'none';img-src 'self' data: blob:;media-src 'self' blob: data:;worker-src 'self' blob:;style-src 'self' 'unsafe-inline'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'cross-origin',
    'origin-agent-cluster': '?1',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': null,
    'x-content-type-options': 'nosniff',
    'x-dns-prefetch-control': 'off',
    'x-download-options': 'noopen',
    'x-frame-options': 'SAMEORIGIN',
    'x-permitted-cross-domain-policies': 'none',
    'x-xss-protection': '0',
  };
  const documentation = await headersOf('/docs/');
  for (const path of ['/jobs', '/jobs', '/nothing-here', '/health']) assert.deepEqual(await headersOf(path), expected);
  for (const headers of [documentation, await headersOf('/docs/')]) {
    assert.match(headers['content-security-policy'] ?? '', /script-src 'self'/);
    assert.deepEqual({ ...headers, 'content-security-policy': expected['content-security-policy'] }, expected);
  }
});
