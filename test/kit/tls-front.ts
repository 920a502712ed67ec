// TLS in front of a server that speaks none, as operators put it there. Used by tests of RTMPS.
import { once } from 'node:events';
import { connect } from 'node:net';
import { createServer } from 'node:tls';
import type { Certificate } from './certificate.ts';

export type TlsFront = AsyncDisposable & {
  readonly port: number;
  /** Names that clients asked for. */
  readonly names: readonly (string | false)[];
};

export async function startTlsFront(
  target: number,
  { key, cert }: Pick<Certificate, 'key' | 'cert'>,
): Promise<TlsFront> {
  const names: (string | false)[] = [];
  const sockets = new Set<{ destroy(): unknown }>();
  const server = createServer({ key, cert }, (client) => {
    names.push(client.servername ?? false);
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    names,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
