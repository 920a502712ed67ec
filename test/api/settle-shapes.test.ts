// The objects of requests keep their shape, however much time and garbage lies between the first of them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

/** A server of its own process: the first requests come a few at a time, with the garbage collected in between. */
const SERVER = `
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { settleShapes } from '#api/settle-shapes.ts';

settleShapes();
const tables = new Set();
const server = http.createServer({ optimizeEmptyRequests: true }, (request, response) => {
  for (const each of [request, response, request.socket]) if (!%HasFastProperties(each)) tables.add(each.constructor.name);
  response.end('x');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address();
const wanted = { host: '127.0.0.1', port, agent: false };
const ask = () => new Promise((resolve) => http.get(wanted, (answer) => answer.resume().on('end', resolve)));
for (let times = 0; times < 5; times++) {
  for (let n = 0; n < 3; n++) await ask();
  for (let n = 0; n < 3; n++) {
    await sleep(10);
    gc();
  }
}
server.close();
console.log(JSON.stringify([...tables]));
`;

test('requests, answers and sockets do not become hash tables', async () => {
  const flags = ['--expose-gc', '--allow-natives-syntax', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', SERVER]);
  assert.deepEqual(JSON.parse(stdout), []);
});
