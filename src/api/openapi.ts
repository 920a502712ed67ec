// What the OpenAPI document says beyond what routes' schemas can: second ways to send a body, names of open-ended paths. Used by server.ts.
import { jsonSchemaTransformObject } from 'fastify-type-provider-zod';

type Json = Readonly<Record<string, unknown>>;
type Operation = {
  requestBody?: { content: Record<string, { schema?: Json }> };
  parameters?: { name: string; in: string; description?: string }[];
};
type Paths = Record<string, Record<string, Operation>>;

/** The last step of @fastify/swagger: the document as it is served. */
export const finishDocument: typeof jsonSchemaTransformObject = (input) => {
  const document = jsonSchemaTransformObject(input) as { paths?: Paths };
  const paths = Object.entries(document.paths ?? {}).map(([path, operations]) => nameRest(path, operations));
  const jobs = paths.find(([path]) => path === '/jobs')?.[1].post?.requestBody;
  if (jobs)
    jobs.content['multipart/form-data'] = { schema: multipartJob(jobs.content['application/json']?.schema ?? {}) };
  for (const [path, { post }] of paths)
    if (post && /^\/api\/v1\/operations\/?$/.test(path)) post.requestBody = operationForm;
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

/** `POST operations/`: read part by part, so that no route's schema can say it. */
const operationForm = {
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object',
        required: ['operation', 'file'],
        properties: {
          operation: {
            type: 'string',
            description: 'A name out of operation-definitions/',
            examples: ['image_resize'],
          },
          parameters: { type: 'string', description: 'A JSON object', examples: ['{"width": 800}'] },
          file: { type: 'string', format: 'binary' },
        },
      },
    },
  },
};

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
