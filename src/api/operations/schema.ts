// The queries and bodies of the operations API. Used by its routes and receive-form.ts.
import { z } from 'zod';
import { invalid } from '#api/errors.ts';
import { OPERATION_STATUSES } from '#domain/operation.ts';
import type { ParameterValues } from '#domain/operations/definition.ts';
import { validateParameters } from '#domain/operations/parameters.ts';
import { type AnyOperation, findOperation, OPERATION_NAMES } from '#domain/operations/registry.ts';

const MOST_PAGE_SIZE = 100;

const page = z.coerce.number().int().min(1).max(1_000_000).default(1);
const pageSize = z.coerce.number().int().min(1).max(MOST_PAGE_SIZE);

export const listQuery = z.object({
  page,
  page_size: pageSize.default(20),
  status: z.enum(OPERATION_STATUSES).optional(),
  operation: z.string().max(100).optional(),
});

/** There are few: who asks for no page has them all. */
export const definitionQuery = z.object({ page, page_size: pageSize.default(MOST_PAGE_SIZE) });

export const operationParams = z.object({ id: z.string().max(40) });
export const definitionParams = z.object({ name: z.string().max(100) });

/** Room for the JSON of parameters. */
const LONGEST_PARAMETERS = 65_536;

/** @throws PlatformError `invalid_request` naming those there are */
export function parseOperation(value: unknown): AnyOperation {
  const operation = typeof value === 'string' ? findOperation(value.trim()) : null;
  if (operation) return operation;
  throw invalid([{ path: 'operation', message: `one of ${OPERATION_NAMES.join(', ')}` }]);
}

export type GivenParameters = Readonly<Record<string, unknown>>;

/** The field `parameters`: JSON in a form, an object in JSON; nothing is none. @throws PlatformError `invalid_request` */
export function parseGiven(value: unknown): GivenParameters {
  if (value === undefined || value === null || value === '') return {};
  const parsed = typeof value === 'string' ? parseJson(value) : value;
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as GivenParameters;
  throw invalid([{ path: 'parameters', message: 'a JSON object such as {"quality": 23}' }]);
}

function parseJson(text: string): unknown {
  if (text.length > LONGEST_PARAMETERS)
    throw invalid([{ path: 'parameters', message: `at most ${LONGEST_PARAMETERS} characters` }]);
  try {
    return JSON.parse(text);
  } catch {
    throw invalid([{ path: 'parameters', message: 'a JSON object such as {"quality": 23}' }]);
  }
}

/** @throws PlatformError `invalid_request` naming each parameter that is wrong and what is allowed */
export function parseValues(operation: AnyOperation, given: GivenParameters): ParameterValues {
  const validated = validateParameters(operation, given);
  if ('values' in validated) return validated.values;
  throw invalid(validated.errors.map(({ path, message }) => ({ path: `parameters.${path}`, message })));
}
