import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { SETTINGS } from '#config/settings.ts';
import { list, ROOT, read } from './deploy-files.ts';

/** Names in capitals that are no settings of ours, and whose they are. */
const FOREIGN: Readonly<Record<string, string>> = {
  NODE_ENV: 'Node',
  NODE_IMAGE: 'the Dockerfile',
  POSTGRES_USER: 'the image postgres',
  POSTGRES_PASSWORD: 'the image postgres',
  POSTGRES_DB: 'the image postgres',
  CMD_SHELL: 'compose',
  AF_UNIX: 'systemd',
  AF_INET: 'systemd',
  AF_INET6: 'systemd',
  AF_NETLINK: 'systemd',
  SILENCE_SECONDS: 'health.ts',
  PATIENCE_SECONDS: 'health.ts',
  START_SECONDS: 'make-bucket.ts',
};
const files = list('deploy/**/*.*', 'deploy/Dockerfile');

test('every setting that is named anywhere in deploy/ exists', () => {
  assert.ok(files.length >= 18);
  const unknown = files.flatMap((path) =>
    [...read(path).matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g)]
      .map(([name]) => name)
      .filter((name) => !(name in SETTINGS) && !(name in FOREIGN))
      .map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(unknown, []);
});

test('every command that is started exists', () => {
  const texts = [...files, 'docs/deploy.md'].map(read).join('\n');
  const started = new Set([
    ...[...texts.matchAll(/(?:args|command): \[(\w+)\]/g)].map(([, name = '']) => name),
    ...[...texts.matchAll(/(?:bin\/rendition|`rendition|rendition:0\.1\.0) ([a-z]+)/g)].map(([, name = '']) => name),
  ]);
  assert.deepEqual([...started].sort(), ['doctor', 'keys', 'retention', 'serve', 'work']);
  for (const name of started) {
    const help = execFileSync(process.execPath, [join(ROOT, 'src/main.ts'), name, '--help'], { encoding: 'utf8' });
    assert.match(help, new RegExp(`^rendition ${name}\\b`));
  }
});

test('no file of deploy/ holds a secret', () => {
  const secret = /\w*(?:SECRET|PASSWORD|ADMIN_KEY|ACCESS_KEY|API_KEY|DATABASE_URL)\w*["']?\s*[:=](.*)$/;
  // Nothing, a place to fill in, or compose's own substitution (or its end); the user of the S3 server is none.
  const harmless = /^("")?$|CHANGE-ME|\$\{\w+:\?\}|^\?\}|^rendition$/;
  const found = files
    .filter((path) => !path.endsWith('.ts'))
    .flatMap((path) =>
      read(path)
        .split('\n')
        .filter((line) => !line.trimStart().startsWith('#'))
        .filter((line) => {
          const value = secret.exec(line)?.[1]?.trim();
          return value !== undefined && !harmless.test(value);
        })
        .map((line) => `${path}: ${line.trim()}`),
    );
  assert.deepEqual(found, []);
});
