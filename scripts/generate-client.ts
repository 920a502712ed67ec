// Writes client/types.ts, the types of every call, from our own OpenAPI document. `node src/main.ts openapi | node scripts/generate-client.ts`; test/dashboard/client.test.ts checks that it was done.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const TARGET = join(resolve(import.meta.dirname, '..'), 'client/types.ts');
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const JSON_TYPE = /^application\/(problem\+)?json/;

type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
};
type Content = Readonly<Record<string, { readonly schema?: Schema }>>;
type Operation = {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses?: Readonly<Record<string, { readonly content?: Content }>>;
};
export type OpenApi = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
};

/** The whole file. */
export function generateClient({ paths, components }: OpenApi): string {
  const named = Object.entries(components?.schemas ?? {})
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, schema]) => `export type ${name} = ${typeOf(schema)};\n`);
  const calls = Object.keys(paths)
    .sort()
    .flatMap((path) =>
      METHODS.flatMap((method) => {
        const operation = paths[path]?.[method];
        return operation ? [`  '${method.toUpperCase()} ${path}': ${call(operation)};\n`] : [];
      }),
    );
  return `// Made from the OpenAPI document by scripts/generate-client.ts: what each call takes and answers.
${named.join('')}
export type Api = {
${calls.join('')}};

/** What a call answers when all went well. */
export type Answer<C extends keyof Api> = Api[C]['answer'];
`;
}

function call({ parameters = [], requestBody, responses = {} }: Operation): string {
  const where = (place: string) => {
    const found = parameters.filter((one) => one.in === place);
    const fields = found.map(({ name, required, schema }) => `${key(name)}${required ? '' : '?'}: ${typeOf(schema)}`);
    return found.length === 0 ? null : `{ ${fields.join('; ')} }`;
  };
  const good = Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1];
  const parts = [
    ['params', where('path')],
    ['query', where('query')],
    ['body', bodyOf(requestBody?.content)],
    ['answer', bodyOf(good?.content) ?? 'unknown'],
  ];
  return `{ ${parts.flatMap(([name, type]) => (type === null ? [] : [`${name}: ${type}`])).join('; ')} }`;
}

const bodyOf = (content: Content | undefined): string | null => {
  const schema = Object.entries(content ?? {}).find(([type]) => JSON_TYPE.test(type))?.[1].schema;
  return schema ? typeOf(schema) : null;
};
const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
const union = (types: readonly string[]): string => [...new Set(types)].join(' | ');

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? 'unknown';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return union(choices.map((one) => typeOf(one)));
  if (schema.allOf) return schema.allOf.map((one) => typeOf(one)).join(' & ');
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  return types.length === 0 ? 'unknown' : union(types.map((type) => plainType(type, schema)));
}

function plainType(type: string, schema: Schema): string {
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'array') return `(${schema.items ? typeOf(schema.items) : 'unknown'})[]`;
  if (type !== 'object') return type;
  const { properties = {}, required = [], additionalProperties: others } = schema;
  const fields = Object.entries(properties).map(
    ([name, inner]) => `${key(name)}${required.includes(name) ? '' : '?'}: ${typeOf(inner)}`,
  );
  const rest = typeof others === 'object' ? typeOf(others) : 'unknown';
  if (fields.length === 0) return `Record<string, ${rest}>`;
  return `{ ${fields.join('; ')} }`;
}

/** Only where this file is the program: its test imports it. Reads the document from standard input. */
if (process.argv[1] === import.meta.filename) {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  writeFileSync(TARGET, generateClient(JSON.parse(Buffer.concat(chunks).toString('utf8')) as OpenApi));
}
