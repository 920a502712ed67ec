// What is allowed in a field, in the house's words, where its schema says nothing of its own. Used by errors.ts and the CLI.
import type { z } from 'zod';

type Issue = z.core.$ZodRawIssue;

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  date: 'a time',
  file: 'a file',
  null: 'null',
  undefined: 'left out',
  never: 'left out',
};

const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  guid: 'a UUID',
  url: 'a URL',
  email: 'an e-mail address',
  datetime: 'a time such as 2026-01-31T12:00:00Z',
  date: 'a day such as 2026-01-31',
  time: 'a time such as 12:00:00',
  duration: 'a length of time such as PT1H30M',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  cidrv4: 'a range of IPv4 addresses such as 10.0.0.0/8',
  cidrv6: 'a range of IPv6 addresses such as fd00::/8',
  base64: 'base64',
  base64url: 'base64url',
  json_string: 'JSON',
};

/** Things that have a length, and what it is counted in. */
const COUNTED: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
  set: ['entry', 'entries'],
  map: ['entry', 'entries'],
  file: ['byte', 'bytes'],
};

/** For `safeParse`: counts only where the schema has no text of its own. */
export const HOUSE_WORDS = { error: sayAllowed } as const;

function sayAllowed(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `${TYPES[issue.expected] ?? issue.expected}${issue.input === undefined ? '; it is missing' : ''}`;
    case 'too_small':
      return bound(issue, { value: issue.minimum, word: issue.inclusive === false ? 'more than' : 'at least' });
    case 'too_big':
      return bound(issue, { value: issue.maximum, word: issue.inclusive === false ? 'less than' : 'at most' });
    case 'invalid_value':
      return `${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return formatOf(issue);
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'another name';
    case 'unrecognized_keys':
      return `without ${issue.keys.join(', ')}, which no field here is called`;
    case 'invalid_union':
      return Array.isArray(issue.options)
        ? `one of ${issue.options.join(', ')}`
        : 'one of the forms that are taken here';
    default:
      return 'another value';
  }
}

type Bound = { readonly value: number | bigint; readonly word: string };

function bound(issue: Issue & { readonly origin: string; readonly exact?: boolean }, { value, word }: Bound): string {
  const counted = COUNTED[issue.origin];
  const unit = counted ? ` ${Number(value) === 1 ? counted[0] : counted[1]}` : '';
  return `${issue.exact ? 'exactly' : word} ${value}${unit}`;
}

function formatOf(issue: Extract<Issue, { readonly code: 'invalid_format' }>): string {
  const { format } = issue;
  if (format === 'regex') return `text that fits ${issue.pattern}`;
  if (format === 'starts_with') return `text that begins with "${issue.prefix}"`;
  if (format === 'ends_with') return `text that ends with "${issue.suffix}"`;
  if (format === 'includes') return `text that holds "${issue.includes}"`;
  return FORMATS[format] ?? `text of the form ${format}`;
}
