// A plain file server for tests: GET and HEAD with ranges and validators, PUT, POST, DELETE, and any behaviour a test wants. Used by test/storage.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

export type ServedFile = {
  readonly bytes: Buffer;
  readonly type: string;
  readonly etag: string;
  readonly modified: string;
};

export type SeenRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
};

export type FileServer = {
  readonly origin: string;
  readonly port: number;
  /** By path, decoded, with its leading slash. */
  readonly files: Map<string, ServedFile>;
  readonly requests: SeenRequest[];
  stop(): Promise<void>;
};

export type FileServerOptions = {
  /** Answers a request itself and says true, or leaves it to the server. */
  readonly behave?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly tls?: { readonly key: string; readonly cert: string };
};

export async function startFileServer({ behave, tls }: FileServerOptions = {}): Promise<FileServer> {
  const files = new Map<string, ServedFile>();
  const requests: SeenRequest[] = [];
  const listener: RequestListener = (request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    if (behave?.(request, response)) return;
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
    if (request.method === 'PUT' || request.method === 'POST')
      receive(request, response, (file) => files.set(path, file));
    else if (request.method === 'DELETE') response.writeHead(files.delete(path) ? 204 : 404).end();
    else serve(request, response, files.get(path));
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    port,
    origin: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    files,
    requests,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function servedFile(bytes: Buffer, type = 'application/octet-stream'): ServedFile {
  return {
    bytes,
    type,
    etag: `"${bytes.length}-${bytes.subarray(0, 8).toString('hex')}"`,
    modified: new Date(0).toUTCString(),
  };
}

function receive(request: IncomingMessage, response: ServerResponse, store: (file: ServedFile) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('error', () => undefined);
  request.on('end', () => {
    // An upload that was cut off must not be taken for a whole one.
    if (!request.complete) return;
    store(servedFile(Buffer.concat(chunks), request.headers['content-type']));
    response.writeHead(201).end('stored');
  });
}

function serve(request: IncomingMessage, response: ServerResponse, file: ServedFile | undefined): void {
  if (!file) {
    response.writeHead(404).end('nothing here');
    return;
  }
  const { bytes, type, etag, modified } = file;
  const headers = { 'content-type': type, etag, 'last-modified': modified, 'accept-ranges': 'bytes' };
  const same = [undefined, etag, modified].includes(request.headers['if-range']?.toString());
  const range = same ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') : null;
  if (!range) {
    response.writeHead(200, { ...headers, 'content-length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return;
  }
  const start = Number(range[1]);
  const last = Math.min(range[2] ? Number(range[2]) : bytes.length - 1, bytes.length - 1);
  if (start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const part = bytes.subarray(start, last + 1);
  response.writeHead(206, {
    ...headers,
    'content-length': part.length,
    'content-range': `bytes ${start}-${last}/${bytes.length}`,
  });
  response.end(request.method === 'HEAD' ? undefined : part);
}
