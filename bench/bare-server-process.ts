// Node's HTTP server with nothing behind it: answers every GET with one file from memory, and throws away what is sent. Started by
// bare-server.ts. Arguments: port, then the file to answer with.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, path] = process.argv.slice(2);
const bytes = path === undefined ? Buffer.alloc(0) : readFileSync(path);
/** Of a small body, text is the quicker: one write with its headers. As in hot-answers.ts. */
const body = bytes.length <= 16 * 1024 ? bytes.toString('latin1') : bytes;
/** As in server.ts: bytes of a request's body that are read ahead, and no stream for requests that have none. */
const OPTIONS = { highWaterMark: 1024 ** 2, optimizeEmptyRequests: true };
/** What a player needs to know of a segment or a playlist. */
const HEADERS = [
  ...['content-type', 'application/vnd.apple.mpegurl', 'content-length', String(bytes.length)],
  ...['etag', '"0123456789abcdefghijkl"', 'cache-control', 'no-cache', 'accept-ranges', 'bytes', 'vary', 'Origin'],
  ...['x-content-type-options', 'nosniff', 'access-control-allow-origin', '*'],
];

createServer(OPTIONS, (request, response) => {
  const answer = () => {
    response.writeHead(200, HEADERS);
    response.end(body, 'latin1');
  };
  if (request.method === 'GET') return answer();
  request.on('data', () => undefined);
  request.once('end', answer);
}).listen(Number(port), '127.0.0.1');
