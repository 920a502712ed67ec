// What the OpenAPI document says beyond what routes' schemas can: answers that any route may give, second ways to send a body, names of open-ended paths. Used by server.ts.
import { STATUS_CODES } from 'node:http';
import type { FastifySchema, RouteOptions } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemSchema } from '#api/errors.ts';

type Json = Readonly<Record<string, unknown>>;
type Operation = {
  requestBody?: { content: Record<string, { schema?: Json }> };
  parameters?: { name: string; in: string; description?: string }[];
};
type Paths = Record<string, Record<string, Operation>>;

/** What a route says it answers, and what any of its kind does: who calls may be refused, what is sent may be wrong, the server may fail. */
export const describeRoute: typeof jsonSchemaTransform = (input) => {
  const { schema, route } = input;
  if (!schema || schema.hide) return jsonSchemaTransform(input);
  const listed = (schema.response ?? {}) as Readonly<Record<string, unknown>>;
  const failure = route.config?.failure ?? { type: PROBLEM, schema: problemSchema };
  const failed = (status: string) => ({
    description: STATUS_CODES[status] ?? 'Refused',
    content: { [failure.type]: { schema: failure.schema } },
  });
  const codes = new Set([
    ...Object.keys(listed),
    ...(route.config?.answers ?? []).map(String),
    ...usualFailures(route, schema),
  ]);
  const response = Object.fromEntries(
    [...codes].map((code) => {
      const own = listed[code] ?? (Number(code) < 400 ? bare : failure.schema);
      return [code, own === failure.schema ? failed(code) : own];
    }),
  );
  if (![...codes].some((code) => /^2/.test(code) && code !== '206')) response[200] = bare;
  const { takes, reads } = route.config ?? {};
  const sent = takes && { body: takes.body, consumes: [...takes.types] };
  return jsonSchemaTransform({ ...input, schema: { ...schema, ...sent, ...(reads && { headers: reads }), response } });
};

const PROBLEM = 'application/problem+json';
/** Of an answer that is no JSON, or nothing. */
const bare = z.null();

function usualFailures({ url, method, config }: RouteOptions, schema: FastifySchema): string[] {
  const takesBody = [method].flat().some((one) => one === 'POST' || one === 'PUT' || one === 'PATCH');
  const isOpen = config?.scope === 'open' && !config.accept;
  return [
    ...(schema.params || schema.querystring || takesBody ? ['400'] : []),
    ...(isOpen ? [] : ['401']),
    // Also of pages of other origins, where no key is asked for.
    '403',
    ...(/[:*]/.test(url) ? ['404'] : []),
    ...(takesBody ? ['413', '415'] : []),
    ...(config?.failure?.codes ?? []),
    ...['500', '503'],
  ];
}

/** The last step of @fastify/swagger: the document as it is served. */
export const finishDocument: typeof jsonSchemaTransformObject = (input) => {
  const document = jsonSchemaTransformObject(input) as { paths?: Paths };
  const paths = Object.entries(document.paths ?? {}).map(([path, operations]) => nameRest(path, operations));
  const jobs = paths.find(([path]) => path === '/jobs')?.[1].post?.requestBody;
  if (jobs)
    jobs.content['multipart/form-data'] = { schema: multipartJob(jobs.content['application/json']?.schema ?? {}) };
  return { ...document, paths: Object.fromEntries(paths) } as ReturnType<typeof jsonSchemaTransformObject>;
};

/** Fastify's wildcard is a path parameter called `*`, which OpenAPI has no word for. */
function nameRest(path: string, operations: Record<string, Operation>): [string, Record<string, Operation>] {
  if (!path.endsWith('/{*}')) return [path, operations];
  for (const { parameters = [] } of Object.values(operations)) {
    const rest = parameters.find(({ name, in: place }) => place === 'path' && name === '*');
    if (rest) Object.assign(rest, { name: 'path', description: rest.description ?? 'May hold slashes' });
  }
  return [path.replace(/\{\*\}$/, '{path}'), operations];
}

/** `POST /jobs` as a form: the job without its source, and the file that is its source. */
function multipartJob(job: Json): Json {
  const { source: _, ...properties } = (job.properties ?? {}) as Json;
  const required = (job.required as readonly string[] | undefined)?.filter((name) => name !== 'source') ?? [];
  return {
    type: 'object',
    required: ['spec', 'file'],
    properties: {
      spec: { ...job, properties, required, description: 'The job as JSON, without its source' },
      file: { type: 'string', format: 'binary', description: 'The source' },
    },
  };
}
