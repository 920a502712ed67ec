// A proxy on loopback that FFmpeg fetches live playlists, keys and segments through: every address is resolved once, judged, and that very one is dialled.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http, { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Guard } from '#storage/egress.ts';

export type EgressProxy = {
  /** For FFmpeg's `-http_proxy`: its password is this process's own. */
  readonly url: string;
  close(): Promise<void>;
};

/** Milliseconds without a byte in either direction. */
const IDLE = 60_000;
const CONNECT_TIMEOUT = 10_000;
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
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on('error', () => client.destroy());
    if (!isAllowed(request)) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="live"\r\n\r\n');
      return;
    }
    tunnel(guard, { target: request.url ?? '', client, head, tunnels }).catch(() => {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
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
  response.writeHead(403, { 'content-type': 'text/plain' }).end(error instanceof Error ? error.message : String(error));
}

type Tunnel = {
  readonly target: string;
  readonly client: Duplex;
  readonly head: Buffer;
  readonly tunnels: Set<Socket>;
};

async function tunnel(guard: Guard, { target, client, head, tunnels }: Tunnel): Promise<void> {
  const place = URL.parse(`https://${target}`);
  if (!place) throw new Error(`${target} is no host and port`);
  const { address } = await guard.resolve(place.hostname);
  const socket = connect({ host: address, port: Number(place.port || 443), timeout: CONNECT_TIMEOUT });
  tunnels.add(socket);
  socket.once('close', () => {
    tunnels.delete(socket);
    client.destroy();
  });
  client.once('close', () => socket.destroy());
  await once(socket, 'connect');
  socket.setTimeout(IDLE, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  if (head.length > 0) socket.write(head);
  client.pipe(socket).pipe(client);
}
