// A door on loopback that leads to one judged address: TLS is spoken here, with the certificate checked against the name, which FFmpeg cannot be told to do. Opened by resolve-input.ts and resolve-output.ts.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { bareHost } from '#domain/channel-target.ts';
import { PlatformError } from '#domain/error.ts';
import { connectTo, type Target } from '#live/connect.ts';
import type { Dialled } from '#live/resolve-network.ts';
import type { Guard } from '#storage/egress.ts';

export type Relay = {
  /** On 127.0.0.1. */
  readonly port: number;
  close(): Promise<void>;
};

export type RelayWish = {
  readonly guard: Guard;
  readonly dialled: Dialled;
  readonly isTls: boolean;
  /** RTSP servers may send their clients elsewhere, and FFmpeg would go there, past the guard. */
  readonly isRtsp: boolean;
};

const REDIRECT = /(^|\r\n\r\n)RTSP\/\d\.\d 3\d\d/;
const REFUSAL = 'RTSP/1.0 403 Redirects are not followed\r\n\r\n';

/** The first connection is made before it resolves. @throws PlatformError `*_tls`: another try does not help; `*_unreachable` */
export async function openRelay(wish: RelayWish): Promise<Relay> {
  const target = targetOf(wish);
  const sockets = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    return socket.once('close', () => sockets.delete(socket));
  };
  let first: Socket | null = track(await connectTo(target));
  const server = createServer((client) => {
    track(client);
    const waiting = first && !first.destroyed ? first : null;
    first = null;
    const upstream = waiting ? Promise.resolve(waiting) : connectTo(target).then(track);
    upstream.then(
      (socket) => (client.destroyed ? socket.destroy() : join(client, socket, wish)),
      () => client.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

const targetOf = ({ guard, dialled: { url, address, port }, isTls }: RelayWish): Target => ({
  ...{ guard, address, port, isTls },
  name: bareHost(url),
  place: `${url.protocol}//${url.host}`,
});

function join(client: Socket, upstream: Socket, { isRtsp }: RelayWish): void {
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.end());
  client.pipe(upstream);
  if (!isRtsp) {
    upstream.pipe(client);
    return;
  }
  const judged = judgeAnswers(client, () => {
    upstream.destroy();
    client.end(REFUSAL);
  });
  upstream.pipe(judged).pipe(client);
}

/** Until the client has asked to play: then there is nothing left that could be answered with another place. */
function judgeAnswers(client: Socket, onRedirect: () => void): Transform {
  let isPlaying = false;
  let before = '';
  client.on('data', (bytes: Buffer) => {
    isPlaying ||= /(^|\n)PLAY /.test(bytes.toString('latin1'));
  });
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      if (isPlaying) return done(null, bytes);
      const text = before + bytes.toString('latin1');
      before = text.slice(-32);
      if (!REDIRECT.test(text)) return done(null, bytes);
      onRedirect();
      done();
    },
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address === 'object' && address) return address.port;
  throw new PlatformError('internal', 'The relay does not listen');
}
