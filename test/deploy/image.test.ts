import assert from 'node:assert/strict';
import { existsSync, globSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '#config/load.ts';
import { readSource } from '../laws/source-tree.ts';
import { ROOT, read } from './deploy-files.ts';
import { copies, type Instruction, isInContext, stages } from './image-folder.ts';

const all = stages();
const last = all.at(-1) ?? [];
const only = (name: string): string => {
  const found = last.filter((one) => one.name === name);
  assert.equal(found.length, 1, `one ${name}`);
  return found[0]?.args ?? '';
};
const at = (stage: readonly Instruction[], test: (one: Instruction) => boolean): number => stage.findIndex(test);

test('every stage starts from the same Node, the major version that the project runs with', () => {
  assert.equal(all.length, 3);
  for (const [from] of all) assert.match(from?.args ?? '', /^\$\{NODE_IMAGE\}( AS \w+)?$/);
  assert.match(read('deploy/Dockerfile'), /^ARG NODE_IMAGE=node:24-\w+-slim$/m);
});

test('what is copied exists and gets past .dockerignore; nothing else does', () => {
  const names = all.flatMap(([from]) => /AS (\w+)/.exec(from?.args ?? '')?.[1] ?? []);
  for (const { from, sources } of all.flatMap(copies)) {
    if (from !== null) assert.ok(names.includes(from), `stage ${from}`);
    else for (const source of sources) assert.ok(existsSync(join(ROOT, source)) && isInContext(source), source);
  }
  for (const path of ['src/main.ts', 'src/database/migrations/001-projects.sql', 'dashboard/src/main.tsx'])
    assert.ok(isInContext(path), path);
  for (const path of [
    '.env',
    '.git/config',
    'data/secret.key',
    'node_modules/pg/package.json',
    'deploy/compose.env',
    'dashboard/dist/index.html',
    'test/kit/postgres.ts',
  ])
    assert.ok(!isInContext(path), path);
});

test('packages are installed before the code is copied, so that a change of the code does not install them anew', () => {
  for (const stage of all) {
    const install = at(stage, ({ name, args }) => name === 'RUN' && args.includes('npm ci'));
    if (install < 0) continue;
    const before = stage.slice(0, install).filter(({ name }) => name === 'COPY');
    assert.deepEqual(before, [{ name: 'COPY', args: 'package.json package-lock.json ./' }]);
  }
  const system = at(last, ({ args }) => args.includes('apt-get'));
  assert.ok(system >= 0 && system < at(last, ({ name }) => name === 'COPY'));
});

test('the image runs as a plain user named by number, under an init, with nothing that leaks', () => {
  assert.equal(only('USER'), '1000:1000');
  assert.ok(
    at(last, ({ name }) => name === 'USER') > at(last, ({ name }) => name === 'RUN'),
    'root is given up after the last RUN',
  );
  assert.deepEqual(JSON.parse(only('ENTRYPOINT')), ['/usr/bin/tini', '--', 'node', '/app/src/main.ts']);
  assert.deepEqual(JSON.parse(only('CMD')), ['serve']);
  assert.equal(only('WORKDIR'), '/app');
  assert.match(only('HEALTHCHECK'), /CMD \["node", "\/app\/deploy\/health\.ts"\]$/);
  const apt = last.find(({ args }) => args.includes('apt-get'))?.args ?? '';
  for (const needed of ['ffmpeg', 'util-linux', 'tini', '--no-install-recommends', 'rm -rf /var/lib/apt/lists/*'])
    assert.ok(apt.includes(needed), needed);
  assert.deepEqual(
    all.flat().filter(({ name, args }) => name === 'ADD' || /(KEY|SECRET|PASSWORD|TOKEN)=/.test(args)),
    [],
  );
});

test('its settings are settings, and with a key a server starts from them', () => {
  const { NODE_ENV, ...env } = Object.fromEntries(
    only('ENV')
      .split(' ')
      .map((pair) => pair.split('=')),
  );
  assert.equal(NODE_ENV, 'production');
  const config = loadConfig(
    {},
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
  );
  assert.deepEqual([config.HOST, config.PORT, config.DATA_DIR], ['0.0.0.0', 8080, '/data']);
  assert.equal(only('EXPOSE'), '8080');
  assert.equal(only('VOLUME'), '/data');
});

/** The package of an import: `@aws-sdk/client-s3` of `@aws-sdk/client-s3/dist/x`. */
const packageOf = (from: string): string =>
  from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
/** What is imported when it runs. */
const importsOf = (path: string): string[] =>
  readSource(path)
    .imports.filter(({ typeOnly }) => !typeOnly)
    .map(({ from }) => from);

test('the server imports no package that only development has', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const builtin = new Set([...builtinModules, ...builtinModules.map((name) => `node:${name}`)]);
  const used = new Set(
    ['deploy/health.ts', ...globSync('src/**/*.ts', { cwd: ROOT })]
      .flatMap(importsOf)
      .filter((from) => !/^[.#]/.test(from) && !builtin.has(from))
      .map(packageOf),
  );
  assert.ok(used.has('fastify') && used.has('pg') && used.has('sharp'), 'imports are found');
  assert.deepEqual(
    [...used].filter((name) => !(name in dependencies)),
    [],
  );
});

test('the dashboard is built from what its stage has', () => {
  const stage = all.find((one) => one[0]?.args.endsWith('AS dashboard')) ?? [];
  const copied = copies(stage).flatMap(({ sources }) => sources);
  const outside = globSync('dashboard/{src/**/*.{ts,tsx},vite.config.ts}', { cwd: ROOT }).flatMap((path) =>
    importsOf(path)
      .filter((from) => from.startsWith('.'))
      .map((from) => normalize(join(dirname(path), from)))
      .filter((target) => !copied.some((folder) => target.startsWith(`${folder}/`))),
  );
  assert.deepEqual(outside, []);
});
