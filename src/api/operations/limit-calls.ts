// Rate limits of the operations API, by client address, before a body is read. Wired by its routes.
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { Api } from '#api/context.ts';
import { type CallKind, countCall } from '#workflows/operations/count-call.ts';
import type { Platform } from '#workflows/platform.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The limit that calls of a route of the operations API count for; left out, `general`. */
    readonly calls?: CallKind | 'free';
  }
}

export function limitCalls(app: Api, platform: Platform): void {
  app.addHook('onRequest', async (request) => {
    const kind = request.is404 ? 'free' : (request.routeOptions.config.calls ?? 'general');
    if (kind !== 'free') await countCall(platform, { kind, client: clientOf(request) });
  });
}

/** The address; of IPv6 the network, for whoever has one address of it has 2⁶⁴. Fastify looks at X-Forwarded-For only behind TRUSTED_PROXIES. */
export function clientOf({ ip }: Pick<FastifyRequest, 'ip'>): string {
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  if (address.kind() === 'ipv4' || address.range() === 'loopback') return address.toString();
  const bytes = address.toByteArray();
  return `${ipaddr.fromByteArray([...bytes.slice(0, 8), 0, 0, 0, 0, 0, 0, 0, 0]).toString()}/64`;
}
