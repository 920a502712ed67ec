// Holds every answer a server gives in a test against its OpenAPI document: a status that the document does not list is a defect of one of them. Used by open-server.ts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Api } from '#api/context.ts';

type Operation = { readonly responses?: Readonly<Record<string, unknown>> };
type Document = { readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

/** From now on; what it answers names each answer that is not listed, once: `PUT /api/channels/{id} 422`. */
export function watchAnswers(app: Api): () => readonly string[] {
  const answers = new Set<string>();
  app.server.on('request', ({ method = '', url = '' }: IncomingMessage, response: ServerResponse) => {
    response.once('finish', () => answers.add(JSON.stringify([method, url.split('?', 1)[0], response.statusCode])));
  });
  return () => {
    const { paths = {} } = app.swagger() as Document;
    const routes = Object.entries(paths)
      .map(([path, operations]) => ({ path, operations, pattern: patternOf(path) }))
      // The one with fewer open places is meant where several fit.
      .sort((a, b) => openPlaces(a.path) - openPlaces(b.path));
    const missing = [...answers].flatMap((answer) => {
      const [method, url, status] = JSON.parse(answer) as [string, string, number];
      // Of a method that the address does not know nothing can be listed.
      if (status === 405) return [];
      const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
      const route = routes.find(({ pattern, operations }) => pattern.test(url) && operations[verb]);
      const listed = route?.operations[method.toLowerCase()] ?? route?.operations[verb];
      if (!route || !listed || String(status) in (listed.responses ?? {})) return [];
      return [`${method} ${route.path} ${status}`];
    });
    return [...new Set(missing)].sort();
  };
}

const openPlaces = (path: string): number => path.split('{').length + (path.endsWith('{path}') ? 0.5 : 0);

function patternOf(path: string): RegExp {
  const fixed = path.replace(/\/$/, '').split(/\{[^}]+\}/);
  const places = path.match(/\{[^}]+\}/g) ?? [];
  const escaped = fixed.map((text) => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&'));
  const body = escaped.map(
    (text, i) => text + (places[i] === undefined ? '' : places[i] === '{path}' ? '.*' : '[^/]+'),
  );
  return new RegExp(`^${body.join('')}/?$`);
}
