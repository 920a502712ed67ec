// A receiver of webhooks: keeps what arrives, checks signatures as the specification says, and behaves as a test wants. Used by the webhook tests.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export type Received = {
  readonly id: string;
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  readonly isSigned: boolean;
  /** performance.now() */
  readonly at: number;
};

export type Receiver = {
  readonly origin: string;
  readonly received: Received[];
  stop(): Promise<void>;
};

/** @param behave answers a request itself and says true; otherwise it is a plain 204 @param port a free one where left out */
export async function startReceiver(
  secret: string,
  behave: (received: Received, response: ServerResponse) => boolean = () => false,
  port = 0,
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    // A sender that is killed in the middle of its request.
    request.on('error', () => undefined);
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const one: Received = {
      id: String(request.headers['webhook-id']),
      path: request.url ?? '',
      body,
      headers: request.headers,
      isSigned: isSigned(secret, request.headers, body),
      at: performance.now(),
    };
    received.push(one);
    if (!behave(one, response)) response.writeHead(204).end();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    received,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Written anew from the specification, not with the code under test. */
function isSigned(secret: string, headers: IncomingMessage['headers'], body: string): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const key = Buffer.from(secret.split('_')[1] ?? '', 'base64');
  const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  return String(signature)
    .split(' ')
    .some((part) => {
      const [version, given = ''] = part.split(',');
      const bytes = Buffer.from(given, 'base64');
      return version === 'v1' && bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
    });
}
