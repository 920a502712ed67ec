// Writes the documents that are made from code: settings, error codes, parameters of operations. `npm run docs`; test/laws/documents.test.ts checks that it was done.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SETTINGS, type Setting } from '#config/settings.ts';
import { ERROR_CODES } from '#domain/error.ts';
import type { Parameter } from '#domain/operations/definition.ts';
import { type AnyOperation, findOperation, OPERATION_NAMES } from '#domain/operations/registry.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** Path and text of every generated document. */
export function generateDocs(): Record<string, string> {
  return {
    'docs/configuration.md': configuration(),
    '.env.example': dotenvExample(),
    'docs/errors.md': errors(),
    'docs/operation-parameters.md': operations(),
  };
}

const settings: [string, Setting][] = Object.entries(SETTINGS);
const groups = Map.groupBy(settings, ([, { group }]) => group);
const cell = (text: string) => text.replaceAll('|', '\\|');

function configuration(): string {
  const tables = [...groups].map(([group, members]) => {
    const rows = members.map(
      ([name, { default: value, about }]) => `| \`${name}\` | ${value ? `\`${cell(value)}\`` : ''} | ${cell(about)} |`,
    );
    return `## ${group}\n\n| setting | default | what it does |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `<!-- Made from src/config/settings.ts by \`npm run docs\`. -->
# Settings

Every setting is an environment variable, or a line of the file \`.env\` in the project's folder; the environment counts first, an empty value is one left out.
A relative path in \`.env\` starts at the project's folder, one in the environment where the program was called.
A malformed setting, and a name in \`.env\` that nothing reads, is named at start with the nearest known name, and the program exits with 1.

${tables.join('\n')}`;
}

function dotenvExample(): string {
  const parts = [...groups].map(([group, members]) => {
    const lines = members.map(([name, { default: value, about }]) => `# ${about}\n#${name}=${value ?? ''}`);
    return `# ── ${group}\n\n${lines.join('\n\n')}\n`;
  });
  return `# Made from src/config/settings.ts by \`npm run docs\`. Copy it to .env and take the # away from what you change.\n\n${parts.join('\n')}`;
}

function errors(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { fault, retryable, advice }]) =>
      `| \`${code}\` | ${fault} | ${retryable ? 'yes' : 'no'} | ${cell(advice)} |`,
  );
  return `<!-- Made from src/domain/error.ts by \`npm run docs\`. -->
# Error codes

Every failure, in an answer, with a job or in the log, carries one of these codes. \`caller\`: the request is wrong. \`source\`, \`destination\`: the other side is.
\`media\`: the file is. \`platform\`: the machine, its settings or this program. What may pass is tried again by itself before a job fails.

| code | whose fault | may pass | what to do |
|---|---|---|---|
${rows.join('\n')}
`;
}

function operations(): string {
  const known = OPERATION_NAMES.map(findOperation).filter((operation) => operation !== null);
  return `<!-- Made from src/domain/operations by \`npm run docs\`. -->
# What operations there are

Parameters of [the operations API](operations.md), as \`GET operation-definitions/\` tells them too. Numbers may come as text; times as seconds or \`1:02:03.5\`, bitrates as bits/s or \`192k\`.

${known.map(operationSection).join('\n')}`;
}

function operationSection(operation: AnyOperation): string {
  const rows = Object.entries(operation.parameters).map(
    ([name, parameter]) =>
      `| \`${name}\` | ${cell(allowedValues(parameter))} | ${defaultOf(parameter)} | ${cell(parameter.description)} |`,
  );
  return `## ${operation.name}

${operation.description}

Takes ${operation.input_formats.join(', ')}; gives ${operation.output_formats.join(', ')}.

| parameter | may be | default | |
|---|---|---|---|
${rows.join('\n')}
`;
}

function allowedValues({ type, min, max, choices }: Parameter): string {
  if (choices) return choices.join(', ');
  return min === null && max === null ? type : `${type}, ${min ?? ''}–${max ?? ''}`;
}

const defaultOf = ({ required, default: value }: Parameter): string =>
  required ? '**needed**' : value === null ? '' : `\`${value}\``;

if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename) {
  for (const [path, text] of Object.entries(generateDocs())) {
    const place = join(ROOT, path);
    if (read(place) === text) continue;
    writeFileSync(place, text);
    console.log(`wrote ${path}`);
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
