// What the laws look at: the files of this checkout, and what each of them imports and says. Used by every law.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { parseAst } from 'vite';

export const ROOT = resolve(import.meta.dirname, '..', '..');

/** A node of the syntax tree (ESTree with TypeScript). */
export type Node = { readonly type: string; readonly start: number; readonly [key: string]: unknown };
export type Import = {
  readonly from: string;
  readonly typeOnly: boolean;
  /** Names of values, as the other file calls them; `*` for all. */
  readonly names: readonly string[];
  readonly line: number;
};
export type Source = {
  readonly path: string;
  readonly text: string;
  readonly nodes: readonly Node[];
  readonly imports: readonly Import[];
};

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Paths with forward slashes, from the root. */
export const listFiles = (...patterns: string[]): string[] =>
  globSync(patterns, { cwd: ROOT })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path))
    .sort();

/** What belongs to the project: what git knows or would take; everything but ignored folders where there is no git. */
export function listProject(): string[] {
  if (!existsSync(join(ROOT, '.git')))
    return listFiles('**/*', '.ci/*', '.env.example').filter((path) => /\.\w+$/.test(path));
  const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return output
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .sort();
}

export function readSource(path: string): Source {
  const text = read(path);
  const nodes: Node[] = [];
  collect(parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts', astType: 'ts' }), nodes);
  return { path, text, nodes, imports: nodes.flatMap((node) => importOf(node, text)) };
}

let sources: Source[] | undefined;
/** Every TypeScript file of the server. */
export const serverSources = (): Source[] => (sources ??= listFiles('src/**/*.ts').map(readSource));

export const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length;

function collect(value: unknown, nodes: Node[]): void {
  if (Array.isArray(value)) for (const part of value) collect(part, nodes);
  else if (isNode(value)) {
    nodes.push(value);
    for (const [key, part] of Object.entries(value)) if (key !== 'parent') collect(part, nodes);
  }
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

function importOf(node: Node, text: string): Import[] {
  const source = isNode(node.source) && typeof node.source.value === 'string' ? node.source.value : undefined;
  if (source === undefined) return [];
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
  const kind = node.importKind ?? node.exportKind;
  const typeOnly =
    node.type === 'TSImportType' ||
    kind === 'type' ||
    (specifiers.length > 0 &&
      specifiers.every((specifier) => (specifier.importKind ?? specifier.exportKind) === 'type'));
  const values = specifiers.filter((specifier) => (specifier.importKind ?? specifier.exportKind) !== 'type');
  const names = values.map((specifier) => (isNode(specifier.imported) ? String(specifier.imported.name) : '*'));
  return [{ from: source, typeOnly, names, line: lineOf(text, node.start) }];
}
