// Keeps strangers' web pages off a server that asks for no key: their origin, and their names that resolve to loopback. Wired by server.ts.
import type { FastifyRequest } from 'fastify';
import type { Config } from '#config/settings.ts';
import { isLoopback } from '#domain/access.ts';
import { PlatformError } from '#domain/error.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Host name of a Host header; null where it is none. */
function hostName(header: string | undefined): string | null {
  if (header === undefined || !URL.canParse(`http://${header}`)) return null;
  return new URL(`http://${header}`).hostname;
}

/**
 * Judges a request that carries no key. A page of another site may neither change anything here (its browser names the page's
 * origin) nor reach a loopback server under a name of its own (DNS rebinding: the Host header then holds that name).
 * @throws PlatformError `forbidden`
 */
export function refuseForeignPages(request: FastifyRequest, config: Config): void {
  const host = hostName(request.headers.host);
  const own = config.PUBLIC_URL === undefined ? null : new URL(config.PUBLIC_URL);
  // HTTP/1.0, as health checks of load balancers speak it, names no host; no browser does without one.
  const isNamed = request.headers.host !== undefined;
  if (isNamed && isLoopback(config.HOST) && (host === null || (!isLoopback(host) && host !== own?.hostname))) {
    throw new PlatformError(
      'forbidden',
      `This server answers to localhost${own ? ` and ${own.hostname}` : ''}, not to ${JSON.stringify(request.headers.host ?? '')}; set PUBLIC_URL to the address it is reached under`,
    );
  }
  const { origin } = request.headers;
  if (SAFE_METHODS.has(request.method) || origin === undefined) return;
  const allowed = config.CORS_ALLOWED_ORIGINS;
  if (allowed.includes('*') || allowed.includes(origin) || origin === own?.origin) return;
  if (origin !== 'null' && URL.canParse(origin) && new URL(origin).host === request.headers.host) return;
  throw new PlatformError(
    'forbidden',
    `Pages of ${origin} may not change anything here; CORS_ALLOWED_ORIGINS names those that may`,
  );
}
