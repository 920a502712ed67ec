import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { SETTINGS } from '#config/settings.ts';
import { generateDocs } from '../../scripts/generate-docs.ts';
import { listProject, ROOT, read, serverSources } from './source-tree.ts';

const project = listProject();
const documents = project.filter((path) => path.endsWith('.md'));
const isText = (path: string): boolean =>
  /\.(ts|tsx|js|mjs|cjs|json|md|sql|html|css|yml|yaml|toml|sh|cmd|service|example|txt)$|(^|\/)[^.]+$|Dockerfile|\.gitignore$/.test(
    path,
  );

/** Names in capitals that documents use and that are no settings. */
const NO_SETTINGS: readonly string[] = ['ERROR_CODES'];

test('generated documents are what the code would write now (npm run docs)', () => {
  for (const [path, text] of Object.entries(generateDocs()))
    assert.equal(read(path), text, `${path} is stale: npm run docs`);
});

test('every relative link of a document leads somewhere', () => {
  const broken: string[] = [];
  for (const path of documents) {
    for (const [, link = ''] of read(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^([a-z]+:|#)/i.test(link)) continue;
      const target = normalize(join(dirname(path), decodeURIComponent(link.replace(/#.*$/, ''))));
      if (!existsSync(join(ROOT, target))) broken.push(`${path} → ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('what a comment names of our files is there', () => {
  const known = project.filter((path) => /\.(ts|tsx|mjs|sql)$/.test(path));
  const broken: string[] = [];
  for (const path of known.filter((one) => /^(src|bench|scripts|test)\//.test(one))) {
    // Of a test the first line alone: the others tell of files that are made up.
    const lines = path.startsWith('test/') ? read(path).split('\n', 1) : read(path).split('\n');
    for (const comment of lines.filter((line) => /^\s*(\/\/|\/?\*)|\s\/\/ /.test(line))) {
      for (const [, name = ''] of comment.matchAll(/(?<![\w`*{}$./-])([a-z][a-z0-9./-]*\.(?:ts|tsx|mjs|sql))\b/g))
        if (!known.some((one) => one === name || one.endsWith(`/${name}`))) broken.push(`${path}: ${name}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('ARCHITECTURE.md names every room, and no file that is not there', () => {
  const text = read('ARCHITECTURE.md');
  const rooms = new Set(
    project.flatMap((path) => /^(?:src\/)?[^/]+(?=\/)/.exec(path) ?? []).filter((room) => room !== 'src'),
  );
  assert.deepEqual(
    [...rooms].filter((room) => !text.includes(`\`${room}\``)),
    [],
  );
  const named = [...text.matchAll(/`([\w./-]+\.(?:ts|mjs))`/g)].map(([, name = '']) => name);
  assert.ok(named.length > 0);
  assert.deepEqual(
    named.filter((name) => !project.some((path) => `/${path}`.endsWith(`/${name}`))),
    [],
  );
});

test('every setting that a document names exists', () => {
  const unknown: string[] = [];
  for (const path of documents) {
    for (const [, name = ''] of read(path).matchAll(/`([A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9])(?:=[^`]*)?`/g)) {
      if (!(name in SETTINGS) && !NO_SETTINGS.includes(name)) unknown.push(`${path}: ${name}`);
    }
  }
  assert.deepEqual(unknown, []);
});

test('every setting is read by something', () => {
  const code = serverSources()
    .filter(({ path }) => path !== 'src/config/settings.ts')
    .map(({ text }) => text)
    .join('\n');
  const unread = Object.keys(SETTINGS).filter((name) => !new RegExp(`\\b${name}\\b`).test(code));
  assert.deepEqual(unread, []);
});

test('nothing names a place of a particular machine', () => {
  const places = /(^|[^\w.:/])\/(?:home|root|Users|work)\/[\w.-]+/;
  const found = project.filter(isText).flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (places.test(line) ? [`${path}:${index + 1} ${line.trim().slice(0, 100)}`] : [])),
  );
  assert.deepEqual(found, []);
});

test('the lock names no package host', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { resolved?: string; version?: string }>;
  };
  const hosts = Object.entries(packages).filter(
    ([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'),
  );
  assert.deepEqual(hosts, []);
  assert.deepEqual(
    Object.keys(packages).filter((path) => path !== '' && !packages[path]?.version),
    [],
  );
});
