// Headers that keep browsers from doing more with our answers than they should. Wired by server.ts.
import type { FastifyReply } from 'fastify';
import type { Api } from '#api/context.ts';

/** The dashboard and the documentation ask no other host for anything; players need blob: for media and their workers. */
const CONTENT_SECURITY_POLICY = {
  directives: {
    'default-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
    'frame-ancestors': ["'none'"],
    'object-src': ["'none'"],
    'img-src': ["'self'", 'data:', 'blob:'],
    'media-src': ["'self'", 'blob:'],
    'worker-src': ["'self'", 'blob:'],
    'style-src': ["'self'", "'unsafe-inline'"],
    // Over plain http in a local network there is nothing to upgrade to.
    'upgrade-insecure-requests': null,
  },
} as const;

type Named = readonly [name: string, value: string];

export function installSecurityHeaders(app: Api): void {
  /** What helmet sets is made once, not for each request: of the documentation, which brings a policy of its own, and of all else. */
  const made: { documentation?: readonly Named[]; other?: readonly Named[] } = {};
  app.addHook('onRequest', async (request, reply) => {
    const kind = request.url.startsWith('/docs') ? 'documentation' : 'other';
    made[kind] ??= await headersOf(reply, kind === 'documentation');
    for (const [name, value] of made[kind]) reply.raw.setHeader(name, value);
  });
}

/** Lets helmet set its headers on an answer that has none of them yet, and tells which they are. */
async function headersOf(reply: FastifyReply, documentation: boolean): Promise<Named[]> {
  const had = new Set(reply.raw.getHeaderNames());
  await reply.helmet({
    contentSecurityPolicy: documentation
      ? false
      : { useDefaults: false, directives: mutable(CONTENT_SECURITY_POLICY.directives) },
    // Who terminates TLS in front of us decides about it.
    strictTransportSecurity: false,
    // Streams are played from pages of others; CORS decides whose scripts may read them.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    referrerPolicy: { policy: 'no-referrer' },
  });
  return Object.entries(reply.raw.getHeaders())
    .filter(([name]) => !had.has(name))
    .map(([name, value]) => [name, String(value)]);
}

const mutable = (directives: Readonly<Record<string, readonly string[] | null>>): Record<string, string[] | null> =>
  Object.fromEntries(Object.entries(directives).map(([name, values]) => [name, values && [...values]]));
