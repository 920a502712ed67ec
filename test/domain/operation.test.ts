// Names of files and tokens of sessions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientOf } from '#api/operations/limit-calls.ts';
import { outputName, safeFileName } from '#domain/operation.ts';
import { isSessionToken, ownSession, readSession, signSession } from '#domain/session.ts';

test('a file name keeps its letters and loses what is dangerous', () => {
  const cases: [string, string][] = [
    ['holiday.jpg', 'holiday.jpg'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\me\\Bild größe.png', 'Bild größe.png'],
    ['a\u0000b\r\nc.png', 'a_b__c.png'],
    ['a%22b%0D%0Ac.png', 'a_b__c.png'],
    ['evil\u202egnp.exe', 'evil_gnp.exe'],
    ['...hidden', 'hidden'],
    ['name.  ', 'name'],
    ['', 'file'],
    ['..', 'file'],
    ['日本語 映画.mp4', '日本語 映画.mp4'],
    [`${'x'.repeat(300)}.webp`, `${'x'.repeat(195)}.webp`],
    [`${'é'.repeat(199)}\ud83d\ude00.mp4`, `${'é'.repeat(196)}.mp4`],
  ];
  for (const [given, wanted] of cases) assert.equal(safeFileName(given), wanted);
  assert.equal(outputName('holiday.tar.png', 'webp'), 'holiday.tar.webp');
  assert.equal(outputName('.png', 'webp'), 'file.webp');
});

test('a session token is believed as it was signed, and in no other form', () => {
  const key = '01a1fc7f-2f68-76e0-b426-6e5051e9979a';
  const token = signSession(key, ['secret-of-the-server']);
  assert.equal(readSession(token, ['secret-of-the-server']), key);
  assert.equal(readSession(token, ['another-secret']), null);
  const other = '01a1fc7f-2f68-76e0-b426-6e5051e9979b';
  for (const wrong of [key, `${key}.`, token.slice(0, -1), `${token}A`, token.replace(key, other), ` ${token}`, '']) {
    assert.equal(readSession(wrong, ['secret-of-the-server']), null, wrong);
  }
  assert.ok(isSessionToken(token) && !isSessionToken(key));
  assert.match(ownSession('a-secret-of-mine'), /^own:[\w-]{43}$/);
});

test('a client is its address; in IPv6 its network', () => {
  const cases: [string, string][] = [
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '::1'],
  ];
  for (const [ip, client] of cases) assert.equal(clientOf({ ip }), client);
});
