// Reads the text of `.env`. Used by load.ts. Node's own parser is silent about lines it does not understand; a setting lost so is hard to find.

export type Dotenv = {
  readonly values: Readonly<Record<string, string>>;
  /** Numbers of lines that are none; not their text, which may be part of a secret. */
  readonly malformed: readonly number[];
};

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;
/** A quoted value, and at most a comment after it. */
const QUOTED = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:#.*)?$/;
/** A comment needs a blank before it: passwords and URLs hold `#`. */
const COMMENT = /(^|\s+)#.*$/;

/** NAME=value, one a line, `#` comments, single or double quotes (in which \n is a line break), `export` allowed. The last of a name counts. */
export function parseDotenv(text: string): Dotenv {
  const values: Record<string, string> = {};
  const malformed: number[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const [, name, raw = ''] = ASSIGNMENT.exec(line) ?? [];
    const value = name === undefined ? undefined : parseValue(raw.trim());
    if (name === undefined || value === undefined) malformed.push(index + 1);
    else values[name] = value;
  }
  return { values, malformed };
}

function parseValue(raw: string): string | undefined {
  if (!raw.startsWith('"') && !raw.startsWith("'")) return raw.replace(COMMENT, '');
  const quoted = QUOTED.exec(raw);
  if (!quoted) return undefined;
  return quoted[2] ?? quoted[1]?.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}
