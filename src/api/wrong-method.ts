// What an address is answered that knows other methods than the one it was asked with. Used by errors.ts and the envelope of operations.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PlatformError } from '#domain/error.ts';

type Methods = Set<string>;
type Refusal = (request: FastifyRequest, reply: FastifyReply) => [PlatformError, number] | null;

/**
 * Notes every route from now on. The answer is 405 with `Allow` (RFC 9110, 15.5.6) where a request's method is none of its address, else null.
 * An address that is spelled out, like /upload/init, is no name of something below /upload/:id.
 */
export function refuseWrongMethods(app: FastifyInstance): Refusal {
  const fixed = new Map<string, Methods>();
  const open = new Map<string, { readonly pattern: RegExp; readonly methods: Methods }>();
  app.addHook('onRoute', ({ url, method }) => {
    // Preflights are answered everywhere, whatever is there.
    if (url === '*') return;
    const path = withoutSlash(url);
    if (!/[:*]/.test(path) && !fixed.has(path)) fixed.set(path, new Set());
    if (/[:*]/.test(path) && !open.has(path)) open.set(path, { pattern: patternOf(path), methods: new Set() });
    for (const one of [method].flat()) (fixed.get(path) ?? open.get(path)?.methods)?.add(one);
  });
  const methodsAt = (path: string): Methods =>
    fixed.get(path) ??
    new Set([...open.values()].flatMap(({ pattern, methods }) => (pattern.test(path) ? [...methods] : [])));
  return ({ url, method }, reply) => {
    const path = withoutSlash(url.split('?', 1)[0] ?? '');
    const allowed = methodsAt(path);
    if (allowed.size === 0 || allowed.has(method)) return null;
    const list = [...allowed].sort().join(', ');
    reply.header('Allow', list);
    return [new PlatformError('invalid_request', `${path} cannot be asked with ${method}; it takes ${list}`), 405];
  };
}

const withoutSlash = (path: string): string => (path.length > 1 ? path.replace(/\/$/, '') : path);

/** Of the router's words: `:name` is one part of a path, `*` the rest of it. */
function patternOf(path: string): RegExp {
  const parts = path.split('/').map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replace(/[.+?^$()|[\]\\{}]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}
