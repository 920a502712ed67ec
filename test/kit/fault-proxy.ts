// A TCP proxy that breaks connections on purpose: cut, half-closed, stalled, delayed. Used by tests of broken networks.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type Fault = {
  /** Bytes to the client after which both ends are reset. */
  readonly cutAfter?: number;
  /** Bytes to the client after which it gets an orderly end (FIN), as from a server that gave up quietly. */
  readonly endAfter?: number;
  /** Bytes to the client after which nothing more comes, on an open connection. */
  readonly stallAfter?: number;
  /** Bytes from the client after which both ends are reset. */
  readonly cutUploadAfter?: number;
  /** Milliseconds before the connection is passed on. */
  readonly delay?: number;
};

export type FaultProxy = {
  readonly port: number;
  /** Connections so far. */
  readonly connections: () => number;
  /** Of the proxy's own ends at the server. */
  readonly ports: () => readonly number[];
  /** Breaks all connections there are. */
  reset(): void;
  /** The way is gone without a word: what is open stays open and dead for good, and nothing new gets through … */
  freeze(): void;
  /** … until now: new connections do. */
  thaw(): void;
  stop(): Promise<void>;
};

export type FaultProxyOptions = {
  readonly target: number;
  /** What happens to the n-th connection (from 0). */
  readonly fault: (connection: number) => Fault;
  /** Changes what the server says, where a whole message lies in one packet (FTP replies). */
  readonly rewrite?: (text: string) => string;
};

export async function startFaultProxy({ target, fault, rewrite }: FaultProxyOptions): Promise<FaultProxy> {
  let connections = 0;
  let isFrozen = false;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const { delay = 0, ...rest } = fault(connections);
    connections += 1;
    track(client);
    client.pause();
    if (isFrozen) return;
    setTimeout(() => {
      const upstream = connect(target, '127.0.0.1');
      track(upstream);
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.destroy());
      passUp(client, upstream, rest.cutUploadAfter ?? Number.POSITIVE_INFINITY);
      passDown(upstream, client, { ...rest, rewrite });
      client.resume();
    }, delay);
  });
  const track = (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    connections: () => connections,
    ports: () => [...open].filter(({ remotePort }) => remotePort === target).map(({ localPort }) => localPort ?? 0),
    reset: () => {
      for (const socket of open) socket.resetAndDestroy();
    },
    freeze: () => {
      isFrozen = true;
      for (const socket of open) {
        socket.removeAllListeners('data').removeAllListeners('end').removeAllListeners('drain');
        socket.pause();
      }
    },
    thaw: () => {
      isFrozen = false;
    },
    stop: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function passUp(client: Socket, upstream: Socket, cutAfter: number): void {
  let sent = 0;
  client.on('data', (chunk: Buffer) => {
    sent += chunk.length;
    if (sent > cutAfter) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    } else if (!upstream.write(chunk)) {
      client.pause();
      upstream.once('drain', () => client.resume());
    }
  });
  client.on('end', () => upstream.end());
}

type Down = Fault & { readonly rewrite: ((text: string) => string) | undefined };

function passDown(upstream: Socket, client: Socket, { cutAfter, endAfter, stallAfter, rewrite }: Down): void {
  const limit = cutAfter ?? endAfter ?? stallAfter ?? Number.POSITIVE_INFINITY;
  let sent = 0;
  upstream.on('data', (bytes: Buffer) => {
    const chunk = rewrite ? Buffer.from(rewrite(bytes.toString('latin1')), 'latin1') : bytes;
    const part = chunk.subarray(0, limit - sent);
    sent += part.length;
    const more = client.write(part, () => {
      if (sent < limit) return;
      // Only once the kept bytes are on their way: a reset overtakes what is still buffered.
      if (cutAfter !== undefined) setTimeout(() => client.resetAndDestroy(), 5);
      else if (endAfter !== undefined) client.end();
    });
    if (sent >= limit) upstream.pause();
    else if (!more) {
      upstream.pause();
      client.once('drain', () => upstream.resume());
    }
  });
  upstream.on('end', () => client.end());
}
