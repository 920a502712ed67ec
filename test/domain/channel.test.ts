import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slugOf } from '#domain/channel.ts';
import { blot, hideLiveSecrets, isMulticast, parseGroup, readLiveUrl, secretsOf } from '#domain/channel-target.ts';
import { dueIn } from '#live/schedule.ts';
import { Watchdog } from '#live/watchdog.ts';

test('addresses are shown without what would let a reader in', () => {
  const cases = [
    ['rtmp://u:p@h/app/key?x=1', 'rtmp://***@h/app/***', 'rtmp://***@h/app/key?x=1'],
    ['rtmp://h/app/key?token=abc', 'rtmp://h/app/***', 'rtmp://h/app/key?token=***'],
    [
      'srt://h:9000?mode=caller&passphrase=abc&streamid=room',
      'srt://h:9000?mode=caller&passphrase=***&streamid=***',
      'srt://h:9000?mode=caller&passphrase=***&streamid=room',
    ],
    ['https://h/a.m3u8?sig=1&x=2', 'https://h/a.m3u8?sig=***&x=2', 'https://h/a.m3u8?sig=***&x=2'],
    ['udp://239.1.1.1:5000', 'udp://239.1.1.1:5000', 'udp://239.1.1.1:5000'],
  ] as const;
  for (const [url, hidden, withKey] of cases) {
    assert.equal(hideLiveSecrets(url, { keepsKey: false }), hidden);
    assert.equal(hideLiveSecrets(url, { keepsKey: true }), withKey);
    assert.equal(
      /p@|key|abc|room|=1&/.test(blot(url, secretsOf(url)).replace('streamid', '').replace('token', '')) &&
        url.startsWith('rtmp'),
      false,
      url,
    );
  }
});

test('groups, addresses and names', () => {
  assert.deepEqual(parseGroup('239.1.1.1:5000'), { host: '239.1.1.1', port: 5000 });
  assert.equal(parseGroup('239.1.1.1:99999'), null);
  assert.equal(parseGroup('239.1.1.1; rm'), null);
  assert.deepEqual(['239.1.1.1', '224.0.0.1', '10.0.0.1', 'ff02::1'].map(isMulticast), [true, false, false, true]);
  assert.equal(readLiveUrl('udp://@:5000')?.host, '0.0.0.0:5000');
  assert.equal(readLiveUrl('udp://@239.1.1.1:5000')?.hostname, '239.1.1.1');
  assert.deepEqual(['Néws 24!', '42', '  ', 'A/B'].map(slugOf), ['news-24', 'channel-42', 'channel', 'a-b']);
});

test('the watchdog believes frames and time that advance, not lines', () => {
  let now = 0;
  const dog = new Watchdog(() => now);
  const wait = (seconds: number) => {
    for (let i = 0; i < seconds * 4; i++) {
      now += 250;
      dog.silence();
    }
  };
  wait(2);
  assert.equal(dog.progress({ frame: 0, outTime: null }), false, 'a report of nothing');
  assert.equal(dog.silence(), 2);
  assert.equal(dog.progress({ frame: 10, outTime: 0.4 }), true);
  wait(3);
  assert.equal(dog.progress({ frame: 10, outTime: 0.4 }), false, 'the same again');
  assert.equal(dog.silence(), 3);
  assert.equal(dog.progress({ frame: 10, outTime: 0.5 }), false, 'sound that goes on without its pictures');
  assert.equal(dog.progress({ frame: 11, outTime: 0.5 }), true);
  const radio = new Watchdog(() => now);
  assert.equal(radio.progress({ frame: 0, outTime: 0.4 }), true, 'sound that never had any');
  assert.equal(radio.progress({ frame: 0, outTime: 0.5 }), true);
  now += 60_000;
  assert.equal(dog.silence(), 0, 'our own standstill is not its doing');
});

test('times of a schedule', () => {
  const spec = {
    startCron: '0 8 * * *',
    stopCron: '0 20 * * *',
    startAt: null,
    stopAt: null,
    timezone: 'Europe/Vienna',
  };
  const due = (from: string, to: string, more = {}) =>
    dueIn({ spec: { ...spec, ...more } } as Parameters<typeof dueIn>[0], {
      after: new Date(from),
      until: new Date(to),
    });
  assert.equal(due('2026-01-10T06:59:59Z', '2026-01-10T07:00:00Z'), 'start', 'eight in Vienna is seven in winter');
  assert.equal(due('2026-07-10T05:59:59Z', '2026-07-10T06:00:00Z'), 'start');
  assert.equal(due('2026-01-10T18:59:59Z', '2026-01-10T19:00:01Z'), 'stop');
  assert.equal(due('2026-01-10T07:00:00Z', '2026-01-10T08:00:00Z'), null);
  assert.equal(due('2026-01-10T06:00:00Z', '2026-01-10T20:00:00Z'), 'stop', 'the later one counts');
  assert.equal(due('2026-01-10T07:00:00Z', '2026-01-10T08:00:00Z', { startAt: '2026-01-10T07:30:00Z' }), 'start');

  // Minutes of a night in which the pattern falls due.
  const hits = (pattern: string, from: string, hours: number): string[] =>
    Array.from({ length: hours * 60 }, (_, i) => Date.parse(from) + i * 60_000)
      .filter((at) => due(new Date(at - 60_000).toISOString(), new Date(at).toISOString(), { startCron: pattern }))
      .map((at) => new Date(at).toISOString().slice(11, 16));
  assert.deepEqual(hits('30 2 * * *', '2026-10-24T23:00:00Z', 4), ['00:30'], 'an hour that comes twice counts once');
  assert.deepEqual(
    hits('30 2 * * *', '2026-03-29T00:00:00Z', 3),
    ['01:00'],
    'one that is left out, when it would begin',
  );
  assert.deepEqual(
    hits('0 * * * *', '2026-10-24T23:30:00Z', 3),
    ['00:00', '01:00', '02:00'],
    'every hour is every hour',
  );
  assert.equal(
    due('1970-01-01T00:00:00Z', '2026-01-10T21:00:30Z', { startCron: '* * * * *' }),
    'start',
    'a machine that began without a clock has it set',
  );
});
