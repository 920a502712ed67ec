// What a subcommand is, and how its options are read and explained. Used by run.ts and every command.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { findNearest } from '#config/nearest-name.ts';

export type Option = {
  readonly type: 'boolean' | 'string';
  /** What stands for the value in the help: `DIR`. */
  readonly value?: string;
  readonly short?: string;
  readonly about: string;
};

export type Call = {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly arguments: readonly string[];
};

export type Command = {
  readonly name: string;
  /** After `rendition `: `encode FILE|URL [options]`. */
  readonly usage: string;
  readonly about: string;
  readonly options: Readonly<Record<string, Option>>;
  /** How many arguments it takes, at least and at most. */
  readonly takes: readonly [number, number];
  readonly examples: readonly (readonly [line: string, about: string])[];
  /** Resolves with the exit code: 0 done, 1 failed, 130 interrupted. */
  readonly run: (call: Call) => Promise<number>;
};

/** Wrong usage: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** @throws UsageError naming the nearest known option */
export function readCall(command: Command, args: readonly string[]): Call {
  const { values, positionals } = parse(command, args);
  const [least, most] = command.takes;
  if (positionals.length < least) throw new UsageError(`${command.name} needs more: rendition ${command.usage}`);
  if (positionals.length > most)
    throw new UsageError(`${command.name} does not take "${positionals[most]}": rendition ${command.usage}`);
  const entries = Object.entries(values);
  return {
    flags: new Set(entries.filter(([, value]) => value === true).map(([name]) => name)),
    values: new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    arguments: positionals,
  };
}

function parse(command: Command, args: readonly string[]) {
  const options: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, short }]) => [
      name,
      short === undefined ? { type } : { type, short },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError) || !('code' in error)) throw error;
    const unknown = /^Unknown option '(-{1,2}[^']+)'/.exec(error.message)?.[1];
    if (unknown === undefined) throw new UsageError(error.message.split('. ')[0] ?? error.message);
    const names = Object.keys(command.options);
    if (names.length === 0) throw new UsageError(`${command.name} takes no options; it was given ${unknown}`);
    throw new UsageError(
      `${command.name} has no option ${unknown}; the nearest is --${nearest(unknown.replace(/^-+/, ''), names)}`,
    );
  }
}

/** The known name with the fewest edits. */
export function nearest(wanted: string, names: readonly string[]): string {
  return findNearest(
    wanted,
    names.map((name) => name.toUpperCase()),
  ).toLowerCase();
}

export function helpOf(command: Command): string {
  const rows = Object.entries(command.options).map(([name, { short, value, about }]) => [
    `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    about,
  ]);
  const width = Math.max(0, ...rows.map(([left = '']) => left.length)) + 2;
  const examples = command.examples.flatMap(([line, about]) => [`  ${line}`, `      ${about}`]);
  return [
    `rendition ${command.usage}`,
    '',
    command.about,
    ...(rows.length > 0 ? ['', 'Options', ...rows.map(([left = '', right]) => `  ${left.padEnd(width)}${right}`)] : []),
    ...(examples.length > 0 ? ['', 'Examples', ...examples] : []),
    '',
  ].join('\n');
}
