// `rendition serve` with its embedded database: start, second start, the commands beside it, and its end.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { run, type Started, said, start, startProgram } from './run-cli.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
let folder: string;
let env: Record<string, string>;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rendition-cli-'));
  await chmod(folder, 0o755);
  env = { DATA_DIR: path.join(folder, 'data'), PORT: '0', LOG_LEVEL: 'warn' };
});
after(() => rm(folder, { recursive: true, force: true }));

/** In the project's folder and a process group of its own, as a terminal starts it. */
const startBy = (program: string, args: readonly string[]): Started =>
  startProgram(program, args, { env: { ...env, LOG_LEVEL: 'info' }, cwd: ROOT, isGroup: true });
const gone = (base: string) => eventually(() => assert.rejects(fetch(`${base}/health`)));
const READY = /^Rendition is ready at (http:\/\/127\.0\.0\.1:\d+)$/m;

test('it starts, serves, and stops within seconds', async () => {
  const server = start(['serve'], { env });
  const [, base = ''] = await said(server, READY);
  assert.equal((await fetch(`${base}/health`)).status, 200);
  assert.equal((await fetch(`${base}/`)).status, 200);
  // It has no terminal, as under nohup: the end of one is none of its business.
  server.child.kill('SIGHUP');
  const stream = await fetch(`${base}/events/stream`);
  const began = performance.now();
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0, server.output.err);
  assert.ok(performance.now() - began < 15_000, 'nobody waits for the stream to end');
  await stream.body?.cancel().catch(() => undefined);
});

test('two that begin on a new folder at the same moment both come up, on one database', async () => {
  const shared = { ...env, DATA_DIR: path.join(folder, 'shared'), ROLES: 'api' };
  const both = [start(['serve'], { env: shared }), start(['serve'], { env: shared })];
  for (const one of both) await said(one, READY);
  for (const one of both) one.child.kill('SIGTERM');
  for (const one of both) assert.equal(await one.ended, 0, one.output.err);
});

test('what is typed behind `npm start --` reaches the server', async () => {
  const { output, ended } = startBy('npm', ['start', '--silent', '--', '--no-such-option', 'a b']);
  assert.notEqual(await ended, 0, output.err);
  assert.match(output.err, /--no-such-option/);
});

test('a SIGTERM to npm ends the server, though the shell between dies of it and tells nobody', async () => {
  const npm = startBy('npm', ['start', '--silent']);
  const [, base = ''] = await said(npm, READY);
  npm.child.kill('SIGTERM');
  await npm.ended;
  await gone(base);
  assert.match(npm.output.out + npm.output.err, /SIGTERM: stopping/);
});

describe('where the machine has an older Node, a process of it stays before the server:', () => {
  /** The same Node under another name is another one to it. */
  const startByOlder = async (): Promise<Started> => {
    const node = path.join(folder, 'node');
    await rm(node, { force: true });
    await symlink(process.execPath, node);
    const handOver = `import { handOver } from './scripts/bootstrap/hand-over.mjs'; await handOver('${node}', ['src/main.ts', 'serve']);`;
    return startBy(process.execPath, ['--input-type=module', '--eval', handOver]);
  };

  test('one Ctrl-C, which both of them get and one passes on, stops it in order', async () => {
    const older = await startByOlder();
    const [, base = ''] = await said(older, READY);
    process.kill(-(older.child.pid ?? 0), 'SIGINT');
    assert.equal(await older.ended, 0, older.output.err);
    await gone(base);
  });

  test('a kill of that process ends the server too', async () => {
    const older = await startByOlder();
    const [, base = ''] = await said(older, READY);
    older.child.kill('SIGKILL');
    await older.ended;
    await gone(base);
  });
});

test('keys: the key and nothing else; listed without it; revoked once', async () => {
  const made = await run(['keys', 'create', '--name', 'site', '--scopes', 'read,write', '--project', 'shop'], { env });
  assert.deepEqual([made.code, made.err], [0, '']);
  assert.match(made.out, /^rk_[\w-]{43}\n$/);
  const listed = await run(['keys', 'list', '--json'], { env });
  const [key] = JSON.parse(listed.out) as { id: string; name: string; scopes: string[]; projectId: string }[];
  assert.deepEqual([key?.name, key?.scopes, key?.projectId], ['site', ['read', 'write'], 'shop']);
  assert.equal(listed.out.includes(made.out.trim()), false);
  assert.equal((await run(['keys', 'revoke', key?.id ?? ''], { env })).code, 0);
  assert.equal((await run(['keys', 'revoke', key?.id ?? ''], { env })).code, 1);
});

test('a host that others can reach needs a key', async () => {
  const refused = await run(['serve'], { env: { ...env, HOST: '0.0.0.0' } });
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^rendition: HOST=0\.0\.0\.0 can be reached by others and there is no key yet: .*\n$/);
});

test('migrate, retention, openapi and doctor beside a running server', async () => {
  const server = start(['serve'], { env });
  await said(server, READY);
  assert.deepEqual(await run(['migrate', '--check'], { env }), { code: 0, out: '', err: '' });
  assert.deepEqual(await run(['retention'], { env }), { code: 0, out: '0 jobs deleted\n', err: '' });
  assert.match((await run(['reseal'], { env })).out, /^delivery +0 +0 +0 +0$[\s\S]*others may leave SECRET_KEY/m);
  const document = JSON.parse((await run(['openapi'], { env })).out) as { openapi: string; paths: object };
  assert.equal(document.openapi, '3.1.0');
  assert.ok('/jobs' in document.paths);
  const doctor = await run(['doctor', '--json'], { env });
  const report = JSON.parse(doctor.out) as { status: string; checks: { name: string; ok: boolean }[] };
  assert.deepEqual([doctor.code, report.status], [0, 'ok'], doctor.out);
  assert.deepEqual(
    report.checks.map(({ name }) => name),
    ['machine', 'ffmpeg', 'encoders', 'filters', 'hardware', 'database', 'storage', 'disk'],
  );
  const worker = start(['work'], { env });
  await said(worker, /Worker \S+ is ready/);
  worker.child.kill('SIGTERM');
  assert.equal(await worker.ended, 0, worker.output.err);
  server.child.kill('SIGINT');
  assert.equal(await server.ended, 0, server.output.err);
});

test('doctor says what is wrong and fails', async () => {
  const { code, out } = await run(['doctor', '--json'], {
    env: { ...env, FFMPEG_PATH: '/nowhere/ffmpeg', DATABASE_URL: 'postgres://127.0.0.1:1/x' },
  });
  const { status, checks } = JSON.parse(out) as { status: string; checks: { name: string; ok: boolean }[] };
  assert.deepEqual([code, status], [1, 'failed']);
  assert.deepEqual(
    checks.filter(({ ok }) => !ok).map(({ name }) => name),
    ['ffmpeg', 'database'],
  );
});
