// The types the dashboard is written against are those of the API as it is, it compiles against them, its words are whole, and what is loaded first is small.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { SETTINGS } from '#config/settings.ts';
import { ERROR_CODES } from '#domain/error.ts';
import { FINDING_CODES } from '#domain/finding.ts';
import { generateClient, type OpenApi } from '../../scripts/generate-client.ts';
import { openServer } from '../api/open-server.ts';
import { listFiles, ROOT, readSource } from '../laws/source-tree.ts';

const run = promisify(execFile);
const DIST = join(ROOT, 'dashboard/dist');
/** Bytes, gzipped: what the first page asks for before it can be used, and all there is but the player. */
const FIRST_BUDGET = 115_000;
const REST_BUDGET = 200_000;

test('client/types.ts is what the API says now (node src/main.ts openapi | node scripts/generate-client.ts)', async () => {
  await using server = await openServer();
  const document = (await server.call('GET', '/openapi.json')).body as OpenApi;
  const written = readFileSync(join(ROOT, 'client/types.ts'), 'utf8');
  assert.equal(written, generateClient(document), 'client/types.ts is stale');
});

test('the dashboard compiles, and imports nothing of ours but the generated types', async () => {
  await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', 'dashboard'], {
    cwd: ROOT,
  });
  const foreign = listFiles('dashboard/src/**/*.{ts,tsx}')
    .map(readSource)
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ from }) => from.startsWith('.') || from.startsWith('#'))
        .filter(({ from, typeOnly }) => {
          const target = join(ROOT, path, '..', from);
          // What its player and that of /watch both are is said once, there.
          const isOwn = ['src', 'watch'].some((folder) => target.startsWith(join(ROOT, `dashboard/${folder}/`)));
          return !isOwn && !(typeOnly && target === join(ROOT, 'client/types.ts'));
        })
        .map(({ from }) => `${path} imports ${from}`),
    );
  assert.deepEqual(foreign, []);
});

/** By a path that the compiler does not follow: these files know the browser, which tests do not. */
const wordsOf = async (language: string, folder = 'src'): Promise<Readonly<Record<string, string>>> => {
  const path = join(ROOT, `dashboard/${folder}/text/${language}.ts`);
  return ((await import(path)) as Readonly<Record<string, Readonly<Record<string, string>>>>)[language] ?? {};
};

type Shape = {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
};

test('every field of the form for a new job has a name in the language of the reader', async () => {
  await using server = await openServer();
  const { paths } = (await server.call('GET', '/openapi.json')).body as OpenApi;
  const job = paths['/jobs']?.post?.requestBody?.content['application/json']?.schema as Shape;
  const { source, outputs, priority, notificationUrl } = job.properties ?? {};
  const isField = (shape: Shape): boolean => {
    const choices = (shape.anyOf ?? shape.oneOf ?? []).filter(({ type }) => type !== 'null');
    const [only] = choices;
    if (only) return choices.length === 1 && isField(only);
    return shape.enum !== undefined || !['object', 'array', undefined].includes([shape.type].flat()[0]);
  };
  const shapes = [
    ...(source?.anyOf ?? source?.oneOf ?? []).map(({ properties }) => properties),
    outputs?.items?.properties,
  ];
  const names = [...shapes, { priority, notificationUrl }].flatMap((properties) =>
    Object.entries(properties ?? {}).flatMap(([name, shape]) => (shape && isField(shape) ? [name] : [])),
  );
  const form = names.filter((name) => !['uploadId', 'data', 'filename'].includes(name));
  assert.ok(form.length > 25, form.join());
  const words = await wordsOf('en');
  assert.deepEqual(
    form.filter((name) => words[`field.${name}`] === undefined),
    [],
  );
});

test('every word of the dashboard and the player is there in each language, with the same values in it', async () => {
  const names = (text: string) => [...text.matchAll(/\{(\w+)/g)].map(([, name]) => name).sort();
  for (const [folder, least] of [
    ['src', 300],
    ['watch', 20],
  ] as const) {
    const [en, de] = await Promise.all([wordsOf('en', folder), wordsOf('de', folder)]);
    assert.ok(Object.keys(en).length > least);
    const broken = Object.entries(en).flatMap(([key, text]) => {
      const other = de[key];
      if (other === undefined || other === '') return [`${key}: missing`];
      return names(text).join() === names(other).join() ? [] : [`${key}: ${text} / ${other}`];
    });
    assert.deepEqual(broken, [], folder);
  }
});

test('what the server says by a code, German says in German', async () => {
  const de = await wordsOf('de');
  const wanted = [
    ...Object.keys(FINDING_CODES).flatMap((code) => [`finding.${code}`, `finding.does.${code}`]),
    ...Object.keys(ERROR_CODES).flatMap((code) => [`failure.${code}`, `advice.${code}`]),
  ];
  const known = Object.keys(de).filter((key) => /^(finding|failure|advice)\./.test(key));
  assert.deepEqual(
    wanted.filter((key) => !de[key]),
    [],
    'has no word',
  );
  // One that differs by severity has that behind its code.
  const stale = known.filter((key) => !wanted.includes(key) && !wanted.includes(key.replace(/\.\w+$/, '')));
  assert.deepEqual(stale, [], 'is said by nobody');
});

test('every setting is said in German as well', async () => {
  const { settings } = (await import(join(ROOT, 'dashboard/src/text/settings.de.ts'))) as {
    readonly settings: Readonly<Record<string, string>>;
  };
  const groups = new Set(Object.values(SETTINGS).map(({ group }) => `group.${group}`));
  assert.deepEqual(Object.keys(settings).sort(), [...groups, ...Object.keys(SETTINGS)].sort());
});

test('what is loaded first is small, and the rest comes when it is asked for', (context) => {
  if (!existsSync(join(DIST, 'index.html')))
    return context.skip('the dashboard is not built: npx vite build dashboard');
  const size = (name: string) => readFileSync(join(DIST, `${name}.gz`)).length;
  const page = readFileSync(join(DIST, 'index.html'), 'utf8');
  const linked = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, name = '']) => name);
  const first = new Set<string>();
  const follow = (name: string) => {
    if (first.has(name)) return;
    first.add(name);
    // Static imports alone: what stands in import(…) comes later.
    const code = readFileSync(join(DIST, name), 'utf8');
    for (const [, inner = ''] of code.matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g)) follow(`assets/${inner}`);
  };
  linked.forEach(follow);
  const home = readFileSync(join(DIST, linked[0] ?? ''), 'utf8').match(/\.\/(home-[\w-]+\.js)/)?.[1];
  if (home) follow(`assets/${home}`);
  const loaded = [...first].reduce((sum, name) => sum + size(name), 0);
  context.diagnostic(`first load: ${Math.round(loaded / 1000)} kB of JavaScript, gzipped, in ${first.size} files`);
  assert.ok(home, 'the first page is a part of its own');
  assert.ok(loaded < FIRST_BUDGET, `${loaded} bytes are loaded first; at most ${FIRST_BUDGET}`);
  // All that the dashboard itself may ever ask for; another page of the same folder (the player) is not its business.
  const all = new Set<string>(first);
  for (const name of all) {
    const code = readFileSync(join(DIST, name), 'utf8');
    for (const [, inner = ''] of code.matchAll(/["`'](?:\.\/|assets\/)([\w.-]+\.js)["`']/g))
      if (existsSync(join(DIST, 'assets', inner))) all.add(`assets/${inner}`);
  }
  const others = [...all].filter((name) => !first.has(name) && !name.startsWith('assets/hls'));
  assert.ok(others.length > 10, 'every page is a part of its own');
  const rest = others.reduce((sum, name) => sum + size(name), 0);
  context.diagnostic(`all other pages together, without the player: ${Math.round(rest / 1000)} kB`);
  assert.ok(rest < REST_BUDGET, `${rest} bytes; at most ${REST_BUDGET}`);
});
