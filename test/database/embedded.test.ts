import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { startEmbedded } from '#database/embedded.ts';
import { findPostmaster, isPostmasterOf } from '#database/postmaster.ts';
import { startTemporaryDatabase } from '#database/temporary-database.ts';
import { PlatformError } from '#domain/error.ts';
import { eventually } from '../kit/eventually.ts';

type Holder = { readonly child: ChildProcess; readonly url: string; readonly port: number };

let root: string;
let folder: string;
const children = new Set<ChildProcess>();

before(async () => {
  // mkdtemp makes it mode 700: as root, the user that PostgreSQL runs as can't enter by itself.
  root = await mkdtemp(join(tmpdir(), 'rendition-embedded-'));
  folder = join(root, 'postgres');
});

after(async () => {
  for (const child of children) child.kill('SIGKILL');
  const running = await findPostmaster(join(folder, 'cluster'));
  if (running) process.kill(running.pid, 'SIGKILL');
  await rm(root, { recursive: true, force: true });
});

async function hold(place = folder): Promise<Holder> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'holder.ts'), place], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.add(child);
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, ...JSON.parse(line) };
}

async function release({ child }: Holder): Promise<void> {
  child.stdin?.end();
  if (child.exitCode === null) await once(child, 'exit');
  children.delete(child);
}

async function kill({ child }: Holder): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
  children.delete(child);
}

async function ask<T>(url: string, query: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(query)).rows;
  } finally {
    await client.end();
  }
}

async function postmaster(): Promise<number> {
  const running = await findPostmaster(join(folder, 'cluster'));
  assert.ok(running, 'a postmaster runs');
  return running.pid;
}

async function ends(pid: number): Promise<void> {
  await eventually(async () =>
    assert.equal(await isPostmasterOf(pid, join(folder, 'cluster')), false, `postmaster ${pid} still runs`),
  );
}

describe('embedded PostgreSQL', () => {
  test('is made, answers with what it should be, and stops', async () => {
    const database = await startEmbedded({ folder, durable: true });
    const pid = await postmaster();
    const [facts] = await ask(
      database.url,
      `select current_setting('server_encoding') encoding, current_setting('fsync') fsync, current_setting('data_checksums') checksums,
        current_setting('listen_addresses') listens, current_setting('unix_socket_directories') sockets, lower('ÄÖ') lower, 'a' < 'B' as sorted`,
    );
    assert.deepEqual(facts, {
      encoding: 'UTF8',
      fsync: 'on',
      checksums: 'on',
      listens: '127.0.0.1',
      sockets: '',
      lower: 'äö',
      sorted: false,
    });
    await ask(database.url, 'create table kept (n int)');
    await database.close();
    assert.equal(await isPostmasterOf(pid, join(folder, 'cluster')), false);
  });

  test('keeps its password to its user and refuses another', async () => {
    const database = await startEmbedded({ folder, durable: true });
    assert.equal((await stat(join(folder, 'password'))).mode & 0o777, 0o600);
    assert.equal((await stat(join(folder, 'cluster'))).mode & 0o777, 0o700);
    const wrong = new URL(database.url);
    wrong.password = 'wrong';
    await assert.rejects(ask(wrong.href, 'select 1'), { code: '28P01' });
    await database.close();
  });

  test('starts quickly when it was made before, on the same port, with its data', async (t) => {
    const port = Number(await readFile(join(folder, 'port'), 'utf8'));
    const began = performance.now();
    const database = await startEmbedded({ folder, durable: true });
    const took = performance.now() - began;
    assert.deepEqual(await ask(database.url, 'select count(*)::int n from kept'), [{ n: 0 }]);
    await database.close();
    assert.equal(database.port, port);
    t.diagnostic(`started in ${took.toFixed(0)} ms`);
  });

  test('is shared by processes and ends with the last of them', async () => {
    const first = await hold();
    const pid = await postmaster();
    const second = await hold();
    assert.equal(second.port, first.port);
    assert.equal(await postmaster(), pid);
    await release(first);
    assert.deepEqual(await ask(second.url, 'select 1 as one'), [{ one: 1 }]);
    await release(second);
    assert.equal(await isPostmasterOf(pid, join(folder, 'cluster')), false);
  });

  test('is made once when several processes start on an empty folder', async () => {
    const place = join(root, 'together');
    const holders = await Promise.all([hold(place), hold(place), hold(place)]);
    assert.equal(new Set(holders.map(({ url }) => url)).size, 1);
    assert.deepEqual(
      (await readdir(place)).filter((name) => name.startsWith('new-')),
      [],
    );
    await Promise.all(holders.map(release));
    await eventually(async () => assert.equal(await findPostmaster(join(place, 'cluster')), undefined));
  });

  test('ends by itself when its process is killed, and has every acknowledged row at the next start', async () => {
    const holder = await hold();
    const pid = await postmaster();
    await ask(holder.url, 'insert into kept select generate_series(1, 500)');
    await kill(holder);
    await ends(pid);
    const next = await hold();
    assert.deepEqual(await ask(next.url, 'select count(*)::int n from kept'), [{ n: 500 }]);
    await release(next);
  });

  test('joins a server whose starter was killed while another process uses it', async () => {
    const starter = await hold();
    const user = await hold();
    const pid = await postmaster();
    await kill(starter);
    const third = await hold();
    assert.equal(await postmaster(), pid);
    assert.deepEqual(await ask(user.url, 'select 1 as one'), [{ one: 1 }]);
    await Promise.all([release(user), release(third)]);
    await ends(pid);
  });

  test('a server that lost its guard is ended and started anew, never doubled', async () => {
    const holder = await hold();
    const pid = await postmaster();
    const guards = await guardsOf(pid);
    assert.ok(guards.length > 0);
    for (const guard of guards) process.kill(guard, 'SIGKILL');
    await kill(holder);
    assert.equal(await isPostmasterOf(pid, join(folder, 'cluster')), true, 'it outlives both');
    const next = await hold();
    assert.notEqual(await postmaster(), pid);
    await ends(pid);
    assert.deepEqual(await ask(next.url, 'select count(*)::int n from kept'), [{ n: 500 }]);
    await release(next);
  });

  test('a PostgreSQL that was killed is started again on the same port, for all who use it, with every acknowledged row', async () => {
    const starter = await hold();
    const user = await hold();
    await ask(user.url, 'insert into kept values (0)');
    for (const holders of [[starter, user], [user]]) {
      const killed = await postmaster();
      process.kill(killed, 'SIGKILL');
      // Also whoever comes while there is none.
      const early = await hold();
      assert.equal(early.port, user.port);
      for (const { url } of holders) {
        await eventually(async () =>
          assert.deepEqual(await ask(url, 'select count(*)::int n from kept'), [{ n: 501 }]),
        );
      }
      assert.notEqual(await postmaster(), killed);
      await release(early);
      // It goes on when its starter is gone.
      if (holders.includes(starter)) await kill(starter);
    }
    const last = await postmaster();
    await release(user);
    assert.equal(await isPostmasterOf(last, join(folder, 'cluster')), false, 'and it ends with the last of them');
  });

  test('says that it was lost when it was stopped by somebody else', async () => {
    const database = await startEmbedded({ folder, durable: true });
    process.kill(await postmaster(), 'SIGINT');
    const error = await database.lost;
    assert.equal(error.code, 'database_unreachable');
    await database.close();
    const next = await startEmbedded({ folder, durable: true });
    assert.deepEqual(await ask(next.url, 'select count(*)::int n from kept'), [{ n: 501 }]);
    await next.close();
  });

  test('a stale postmaster.pid that names a living stranger is no server', async () => {
    const path = join(folder, 'cluster', 'postmaster.pid');
    await writeFile(path, `${process.pid}\n${join(folder, 'cluster')}\n0\n5432\n\n127.0.0.1\n\nready   \n`);
    assert.equal(await findPostmaster(join(folder, 'cluster')), undefined);
    await rm(path);
  });

  test('says in one line that a data directory can not be used', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    await assert.rejects(startEmbedded({ folder: join(file, 'postgres'), durable: true }), (error) => {
      assert.ok(error instanceof PlatformError);
      assert.equal(error.code, 'data_dir_unusable');
      assert.match(error.message, /^The data directory .*\/file\/postgres can't be used \(ENOTDIR/);
      return true;
    });
  });

  test('says what PostgreSQL said when it does not start', async () => {
    // Of those who were at it together nobody is left.
    const place = join(root, 'together');
    await rm(join(place, 'cluster', 'global'), { recursive: true });
    await assert.rejects(startEmbedded({ folder: place, durable: true }), (error) => {
      assert.ok(error instanceof PlatformError);
      assert.equal(error.code, 'database_unreachable');
      assert.match(error.message, /did not start: .*(FATAL|PANIC|could not)/);
      return true;
    });
    await chmod(place, 0o700);
  });
});

describe('temporary database', () => {
  test('is private to its run, prepared once, and leaves nothing', async () => {
    let prepared = 0;
    const options = {
      templateDir: join(root, 'template'),
      runDir: join(root, 'runs'),
      version: '1',
      prepare: async (url: string) => {
        prepared++;
        await ask(url, 'create table made (n int)');
      },
    };
    const [one, two] = await Promise.all([startTemporaryDatabase(options), startTemporaryDatabase(options)]);
    assert.equal(prepared, 1);
    await ask(one.url, 'insert into made values (1)');
    assert.deepEqual(await ask(two.url, 'select count(*)::int n from made'), [{ n: 0 }]);
    await Promise.all([one.close(), two.close()]);
    assert.deepEqual(await readdir(options.runDir), []);
  });

  test('removes what killed runs left', async () => {
    const runDir = join(root, 'left');
    const dead = join(runDir, '999999999-1-abcdef');
    await mkdir(runDir);
    await rename(join(root, 'together'), dead);
    const options = {
      templateDir: join(root, 'template'),
      runDir,
      version: '1',
      prepare: () => assert.fail('made before'),
    };
    const database = await startTemporaryDatabase(options);
    assert.equal((await readdir(runDir)).includes('999999999-1-abcdef'), false);
    await database.close();
  });
});

/** The guard of a postmaster: the shell above it, and that one's other child. */
async function guardsOf(postmasterPid: number): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const processes = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
        return { pid: Number(pid), parent: Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) };
      }),
  );
  const parent = processes.find(({ pid }) => pid === postmasterPid)?.parent;
  return processes
    .filter(({ pid, parent: above }) => pid === parent || (above === parent && pid !== postmasterPid))
    .map(({ pid }) => pid);
}
