// What operations there are and what each takes. Wired by routes.ts.
import type { Api, ApiContext } from '#api/context.ts';
import { failureSchema, pageSchema, success, successPage, successSchema } from '#api/operations/envelope.ts';
import { definitionParams, definitionQuery } from '#api/operations/schema.ts';
import { definitionView } from '#api/operations/view.ts';
import { PlatformError } from '#domain/error.ts';
import { describeOperation, findOperation, OPERATION_NAMES, OPERATIONS } from '#domain/operations/registry.ts';
import { sizeLimits } from '#workflows/operations/receive-file.ts';

const tags = ['operations'];

export function definitionRoutes(app: Api, { platform }: ApiContext): void {
  const limits = sizeLimits(platform.config);
  app.get(
    '/operation-definitions',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'All operations',
        querystring: definitionQuery,
        response: { 200: pageSchema(definitionView), 400: failureSchema },
      },
    },
    async ({ query: { page, page_size: pageSize } }) => {
      const total = OPERATION_NAMES.length;
      const names = OPERATION_NAMES.slice((page - 1) * pageSize, page * pageSize);
      const shown = names.map((name) => describeOperation(OPERATIONS[name], limits));
      return successPage(shown, { page, pageSize, total }, `${total} operations`);
    },
  );
  app.get(
    '/operation-definitions/:name',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'An operation: its parameters, formats and limits',
        params: definitionParams,
        response: { 200: successSchema(definitionView), 404: failureSchema },
      },
    },
    async ({ params: { name } }) => {
      const operation = findOperation(name);
      if (!operation)
        throw new PlatformError(
          'not_found',
          `There is no operation ${JSON.stringify(name)}; there are ${OPERATION_NAMES.join(', ')}`,
        );
      return success(describeOperation(operation, limits), operation.description);
    },
  );
}
