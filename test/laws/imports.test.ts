import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { test } from 'node:test';
import { type Import, lineOf, ROOT, type Source, serverSources } from './source-tree.ts';

/** Which rooms a room may import from, itself aside. `types` may be had by `import type` alone. */
const LAW: Readonly<Record<string, { readonly values: readonly string[]; readonly types?: readonly string[] }>> = {
  config: { values: [] },
  domain: { values: [] },
  media: { values: ['domain'] },
  storage: { values: ['domain'] },
  database: { values: ['domain'] },
  queue: { values: ['domain'] },
  workflows: { values: ['domain', 'media', 'storage', 'database', 'queue'], types: ['config'] },
  live: { values: ['domain', 'media', 'storage', 'database'], types: ['config', 'workflows'] },
  api: { values: ['domain', 'workflows', 'database'], types: ['config', 'media', 'storage'] },
  cli: {
    values: ['config', 'domain', 'media', 'storage', 'database', 'queue', 'workflows', 'live', 'api', 'platform'],
  },
  platform: { values: ['config', 'domain', 'media', 'storage', 'database', 'queue', 'workflows', 'live'] },
  main: { values: ['cli'] },
};
/** One API never imports another; what they share lies beside their folders. */
const APIS = ['jobs', 'encoder', 'videos', 'operations', 'channels'];

/** `#room/file.ts` as `src/room/file.ts`; undefined for what is not ours. */
function target(specifier: string): string | undefined {
  return specifier.startsWith('#') ? `src/${specifier.slice(1)}` : undefined;
}
const roomOf = (path: string): string => (path.split('/')[1] ?? '').replace(/\.ts$/, '');
const each = function* (): Generator<[Source, Import]> {
  for (const source of serverSources()) for (const found of source.imports) yield [source, found];
};
const at = (source: Source, found: Import): string => `${source.path}:${found.line} imports ${found.from}`;

test('every room imports only from the rooms it may', () => {
  const broken: string[] = [];
  for (const [source, found] of each()) {
    const path = target(found.from);
    if (path === undefined) continue;
    const [from, to] = [roomOf(source.path), roomOf(path)];
    const law = LAW[from];
    const allowed = from === to || law?.values.includes(to) || (found.typeOnly && law?.types?.includes(to));
    if (!allowed) broken.push(at(source, found));
  }
  assert.deepEqual(broken, []);
});

test('every room stands in the law', () => {
  assert.deepEqual(
    [...new Set(serverSources().map(({ path }) => roomOf(path)))].filter((room) => !(room in LAW)),
    [],
  );
});

test('imports of our own files are written #room/file.ts and lead to a file', () => {
  const broken: string[] = [];
  for (const [source, found] of each()) {
    const path = target(found.from);
    // package.json tells the version; nothing else above src is ours to import.
    if (
      (found.from.startsWith('.') && normalize(join(source.path, '..', found.from)) !== 'package.json') ||
      (path !== undefined && !existsSync(join(ROOT, path)))
    )
      broken.push(at(source, found));
  }
  assert.deepEqual(broken, []);
});

test('an API imports no other API, and of the database only what reads', () => {
  const broken: string[] = [];
  for (const [source, found] of each()) {
    const path = target(found.from);
    if (path === undefined || roomOf(source.path) !== 'api') continue;
    const [own, other] = [source.path.split('/')[2], path.split('/')[2]];
    // server.ts puts them together.
    if (roomOf(path) === 'api' && other !== own && own !== 'server.ts' && APIS.includes(other ?? ''))
      broken.push(at(source, found));
    const reads = found.names.length > 0 && found.names.every((name) => /^(listen$|(find|list|count)[A-Z])/.test(name));
    if (roomOf(path) === 'database' && !found.typeOnly && !reads)
      broken.push(`${at(source, found)}: ${found.names.join(', ')}`);
  }
  assert.deepEqual(broken, []);
});

test('no file hands on what another exports: who needs it imports it from there', () => {
  const broken = serverSources().flatMap(({ path, text, nodes }) =>
    nodes
      .filter(
        ({ type, source, exportKind }) =>
          /^Export(All|Named)Declaration$/.test(type) && source && exportKind !== 'type',
      )
      .map(({ start }) => `${path}:${lineOf(text, start)}`),
  );
  assert.deepEqual(broken, []);
});

test('no file imports itself by a detour', () => {
  const graph = new Map<string, string[]>();
  for (const source of serverSources()) {
    graph.set(
      source.path,
      source.imports.filter(({ typeOnly }) => !typeOnly).flatMap(({ from }) => target(from) ?? []),
    );
  }
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) cycles.push([...above.slice(above.indexOf(path)), path].join(' → '));
    if (done.has(path) || above.includes(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...above, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  assert.deepEqual(cycles, []);
});
