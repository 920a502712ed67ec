// What deploy/ holds, read once: YAML documents, texts, and the settings that are named in them. Used by the tests of this folder.
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';

export const ROOT = resolve(import.meta.dirname, '..', '..');

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

export const list = (...patterns: string[]): string[] => globSync(patterns, { cwd: ROOT }).sort();

/** The documents of a YAML text; empty ones left out. @throws Error naming what is no YAML, keys that are there twice included */
export function documents(text: string, from: string): unknown[] {
  const parsed = parseAllDocuments(text, { uniqueKeys: true, merge: true });
  if ('empty' in parsed) return [];
  const wrong = parsed.flatMap(({ errors, warnings }) => [...errors, ...warnings]);
  if (wrong.length > 0) throw new Error(`${from}: ${wrong.map(({ message }) => message).join('\n')}`);
  return parsed.map((one) => one.toJS() as unknown).filter((one) => one !== null);
}

/** NAME=value lines, comments left out. */
export function assignments(text: string): Record<string, string> {
  const pairs = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return Object.fromEntries(pairs);
}
