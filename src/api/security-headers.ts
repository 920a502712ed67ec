// Headers that keep browsers from doing more with our answers than they should. Wired by server.ts.
import type { Api } from '#api/context.ts';

/** The dashboard and the documentation ask no other host for anything; players need blob: for media and their workers, data: for the empty text track that hls.js begins with. */
const CONTENT_SECURITY_POLICY = {
  directives: {
    'default-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
    'frame-ancestors': ["'none'"],
    'object-src': ["'none'"],
    'img-src': ["'self'", 'data:', 'blob:'],
    'media-src': ["'self'", 'blob:', 'data:'],
    'worker-src': ["'self'", 'blob:'],
    'style-src': ["'self'", "'unsafe-inline'"],
    // Over plain http in a local network there is nothing to upgrade to.
    'upgrade-insecure-requests': null,
  },
} as const;

export function installSecurityHeaders(app: Api): void {
  // Helmet works them out anew at every call: a twentieth of what a small request costs. They are the same for all answers of a kind.
  const known = new Map<boolean, Map<string, string>>();
  app.addHook('onRequest', async (request, reply) => {
    // The documentation brings a policy of its own.
    const documentation = request.url.startsWith('/docs');
    const headers = known.get(documentation);
    if (headers) {
      reply.raw.setHeaders(headers);
      return;
    }
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
    // The first of all hooks that set any: what is there is helmet's.
    const set = Object.entries(reply.raw.getHeaders());
    known.set(documentation, new Map(set.map(([name, value]) => [name, String(value)])));
  });
}

const mutable = (directives: Readonly<Record<string, readonly string[] | null>>): Record<string, string[] | null> =>
  Object.fromEntries(Object.entries(directives).map(([name, values]) => [name, values && [...values]]));
