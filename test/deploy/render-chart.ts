// Renders the Helm chart as far as it goes: the few template actions that it uses, and an error for every other. Helm itself is
// asked where it is installed (helm.test.ts). Used by the tests of this folder.
import { basename } from 'node:path';
import { parse, stringify } from 'yaml';
import { list, read } from './deploy-files.ts';

const CHART = 'deploy/helm/rendition';
/** `{{` with an optional `-` that eats the blanks before it, the action, the same at its end. */
const ACTION = /\{\{(- )?\s*(.*?)\s*( -)?\}\}/gs;

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly expression: string }
  | { readonly kind: 'if'; readonly expression: string; readonly body: Node[]; readonly otherwise: Node[] }
  | { readonly kind: 'range'; readonly expression: string; readonly names: readonly string[]; readonly body: Node[] }
  | { readonly kind: 'define'; readonly name: string; readonly body: Node[] };
type Scope = { readonly context: object; readonly variables: Readonly<Record<string, unknown>> };
type Tree = { readonly [name: string]: unknown };

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null;

/** The chart's files, rendered, by name. `changes` are laid over values.yaml. */
export function renderChart(changes: Tree = {}, release = 'rendition'): Record<string, string> {
  const { version, appVersion, name } = parse(read(`${CHART}/Chart.yaml`)) as Record<string, string>;
  const context = {
    Values: overlay(parse(read(`${CHART}/values.yaml`)) as Tree, changes),
    Release: { Name: release, Namespace: 'default' },
    Chart: { Name: name, Version: version, AppVersion: appVersion },
  };
  const files = list(`${CHART}/templates/*`).map((path) => ({ path, nodes: parseTemplate(read(path)) }));
  const defined = new Map(
    files.flatMap(({ nodes }) =>
      nodes.flatMap((node) => (node.kind === 'define' ? [[node.name, node.body] as const] : [])),
    ),
  );
  return Object.fromEntries(
    files
      .filter(({ path }) => path.endsWith('.yaml'))
      .map(({ path, nodes }) => [basename(path), render(nodes, { context, variables: {} }, defined)]),
  );
}

/** As Helm does: maps are merged, everything else is replaced. @throws Error for a value that the chart does not have */
function overlay(values: Tree, changes: Tree): Tree {
  const merged: Record<string, unknown> = { ...values };
  for (const [name, change] of Object.entries(changes)) {
    const known = values[name];
    if (known === undefined) throw new Error(`values.yaml has no ${name}`);
    const isOpen = isTree(known) && Object.keys(known).length === 0;
    merged[name] =
      isTree(known) && isTree(change) && !Array.isArray(known) && !isOpen ? overlay(known, change) : change;
  }
  return merged;
}

function parseTemplate(text: string): Node[] {
  const root: Node[] = [];
  const open: { readonly nodes: Node[]; readonly parent: Node | null }[] = [{ nodes: root, parent: null }];
  const add = (node: Node) => open.at(-1)?.nodes.push(node);
  const enter = (node: Extract<Node, { body: Node[] }>) => {
    add(node);
    open.push({ nodes: node.body, parent: node });
  };
  let at = 0;
  let eatsNext = false;
  const addText = (raw: string, eatsEnd: boolean) => {
    const start = eatsNext ? raw.trimStart() : raw;
    add({ kind: 'text', text: eatsEnd ? start.trimEnd() : start });
  };
  for (const match of text.matchAll(ACTION)) {
    const [whole, before, action = '', after] = match;
    addText(text.slice(at, match.index), before !== undefined);
    at = match.index + whole.length;
    eatsNext = after !== undefined;
    const [word = ''] = action.split(/\s/);
    const rest = action.slice(word.length).trim();
    if (word.startsWith('/*')) continue;
    if (word === 'define') enter({ kind: 'define', name: unquote(rest), body: [] });
    else if (word === 'if') enter({ kind: 'if', expression: rest, body: [], otherwise: [] });
    else if (word === 'range') {
      const [, names = '', expression = ''] = /^(\$\w+, \$\w+) := (.+)$/.exec(rest) ?? [];
      if (expression === '') throw new Error(`range ${rest}`);
      enter({ kind: 'range', expression, names: names.split(', '), body: [] });
    } else if (word === 'else') {
      const parent = open.pop()?.parent;
      if (parent?.kind !== 'if' || rest !== '') throw new Error(`else ${rest} without its if`);
      open.push({ nodes: parent.otherwise, parent });
    } else if (word === 'end') {
      if (!open.pop()?.parent) throw new Error('an end too many');
    } else add({ kind: 'value', expression: action });
  }
  addText(text.slice(at), false);
  if (open.length !== 1) throw new Error('an end is missing');
  return root;
}

type Defined = ReadonlyMap<string, Node[]>;

function render(nodes: readonly Node[], scope: Scope, defined: Defined): string {
  const one = (node: Node): string => {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'define':
        return '';
      case 'value':
        return String(evaluate(node.expression, scope, defined));
      case 'if':
        return render(isTrue(evaluate(node.expression, scope, defined)) ? node.body : node.otherwise, scope, defined);
      case 'range': {
        const value = evaluate(node.expression, scope, defined);
        if (!isTree(value)) throw new Error(`range over ${node.expression}`);
        const [key = '', item = ''] = node.names;
        // Go walks maps by their sorted names.
        return Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, entry]) =>
            render(node.body, { ...scope, variables: { ...scope.variables, [key]: name, [item]: entry } }, defined),
          )
          .join('');
      }
    }
  };
  return nodes.map(one).join('');
}

/** As in Go: empty strings, maps and lists, 0 and false are not true. */
const isTrue = (value: unknown): boolean => (isTree(value) ? Object.keys(value).length > 0 : Boolean(value));

function evaluate(expression: string, scope: Scope, defined: Defined): unknown {
  return expression.split(' | ').reduce<unknown>((piped, call, index) => {
    const [name = '', ...words] = call.match(/"[^"]*"|\S+/g) ?? [];
    const given = words.map((word) => operand(word, scope));
    const values = index === 0 ? given : [...given, piped];
    if (words.length === 0 && index === 0) return operand(name, scope);
    return callFunction(name, values, (template) => {
      const nodes = defined.get(template);
      if (!nodes) throw new Error(`no template ${template}`);
      return render(nodes, scope, defined);
    });
  }, undefined);
}

function callFunction(name: string, [first, second]: readonly unknown[], include: (name: string) => string): unknown {
  switch (name) {
    case 'include':
      return include(String(first));
    case 'toYaml':
      return stringify(first).trimEnd();
    case 'quote':
      return JSON.stringify(String(first));
    case 'not':
      return !isTrue(first);
    case 'and':
      return isTrue(first) ? second : first;
    case 'default':
      return isTrue(second) ? second : first;
    case 'nindent':
      return `\n${String(second).replace(/^/gm, ' '.repeat(Number(first)))}`;
    default:
      throw new Error(`the chart calls ${name}, which this renderer does not know`);
  }
}

/** @throws Error for a path that leads nowhere: Helm would write nothing there */
function operand(word: string, { context, variables }: Scope): unknown {
  if (word.startsWith('"')) return unquote(word);
  if (/^\d+$/.test(word)) return Number(word);
  if (word === '.') return context;
  const value = word.startsWith('$')
    ? variables[word]
    : word
        .slice(1)
        .split('.')
        .reduce<unknown>((at, name) => (isTree(at) ? at[name] : undefined), context);
  if (value === undefined) throw new Error(`${word} leads nowhere`);
  return value;
}

const unquote = (text: string): string => text.replace(/^"|"$/g, '');
