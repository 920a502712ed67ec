import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadConfig } from '#config/load.ts';
import { missingPrograms } from '../kit/server-process.ts';
import { read } from './deploy-files.ts';

const UNITS = ['rendition.service', 'rendition-worker.service'] as const;
const INSTALLED = '/opt/rendition';
/** Of 10; what `systemd-analyze security` calls OK ends at 4.9, and a service without any hardening has 9.6. */
const MOST_EXPOSED = 3;

/** `Key=value` lines by section; a key may come several times. */
function parseUnit(text: string): Record<string, Record<string, string[]>> {
  const sections: Record<string, Record<string, string[]>> = {};
  let section: Record<string, string[]> = {};
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const name = /^\[(\w+)\]$/.exec(line)?.[1];
    if (name) {
      section = {};
      sections[name] = section;
      continue;
    }
    const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    assert.notEqual(key, '', line);
    section[key] = [...(section[key] ?? []), value];
  }
  return sections;
}

for (const name of UNITS) {
  describe(name, () => {
    const { Unit = {}, Service = {} } = parseUnit(read(`deploy/systemd/${name}`));
    const one = (key: string): string => {
      assert.equal(Service[key]?.length, 1, key);
      return Service[key]?.[0] ?? '';
    };

    test('stops in order: SIGTERM for the program alone, and more time than it takes', () => {
      assert.equal(one('KillMode'), 'mixed');
      assert.ok(Number(one('TimeoutStopSec')) > 35);
      assert.equal(one('OOMPolicy'), 'continue');
    });

    test('starts the command of its name with settings that exist', () => {
      assert.equal(one('ExecStart'), `${INSTALLED}/bin/rendition ${name === 'rendition.service' ? 'serve' : 'work'}`);
      const config = loadConfig({}, one('Environment').split(' ').join('\n'));
      assert.equal(config.DATA_DIR, `/var/lib/${one('StateDirectory')}`);
      assert.notEqual(one('User'), 'root');
    });

    test('has none of the walls that it would break on', () => {
      for (const key of ['MemoryDenyWriteExecute', 'ProcSubset', 'PrivateDevices', 'ProtectClock', 'PrivateNetwork'])
        assert.equal(Service[key], undefined, key);
      assert.ok(one('RestrictAddressFamilies').split(' ').includes('AF_NETLINK'), 'network interfaces are listed');
    });

    test('a worker goes before the server whose database it may use', () => {
      if (name === 'rendition.service') assert.deepEqual(Unit.After, ['network-online.target']);
      else
        assert.deepEqual(
          [Unit.After, Unit.PartOf],
          [['network-online.target', 'rendition.service'], ['rendition.service']],
        );
    });
  });
}

test('the example of the settings is accepted, and means the defaults', () => {
  assert.deepEqual(loadConfig({}, read('deploy/systemd/rendition.env.example')), loadConfig({}));
});

describe('systemd itself', { skip: missingPrograms('systemd-analyze') }, () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rendition-systemd-'));
    mkdirSync(join(folder, 'bin'));
    // It looks whether the program is there.
    writeFileSync(join(folder, 'bin', 'rendition'), '#!/bin/sh\n');
    chmodSync(join(folder, 'bin', 'rendition'), 0o755);
    for (const name of UNITS)
      writeFileSync(
        join(folder, name),
        read(`deploy/systemd/${name}`).replace(`ExecStart=${INSTALLED}`, `ExecStart=${folder}`),
      );
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('finds nothing wrong with the units', () => {
    const { status, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', ...UNITS.map((name) => join(folder, name))],
      {
        encoding: 'utf8',
      },
    );
    assert.deepEqual([status, stderr.split('\n').filter((line) => line.includes('rendition'))], [0, []]);
  });

  test('calls them well hardened', (context) => {
    const version = Number(
      /systemd (\d+)/.exec(execFileSync('systemd-analyze', ['--version'], { encoding: 'utf8' }))?.[1],
    );
    if (version < 250) return context.skip(`systemd ${version} does not judge files`);
    for (const name of UNITS) {
      const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', join(folder, name)], {
        encoding: 'utf8',
      });
      const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
      assert.ok(exposure > 0 && exposure < MOST_EXPOSED, `${name}: ${exposure}`);
    }
  });
});
