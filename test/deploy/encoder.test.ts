// The encoding worker alone: its systemd unit, its settings, its compose file.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '#config/load.ts';
import { SETTINGS } from '#config/settings.ts';
import { missingPrograms } from '../kit/server-process.ts';
import { assignments, documents, read } from './deploy-files.ts';

const UNIT = 'deploy/systemd/rendition-encoder.service';
const EXAMPLE = read('deploy/systemd/encoder.env.example');
const MOST_EXPOSED = 3;

test('the unit starts a worker that takes the encoder API alone, with a database of its own', () => {
  const text = read(UNIT);
  const environment = /^Environment=(.*)$/m.exec(text)?.[1]?.split(' ').join('\n') ?? '';
  const config = loadConfig({}, environment);
  assert.deepEqual([config.ROLES, config.APIS, config.PORT], [['work'], ['encoder', 'jobs'], 8001]);
  assert.match(text, /^ExecStart=\/opt\/rendition\/bin\/rendition serve$/m);
  assert.equal(config.DATA_DIR, `/var/lib/${/^StateDirectory=(.*)$/m.exec(text)?.[1]}`);
  assert.doesNotMatch(text, /^User=root/m);
});

test('the example of its settings names settings, and means the defaults where it is not filled in', () => {
  assert.deepEqual(
    Object.keys(assignments(EXAMPLE)).filter((name) => !(name in SETTINGS)),
    [],
  );
  assert.deepEqual(loadConfig({}, EXAMPLE), loadConfig({}));
});

test('the compose file runs the same', () => {
  const [file] = documents(read('deploy/compose.encoder.yaml'), 'compose.encoder.yaml') as [
    {
      services: Record<
        string,
        { command: string[]; environment: Record<string, string>; env_file: string; stop_grace_period: string }
      >;
    },
  ];
  const { encoder, ...others } = file.services;
  assert.deepEqual(others, {});
  assert.deepEqual(encoder?.command, ['serve']);
  assert.deepEqual(loadConfig(encoder?.environment ?? {}).ROLES, ['work']);
  assert.ok(Number.parseInt(encoder?.stop_grace_period ?? '', 10) > 30);
  assert.equal(encoder?.env_file, 'encoder.env');
});

test('systemd finds nothing wrong with the unit, and calls it well hardened', {
  skip: missingPrograms('systemd-analyze'),
}, (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'rendition-systemd-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'bin'));
  // It looks whether the program is there.
  writeFileSync(join(folder, 'bin', 'rendition'), '#!/bin/sh\n');
  chmodSync(join(folder, 'bin', 'rendition'), 0o755);
  const unit = join(folder, 'rendition-encoder.service');
  writeFileSync(unit, read(UNIT).replace('ExecStart=/opt/rendition', `ExecStart=${folder}`));
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
  assert.deepEqual([status, stderr.split('\n').filter((line) => line.includes('rendition'))], [0, []]);
  const version = Number(
    /systemd (\d+)/.exec(execFileSync('systemd-analyze', ['--version'], { encoding: 'utf8' }))?.[1],
  );
  if (version < 250) return context.skip(`systemd ${version} does not judge files`);
  const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', unit], { encoding: 'utf8' });
  const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
  assert.ok(exposure > 0 && exposure < MOST_EXPOSED, String(exposure));
});
