// The address guard: every spelling of a private address, names that answer with one, rebinding, and what an operator opened.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { after, describe, it } from 'node:test';
import { request } from 'undici';
import { createEgress, type Egress } from '#storage/egress.ts';
import { startFileServer } from '../kit/http-server.ts';

const PRIVATE = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '0x7f.0x0.0x0.0x1',
  '0',
  '0.0.0.0',
  '127.0.0.1.',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '１２７.0.0.1',
  '10.0.0.1',
  '10.255.255.255',
  '172.16.0.1',
  '172.31.255.254',
  '192.168.1.1',
  '0xc0a80101',
  '3232235777',
  '169.254.169.254',
  '169.254.170.2',
  '0xa9fea9fe',
  '2852039166',
  '100.64.0.1',
  '100.100.100.200',
  '100.127.255.255',
  '192.0.0.1',
  '192.0.0.192',
  '192.0.2.1',
  '198.51.100.7',
  '203.0.113.9',
  '198.18.0.1',
  '198.19.255.255',
  '192.88.99.1',
  '224.0.0.1',
  '239.1.1.1',
  '240.0.0.1',
  '255.255.255.255',
  '168.63.129.16',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:10.1.2.3]',
  '[::127.0.0.1]',
  '[::7f00:1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::10.0.0.1]',
  '[64:ff9b:1::1]',
  '[2002:7f00:1::]',
  '[2002:a00:1::1]',
  '[::ffff:0:127.0.0.1]',
  '[fd00::1]',
  '[fd00:ec2::254]',
  '[fc00::1]',
  '[fe80::1]',
  '[febf::1]',
  '[fec0::1]',
  '[ff02::1]',
  '[2001:db8::1]',
  '[3fff::1]',
  '[2001::1]',
  '[2001:2::1]',
  '[100::1]',
  '[5f00::1]',
  '[4000::1]',
  '[2606:4700::5efe:a00:1]',
  '[2606:4700::200:5efe:7f00:1]',
];
const PUBLIC = [
  '1.1.1.1',
  '93.184.215.14',
  '16843009',
  '172.32.0.1',
  '100.128.0.1',
  '[2606:4700:4700::1111]',
  '[64:ff9b::1.1.1.1]',
  '[::ffff:8.8.8.8]',
  '[2002:808:808::1]',
];

const opened: Egress[] = [];
after(() => Promise.all(opened.map((egress) => egress.close())));
function open(options: Partial<Parameters<typeof createEgress>[0]> = {}): Egress {
  const egress = createEgress({ allow: [], ...options });
  opened.push(egress);
  return egress;
}
const answering =
  (...addresses: string[]) =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
const REFUSED = { code: 'destination_refused_address' };

describe('egress: addresses', () => {
  const egress = open();

  it('refuses every spelling of an address that is not public, in URLs', () => {
    for (const host of PRIVATE) {
      for (const url of [
        `http://${host}/x`,
        `https://${host}:8443/`,
        `http://user:secret@${host}/`,
        `http://example.com@${host}/`,
        `http://example.com%2f@${host}:80/`,
      ]) {
        assert.throws(() => egress.checkUrl(url), REFUSED, url);
      }
    }
    for (const url of [
      'http:127.0.0.1',
      'http:\\\\127.0.0.1\\',
      'http://127.0.0.1\\@example.com/',
      'http://%31%32%37.0.0.1/',
      'http://127.0.0.1%00.example.com/',
    ]) {
      assert.throws(
        () => egress.checkUrl(url),
        (error: { code: string }) => ['destination_refused_address', 'invalid_request'].includes(error.code),
        url,
      );
    }
  });

  it('refuses them as bare hosts too, where no URL normalises them', async () => {
    for (const host of PRIVATE) {
      await assert.rejects(egress.resolve(host), REFUSED, host);
      await assert.rejects(egress.resolve(host.replace(/[[\]]/g, '')), REFUSED, host);
    }
  });

  it('passes public ones', async () => {
    for (const host of PUBLIC) {
      egress.checkUrl(`https://${host}/`);
      assert.match((await egress.resolve(host)).address, /^[\d.]+$|:/);
    }
    assert.deepEqual(await egress.resolve('16843009'), { address: '1.1.1.1', family: 4 });
  });

  it('refuses what is no host', async () => {
    for (const host of [
      '',
      'a b',
      'a/b',
      'user@host',
      'host:80',
      'a?b',
      'a#b',
      'a\\b',
      'a\nb',
      'fe80::1%eth0',
      '[::1',
      '256.256.256.256',
      '1.2.3.4.5',
    ]) {
      await assert.rejects(egress.resolve(host), { code: 'invalid_request' }, JSON.stringify(host));
    }
    for (const url of [
      '',
      'nothing',
      'file:///etc/passwd',
      'gopher://example.com/',
      'ftp://example.com/',
      'data:text/plain,x',
      'http://',
    ]) {
      assert.throws(() => egress.checkUrl(url), { code: 'invalid_request' }, url);
    }
    assert.equal(egress.checkUrl('ftp://example.com/', ['ftp:']).hostname, 'example.com');
  });

  it('says it in the voice of its role', () => {
    assert.throws(() => egress.as('source').checkUrl('http://10.0.0.1/'), { code: 'source_refused_address' });
    assert.throws(() => egress.as('destination').checkUrl('http://10.0.0.1/'), REFUSED);
  });
});

describe('egress: names', () => {
  it('refuses localhost in all its forms', async () => {
    const egress = open();
    for (const name of ['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'a.localhost.'])
      await assert.rejects(egress.resolve(name), REFUSED, name);
  });

  it('refuses a name of which any answer is not public', async () => {
    const mixed = [
      ['127.0.0.1'],
      ['1.1.1.1', '10.0.0.1'],
      ['10.0.0.1', '1.1.1.1'],
      ['1.1.1.1', '::1'],
      ['2606:4700::1', '::ffff:169.254.169.254'],
      ['fd00::1', '1.1.1.1'],
    ];
    for (const answers of mixed)
      await assert.rejects(open({ lookup: answering(...answers) }).resolve('mixed.example'), REFUSED, answers.join());
    const fine = open({ lookup: answering('1.1.1.1', '2606:4700::1') });
    assert.deepEqual(await fine.resolve('fine.example'), { address: '1.1.1.1', family: 4 });
  });

  it('says unreachable where a name has no answer', async () => {
    const failing = open({
      lookup: async () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })),
    });
    await assert.rejects(failing.as('source').resolve('nowhere.example'), { code: 'source_unreachable' });
    await assert.rejects(open({ lookup: answering() }).resolve('empty.example'), { code: 'destination_unreachable' });
  });
});

describe('egress: dialling', () => {
  it('refuses at the dial, for undici, node:http and sockets, and reaches nothing', async () => {
    const canary = await startFileServer();
    try {
      const egress = open({ lookup: answering('127.0.0.1') });
      for (const host of ['inside.example', '127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]']) {
        const url = `http://${host}:${canary.port}/`;
        await assert.rejects(
          request(url, { dispatcher: await egress.dispatcher() }),
          hasCode('destination_refused_address'),
          url,
        );
        await assert.rejects(
          once(http.get(url, { agent: egress.agents.http }), 'response'),
          hasCode('destination_refused_address'),
          url,
        );
      }
      const socket = connect({ host: 'inside.example', port: canary.port, lookup: egress.lookup });
      await assert.rejects(once(socket, 'connect'), hasCode('destination_refused_address'));
      assert.deepEqual(canary.requests, []);
    } finally {
      await canary.stop();
    }
  });

  it('dials what it judged: a name that changes its answer is asked once for a connection', async () => {
    const canary = await startFileServer();
    try {
      let asked = 0;
      const lookup = async () => {
        asked += 1;
        // First an address the operator opened, from then on one that nobody did.
        return [{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }];
      };
      const egress = open({ allow: ['127.0.0.1/32'], lookup });
      const answer = await request(`http://rebinding.example:${canary.port}/`, {
        dispatcher: await egress.dispatcher(),
      });
      assert.equal(answer.statusCode, 404);
      await answer.body.dump();
      assert.equal(asked, 1);
      await assert.rejects(egress.resolve('rebinding.example'), REFUSED);
      assert.equal(canary.requests[0]?.headers.host, `rebinding.example:${canary.port}`);
    } finally {
      await canary.stop();
    }
  });
});

describe('egress: EGRESS_ALLOW', () => {
  it('opens what it names and nothing else', async () => {
    const egress = open({ allow: ['10.1.0.0/16', '192.168.7.7', 'fd12::/16', '127.0.0.0/8'] });
    for (const host of [
      '10.1.2.3',
      '192.168.7.7',
      '[fd12::1]',
      '2130706433',
      '[::ffff:10.1.0.1]',
      '[64:ff9b::10.1.0.1]',
    ])
      egress.checkUrl(`http://${host}/`);
    for (const host of ['10.2.0.1', '192.168.7.8', '[fd13::1]', '[::1]', '169.254.169.254']) {
      assert.throws(() => egress.checkUrl(`http://${host}/`), REFUSED, host);
    }
  });

  it('names the entry that is wrong', () => {
    for (const wrong of ['10.0.0.0/33', 'localhost', '10.0.0.0/', '*', '']) {
      assert.throws(
        () => createEgress({ allow: ['10.0.0.0/8', wrong] }),
        (error: { code: string; message: string }) => {
          assert.equal(error.code, 'invalid_setting');
          assert.ok(error.message.includes(JSON.stringify(wrong)));
          return true;
        },
      );
    }
  });
});

/** The code of one of our errors anywhere in the chain of causes. */
function hasCode(code: string): (error: unknown) => boolean {
  return (error) => {
    for (let at = error; at instanceof Error; at = at.cause) if ('code' in at && at.code === code) return true;
    return false;
  };
}
