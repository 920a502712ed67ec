// A server that speaks the upload API of Cloudinary: signed uploads whole and in pieces, destroy, ping; it refuses what is not signed right. Used by tests.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export type CloudinaryServer = AsyncDisposable & {
  readonly url: string;
  /** By `image/public/id`. */
  readonly assets: Map<string, Buffer>;
  readonly requests: string[];
  /** Answers the next calls of `upload` with this status. */
  failNext(times: number, status: number): void;
};

export const ACCOUNT = { cloudName: 'demo-cloud', apiKey: '123456789012345', apiSecret: 'a-secret-of-the-account' };

/** https://cloudinary.com/documentation/authentication_signatures: all parameters but these, sorted, then the secret; SHA-1. */
const UNSIGNED = ['file', 'cloud_name', 'resource_type', 'api_key', 'signature'];
function isSigned(form: FormData): boolean {
  const text = [...form]
    .filter(([name, value]) => typeof value === 'string' && value !== '' && !UNSIGNED.includes(name))
    .map(([name, value]) => `${name}=${String(value)}`)
    .sort()
    .join('&');
  const right = createHash('sha1')
    .update(text + ACCOUNT.apiSecret)
    .digest('hex');
  const age = Date.now() / 1000 - Number(form.get('timestamp'));
  return form.get('signature') === right && form.get('api_key') === ACCOUNT.apiKey && age < 3600;
}

export async function startCloudinary(): Promise<CloudinaryServer> {
  const assets = new Map<string, Buffer>();
  const pieces = new Map<string, Buffer[]>();
  const requests: string[] = [];
  let failing = { times: 0, status: 500 };
  const answer = (response: ServerResponse, status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const path = request.url ?? '';
    requests.push(`${request.method} ${path}`);
    const body = await buffer(request);
    if (path === `/v1_1/${ACCOUNT.cloudName}/ping`) {
      const basic = `Basic ${Buffer.from(`${ACCOUNT.apiKey}:${ACCOUNT.apiSecret}`).toString('base64')}`;
      return request.headers.authorization === basic
        ? answer(response, 200, { status: 'ok' })
        : answer(response, 401, { error: { message: 'unknown api_key' } });
    }
    const [, type = '', act] = /^\/v1_1\/demo-cloud\/(image|video)\/(upload|destroy)$/.exec(path) ?? [];
    if (!act) return answer(response, 404, { error: { message: `nothing at ${path}` } });
    if (act === 'upload' && failing.times > 0) {
      failing.times -= 1;
      return answer(response, failing.status, { error: { message: 'told to fail' } });
    }
    const headers = { 'content-type': request.headers['content-type'] ?? '' };
    const form = await new Response(new Uint8Array(body), { headers }).formData();
    if (!isSigned(form)) return answer(response, 401, { error: { message: 'Invalid Signature' } });
    const id = String(form.get('public_id'));
    const key = `${type}/${id}`;
    if (act === 'destroy') return answer(response, 200, { result: assets.delete(key) ? 'ok' : 'not found' });
    const file = form.get('file');
    if (!(file instanceof Blob))
      return answer(response, 400, { error: { message: 'Missing required parameter - file' } });
    const bytes = Buffer.from(await file.arrayBuffer());
    const range = /^bytes (\d+)-(\d+)\/(-?\d+)$/.exec(request.headers['content-range'] ?? '');
    if (!range) assets.set(key, bytes);
    else {
      const upload = String(request.headers['x-unique-upload-id']);
      const sent = [...(pieces.get(upload) ?? []), bytes];
      pieces.set(upload, sent);
      const whole = Buffer.concat(sent);
      if (Number(range[3]) !== whole.length) return answer(response, 200, { done: false, public_id: id });
      assets.set(key, whole);
    }
    return answer(response, 200, { public_id: id, resource_type: type, bytes: assets.get(key)?.length, version: 1 });
  };
  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) => answer(response, 500, { error: { message: String(error) } }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    assets,
    requests,
    failNext: (times, status) => {
      failing = { times, status };
    },
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
