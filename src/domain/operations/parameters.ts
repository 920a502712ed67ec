// Holds what a caller gave against a definition: types (form data has only strings), ranges, choices, defaults, and what must fit together. Pure.
import type { FieldError } from '#domain/error.ts';
import type { Operation, Parameter, ParameterValue, ParameterValues } from '#domain/operations/definition.ts';

export type Validated = { readonly values: ParameterValues } | { readonly errors: readonly FieldError[] };

type Checked = Pick<Operation, 'name' | 'parameters'> & {
  readonly rules?: (values: never) => readonly FieldError[];
};

/** Every parameter of the operation with its value, or every mistake with what is allowed. null and the empty string are "left out". */
export function validateParameters(operation: Checked, given: Readonly<Record<string, unknown>>): Validated {
  const errors: FieldError[] = [];
  const values: Record<string, ParameterValue> = {};
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(operation.parameters, name))
      errors.push({ path: name, message: `${operation.name} takes ${Object.keys(operation.parameters).join(', ')}` });
  }
  for (const [name, parameter] of Object.entries(operation.parameters)) {
    const found = Object.hasOwn(given, name) ? given[name] : null;
    if (found === null || found === undefined || found === '') {
      if (parameter.required) errors.push({ path: name, message: `needed: ${allowed(parameter)}` });
      values[name] = parameter.default;
      continue;
    }
    const value = readValue(parameter, found);
    if (value === undefined || !isWithin(parameter, value)) errors.push({ path: name, message: allowed(parameter) });
    else values[name] = value;
  }
  if (errors.length > 0) return { errors };
  const contradictions = operation.rules?.(values as never) ?? [];
  return contradictions.length > 0 ? { errors: contradictions } : { values };
}

/** The value in its own type; undefined where it is none. */
function readValue(parameter: Parameter, given: unknown): ParameterValue | undefined {
  if (typeof given === 'string') {
    const written = given.trim().toLowerCase();
    // Formats are often written as endings.
    const word = parameter.type === 'string' ? written.replace(/^\./, '') : written;
    if (parameter.words && Object.hasOwn(parameter.words, word)) return parameter.words[word];
    return readText(parameter, word);
  }
  if (typeof given === 'boolean') return parameter.type === 'boolean' ? given : undefined;
  if (typeof given !== 'number' || !Number.isFinite(given)) return undefined;
  switch (parameter.type) {
    case 'integer':
      return Number.isInteger(given) ? given : undefined;
    case 'bitrate':
      return readBitrate(given);
    case 'number':
    case 'time':
      return given;
    default:
      return undefined;
  }
}

const TRUE = ['true', '1', 'yes', 'on'];
const FALSE = ['false', '0', 'no', 'off'];

function readText({ type, choices }: Parameter, word: string): ParameterValue | undefined {
  switch (type) {
    case 'boolean':
      return TRUE.includes(word) ? true : FALSE.includes(word) ? false : undefined;
    case 'integer':
      return /^[+-]?\d{1,15}$/.test(word) ? Number(word) : undefined;
    case 'number':
      return readNumber(word);
    case 'time':
      return readTime(word);
    case 'bitrate': {
      const [, digits, unit] = /^(\d{1,12}(?:\.\d{1,6})?)\s*(k|m)?(?:bit\/s|bps|b\/s|bits?)?$/.exec(word) ?? [];
      if (digits === undefined) return undefined;
      return unit ? Math.round(Number(digits) * (unit === 'm' ? 1e6 : 1000)) : readBitrate(Number(digits));
    }
    case 'color': {
      const [, short, long] = /^#?(?:([0-9a-f]{3})|([0-9a-f]{6}))$/.exec(word) ?? [];
      const digits = long ?? short?.replaceAll(/./g, '$&$&');
      return digits === undefined ? undefined : `#${digits}`;
    }
    case 'string':
      return choices ? choices.find((choice) => String(choice) === word) : word;
  }
}

function readNumber(word: string): number | undefined {
  return /^[+-]?(\d{1,15}(\.\d{0,9})?|\.\d{1,9})$/.test(word) ? Number(word) : undefined;
}

/** `90`, `1:30`, `01:02:03.5` */
function readTime(word: string): number | undefined {
  if (!/^\d+(:[0-5]?\d){0,2}(\.\d{1,9})?$/.test(word)) return readNumber(word);
  return word.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** Nobody means 128 bits a second. */
function readBitrate(value: number): number {
  return Math.round(value < 1000 ? value * 1000 : value);
}

function isWithin({ min, max, choices }: Parameter, value: ParameterValue): boolean {
  if (choices) return choices.some((choice) => choice === value);
  if (typeof value !== 'number') return true;
  return (min === null || value >= min) && (max === null || value <= max);
}

const NAMES: Readonly<Record<Parameter['type'], string>> = {
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  string: 'a text',
  bitrate: 'bits/s, such as 128000 or "128k"',
  time: 'seconds, such as 12.5 or "0:12.5"',
  color: 'a colour such as "#ffffff"',
};

/** What a parameter may be, in words. */
function allowed({ type, min, max, choices, words }: Parameter): string {
  const said = words ? Object.keys(words).filter((word) => !(choices ?? []).some((one) => String(one) === word)) : [];
  const more = type === 'string' || said.length === 0 ? '' : `, or ${said.join(', ')}`;
  if (choices) return `one of ${choices.join(', ')}${more}`;
  const range =
    min !== null && max !== null
      ? ` from ${min} to ${max}`
      : min !== null
        ? ` of at least ${min}`
        : max !== null
          ? ` of at most ${max}`
          : '';
  return `${NAMES[type]}${range}${more}`;
}
