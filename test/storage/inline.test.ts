// The inline store: base64 judged before it is decoded, ranges, and nothing that could be written.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openInline } from '#storage/inline.ts';
import { bytesOf, pattern, storeConformance } from './conformance.ts';

storeConformance(
  'inline',
  async () => ({
    store: openInline({ data: pattern(1000).toString('base64'), key: 'clip', maxBytes: 1000 }),
    folder: '',
  }),
  { missing: 'source_not_found', large: { size: 0, alive: 0 }, keepsType: false },
);

describe('inline', () => {
  const open = (data: string, maxBytes = 1000) => openInline({ data, key: 'clip', maxBytes });

  it('gives back the bytes, also from wrapped, URL-safe, unpadded and data-URL text', async () => {
    const bytes = pattern(999);
    const plain = bytes.toString('base64');
    const forms = [
      plain,
      plain.replace(/(.{76})/g, '$1\r\n'),
      bytes.toString('base64url'),
      plain.replace(/=+$/, ''),
      `data:video/mp4;base64,${plain}`,
    ];
    for (const form of forms) {
      const store = open(form);
      assert.equal((await store.stat('clip')).size, 999);
      assert.deepEqual(await bytesOf(await store.read('clip')), bytes);
      assert.deepEqual(await bytesOf(await store.read('clip', { start: 10, end: 19 })), bytes.subarray(10, 20));
    }
  });

  it('holds the decoded size against the limit, to the byte', () => {
    const text = (size: number) => Buffer.alloc(size).toString('base64');
    for (const size of [997, 998, 999, 1000]) open(text(size));
    for (const size of [1001, 1002, 1003, 5000]) assert.throws(() => open(text(size)), { code: 'source_too_large' });
    assert.throws(() => open(' '.repeat(10_000)), { code: 'source_too_large' });
  });

  it('refuses what is not base64', () => {
    for (const text of ['a', 'ab=c', '!!!!', 'AAAA====', 'AAAAA', 'data:video/mp4,plain']) {
      assert.throws(() => open(text), { code: 'invalid_request' }, text);
    }
  });

  it('cannot be changed', async () => {
    const store = open('AAAA');
    const refused = { code: 'invalid_request' };
    await assert.rejects(store.write('clip', Buffer.from('x')), refused);
    await assert.rejects(store.remove('clip'), refused);
    await assert.rejects(store.removeAll('c'), refused);
    await assert.rejects(store.adopt('/etc/hostname', 'clip'), refused);
    assert.equal(store.localPath('clip'), null);
  });
});
