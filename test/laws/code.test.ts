import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNode, lineOf, listFiles, type Node, read, readSource, type Source, serverSources } from './source-tree.ts';

const LONGEST_FILE = 400;
const MOST_PARAMETERS = 3;
const FORBIDDEN_NAMES = ['utils', 'util', 'helpers', 'helper', 'common', 'base', 'manager', 'misc', 'shared', 'lib'];
/** The only places that start processes. */
const SPAWN_SITES = ['src/media/ffmpeg.ts', 'src/database/embedded.ts'];
/** PlatformError; errors of rooms that import nothing or end the program; a foreign library's; one that undoes a transaction. */
const ERROR_SITES = [
  'src/domain/error.ts',
  'src/config/load.ts',
  'src/cli/command.ts',
  'src/media/libheif.ts',
  'src/workflows/videos/submit-video.ts',
];
const FUNCTIONS = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'];

/** Every node that breaks a law, as `path:line`. */
const find = (sources: readonly Source[], breaks: (node: Node, source: Source) => boolean): string[] =>
  sources.flatMap((source) =>
    source.nodes
      .filter((node) => breaks(node, source))
      .map((node) => `${source.path}:${lineOf(source.text, node.start)}`),
  );
const named = (node: unknown, name: string): boolean =>
  isNode(node) && node.type === 'Identifier' && node.name === name;

test(`no file of the server, the dashboard or a test is longer than ${LONGEST_FILE} lines`, () => {
  // What is generated is nobody's to read.
  const written = listFiles('{src,dashboard,bench,scripts,test}/**/*.{ts,tsx}');
  assert.ok(written.length > serverSources().length);
  assert.deepEqual(
    written.filter((path) => read(path).split('\n').length > LONGEST_FILE + 1),
    [],
  );
});

test('every file of the server begins with what it is', () => {
  assert.deepEqual(
    serverSources()
      .filter(({ text }) => !/^\/\/ \S/.test(text))
      .map(({ path }) => path),
    [],
  );
});

test('no file or folder has a name that says nothing', () => {
  const all = listFiles('src/**/*', 'dashboard/**/*', 'client/**/*', 'test/**/*', 'bench/**/*', 'scripts/**/*');
  const nothing = all.filter((path) =>
    path.split('/').some((part) => FORBIDDEN_NAMES.includes(part.replace(/\..*$/, '').toLowerCase())),
  );
  assert.deepEqual(nothing, []);
});

test(`no function takes more than ${MOST_PARAMETERS} parameters`, () => {
  const broken = find(
    serverSources(),
    ({ type, params }) => FUNCTIONS.includes(type) && Array.isArray(params) && params.length > MOST_PARAMETERS,
  );
  assert.deepEqual(broken, []);
});

test('the environment is read in src/config alone', () => {
  // `process`, `globalThis.process`, `process['env']`
  const calledBy = (node: unknown, name: string) => named(node, name) || (isNode(node) && node.value === name);
  const isProcess = (node: unknown) => named(node, 'process') || (isNode(node) && calledBy(node.property, 'process'));
  const reads = (node: Node): boolean =>
    (node.type === 'MemberExpression' && isProcess(node.object) && calledBy(node.property, 'env')) ||
    (node.type === 'VariableDeclarator' && isProcess(node.init)) ||
    (node.type === 'ImportDeclaration' && isNode(node.source) && /^(node:)?process$/.test(String(node.source.value)));
  assert.deepEqual(
    find(serverSources(), (node, { path }) => !path.startsWith('src/config/') && reads(node)),
    [],
  );
});

test('processes are started in two files alone', () => {
  const starters = serverSources().filter(({ imports }) =>
    imports.some(({ from, typeOnly }) => !typeOnly && /^(node:)?child_process$/.test(from)),
  );
  assert.deepEqual(
    starters.map(({ path }) => path).filter((path) => !SPAWN_SITES.includes(path)),
    [],
  );
});

test('there is one class of errors, but for those that never leave the file that waits for them', () => {
  const broken = find(
    serverSources(),
    ({ type, superClass }, { path }) =>
      /^Class(Declaration|Expression)$/.test(type) && named(superClass, 'Error') && !ERROR_SITES.includes(path),
  );
  assert.deepEqual(broken, []);
});

test('no test is chosen alone, put off, or skipped without its reason', () => {
  const tests = listFiles('test/**/*.ts').map(readSource);
  const breaks = (node: Node): boolean => {
    if (
      node.type === 'MemberExpression' &&
      ['test', 'it', 'describe', 'suite'].some((name) => named(node.object, name))
    ) {
      return ['only', 'skip', 'todo'].some((name) => named(node.property, name));
    }
    // `{ skip: true }` and `t.skip()` print no reason.
    if (node.type === 'Property' && (named(node.key, 'skip') || named(node.key, 'only') || named(node.key, 'todo')))
      return isNode(node.value) && node.value.value === true;
    return (
      node.type === 'CallExpression' &&
      isNode(node.callee) &&
      named(node.callee.property, 'skip') &&
      Array.isArray(node.arguments) &&
      node.arguments.length === 0
    );
  };
  assert.deepEqual(find(tests, breaks), []);
});
