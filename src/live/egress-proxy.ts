// A proxy on loopback that FFmpeg fetches live playlists, keys and segments through: every address is resolved once, judged, and that very one is dialled; certificates are checked.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http, { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { bareHost } from '#domain/channel-target.ts';
import { PlatformError } from '#domain/error.ts';
import { connectTo } from '#live/connect.ts';
import { makeThrowawayCertificate } from '#live/throwaway-certificate.ts';
import type { Guard } from '#storage/egress.ts';

export type EgressProxy = {
  /** For FFmpeg's `-http_proxy`: its password is this process's own. */
  readonly url: string;
  close(): Promise<void>;
};

/** Milliseconds without a byte in either direction. */
const IDLE = 60_000;
/** Headers that speak of one connection alone (RFC 9110 §7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'proxy-authorization',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
]);

export async function startEgressProxy(guard: Guard): Promise<EgressProxy> {
  const password = randomBytes(18).toString('base64url');
  const wanted = Buffer.from(`Basic ${Buffer.from(`live:${password}`).toString('base64')}`);
  const isAllowed = ({ headers }: IncomingMessage): boolean => {
    const given = Buffer.from(headers['proxy-authorization'] ?? '');
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  };
  const server = createServer((request, response) => {
    if (!isAllowed(request)) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="live"' }).end();
      return;
    }
    forward(guard, request, response).catch((error: unknown) => refuse(response, error));
  });
  const tunnels = new Set<Socket>();
  const context = createSecureContext(makeThrowawayCertificate(new Date()));
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    client.on('error', () => client.destroy());
    if (!isAllowed(request)) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="live"\r\n\r\n');
      return;
    }
    const wish = { target: request.url ?? '', client, head, tunnels, context };
    tunnel(guard, wish).catch((error: unknown) => refuseTunnel(client, error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://live:${password}@127.0.0.1:${port}/`,
    close: async () => {
      for (const socket of tunnels) socket.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function forward(guard: Guard, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = guard.checkUrl(request.url ?? '', ['http:']);
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.has(name)));
  const upstream = http.request(url, {
    method: request.method ?? 'GET',
    headers,
    agent: guard.agents.http,
    timeout: IDLE,
  });
  upstream.once('timeout', () => upstream.destroy(new Error('no byte for a minute')));
  response.once('close', () => upstream.destroy());
  request.pipe(upstream);
  const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
  const kept = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.has(name));
  response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
  await pipeline(answer, response);
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, reason } = refusalOf(error);
  response.writeHead(status, reason, { 'content-type': 'text/plain' }).end(reason);
}

/**
 * What FFmpeg is told, and shows in its log. 403: an address that may not be reached; it does not ask again. 502: nobody answered; it asks
 * for some seconds, so that a name that is not found for a moment ends no channel. 495: nginx's word for a certificate that is not valid.
 */
function refusalOf(error: unknown): { readonly status: number; readonly reason: string } {
  const message = (error instanceof Error ? error.message : String(error)).replace(/[^\x20-\x7e]/g, ' ').slice(0, 300);
  const code = error instanceof PlatformError ? error.code : '';
  if (code.endsWith('_tls')) return { status: 495, reason: message };
  if (code.endsWith('_refused_address') || code === 'invalid_request') return { status: 403, reason: 'Forbidden' };
  return { status: 502, reason: message };
}

type Tunnel = {
  readonly target: string;
  readonly client: Socket;
  readonly head: Buffer;
  readonly tunnels: Set<Socket>;
  readonly context: SecureContext;
};

/** Speaks TLS to both: FFmpeg checks no certificates of segments and keys, so that is done here. */
async function tunnel(guard: Guard, { target, client, head, tunnels, context }: Tunnel): Promise<void> {
  const place = URL.parse(`https://${target}`);
  if (!place) throw new Error(`${target} is no host and port`);
  const { address } = await guard.resolve(place.hostname);
  const [name, port] = [bareHost(place), Number(place.port || 443)];
  const socket = await connectTo({ guard, name, address, port, place: place.origin, isTls: true });
  client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  if (head.length > 0) client.unshift(head);
  const inner = new TLSSocket(client, { isServer: true, secureContext: context });
  tunnels.add(socket);
  inner.on('error', () => inner.destroy());
  socket.on('error', () => socket.destroy());
  socket.setTimeout(IDLE, () => socket.destroy());
  socket.once('close', () => {
    tunnels.delete(socket);
    inner.destroy();
  });
  inner.once('close', () => socket.destroy());
  inner.pipe(socket).pipe(inner);
}

function refuseTunnel(client: Duplex, error: unknown): void {
  const { status, reason } = refusalOf(error);
  client.end(`HTTP/1.1 ${status} ${reason}\r\n\r\n`);
}
