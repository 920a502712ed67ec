// Files on their way from the disk to many sockets, over buffers that are used again: whoever reads slowly, leaves or asks for a part gets its own bytes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm, truncate } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import { createFileSender } from '#api/send-file.ts';
import { openManagedStorage } from '#storage/managed.ts';
import type { Platform } from '#workflows/platform.ts';
import { bytesOf } from '#workflows/read-bytes.ts';

/** More than the sockets of both sides hold: a client that does not read leaves the server with bytes to send. */
const SIZE = 8 * 1024 ** 2;
const FILES = 12;
const app = Fastify({ forceCloseConnections: true });
let folder = '';
let base = '';

/** No two files have a stretch of bytes in common. */
const contentOf = (file: number): Buffer => {
  const bytes = Buffer.alloc(SIZE, `file ${file} `);
  for (let at = 0; at < SIZE; at += 4096) bytes.writeUInt32LE(at, at);
  return bytes;
};
const contents = Array.from({ length: FILES }, (_, file) => contentOf(file));
const same = (bytes: Buffer, file: number, start = 0): boolean =>
  contents[file]?.subarray(start, start + bytes.length).equals(bytes) ?? false;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rendition-send-'));
  const storage = await openFolder();
  for (const [file, bytes] of contents.entries()) await storage.write(`films/${file}`, bytes);
  await serveFiles(app);
  await app.listen({ port: 0, host: '127.0.0.1' });
  base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
});
after(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

const openFolder = () =>
  openManagedStorage(folder, { dataDir: folder, s3: { endpoint: null, region: null, credentials: null } });

async function serveFiles(server: FastifyInstance): Promise<void> {
  const send = createFileSender({ storage: await openFolder() } as Platform);
  server.route<{ Params: { file: string } }>({
    method: ['GET', 'HEAD'],
    url: '/:file',
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const name = request.params.file;
      const file = { kind: 'object', key: `films/${name}`, size: SIZE, mediaType: 'video/mp4', name } as const;
      return send(request, reply, { file, filename: null, download: false });
    },
  });
}

const fetchBytes = async (file: number, headers: Record<string, string> = {}) =>
  Buffer.from(await (await fetch(`${base}/${file}`, { headers })).arrayBuffer());

/** A client that asks and does not read yet. */
async function ask(file: number) {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`GET /${file} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await once(socket, 'readable');
  return socket;
}

test('whoever reads slowly gets its own bytes, whatever others ask for, get and leave meanwhile', async () => {
  const slow = await Promise.all([0, 1, 2].map(ask));
  const gone = await Promise.all([3, 4, 5].map(ask));
  for (const socket of gone) socket.destroy();
  for (let round = 0; round < 3; round++) {
    const others = Array.from({ length: 6 }, (_, i) => 6 + i);
    const read = await Promise.all(others.map((file) => fetchBytes(file)));
    for (const [i, bytes] of read.entries()) assert.ok(bytes.length === SIZE && same(bytes, 6 + i), `file ${6 + i}`);
  }
  for (const [file, socket] of slow.entries()) {
    const all: Buffer[] = [];
    for await (const bytes of socket) all.push(bytes as Buffer);
    const answer = Buffer.concat(all);
    const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
    assert.ok(body.length === SIZE && same(body, file), `the slow reader of file ${file}`);
  }
});

test('parts, conditions and questions about a file are answered the first time and later', async () => {
  for (let time = 0; time < 3; time++) {
    for (const [start, end] of [
      [0, 0],
      [5, 300_004],
      [SIZE - 7, SIZE - 1],
    ] as const) {
      const part = await fetchBytes(3, { range: `bytes=${start}-${end}` });
      assert.ok(part.length === end - start + 1 && same(part, 3, start), `${start}-${end}, time ${time}`);
    }
    const head = await fetch(`${base}/4`, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), String(SIZE));
    const etag = head.headers.get('etag') ?? '';
    assert.equal((await fetch(`${base}/4`, { headers: { 'if-none-match': etag } })).status, 304);
    assert.equal((await fetch(`${base}/4`, { headers: { range: `bytes=${SIZE}-` } })).status, 416);
  }
});

test('a file that is shorter or longer than it was, or gone, is no other one', async () => {
  await appendFile(path.join(folder, 'films', '8'), 'more');
  await truncate(path.join(folder, 'films', '10'), 1000);
  await rm(path.join(folder, 'films', '11'));
  // One that keeps nothing of them yet.
  const other = Fastify();
  await serveFiles(other);
  const full = await other.inject('/9');
  const [short, gone] = [await other.inject('/10'), await other.inject('/11')];
  assert.ok(same(full.rawPayload, 9));
  const grown = { kind: 'object', key: 'films/8', size: SIZE, mediaType: 'video/mp4', name: '8' } as const;
  const long = await bytesOf({ storage: await openFolder() }, grown);
  assert.ok(long.length === SIZE + 4 && same(long.subarray(0, SIZE), 8));
  assert.ok(short.rawPayload.length === 1000 && same(short.rawPayload, 10));
  assert.equal(gone.statusCode, 500);
  await other.close();
});
