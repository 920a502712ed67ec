import assert from 'node:assert/strict';
import { chmod, chown, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '#database/embedded.ts';
import { findBinaries, initArguments } from '#database/embedded-binaries.ts';
import { asUser, canReach, findUser, mustDrop } from '#database/unprivileged.ts';

const skip = mustDrop() ? false : 'only root gives its rights up';
let shut: string;
before(async () => {
  shut = await mkdtemp(join(tmpdir(), 'rendition-shut-'));
  await chmod(shut, 0o700);
});
after(() => rm(shut, { recursive: true, force: true }));

describe('PostgreSQL under root', { skip }, () => {
  test('gets no capability where the way is open, and one where it is not', async () => {
    const user = await findUser(undefined, run);
    assert.notEqual(user.uid, 0);
    const capabilities = async (needed: string) => {
      const { output } = await run([
        ...asUser(user, [needed]),
        'grep',
        '-E',
        '^(Uid|CapPrm|CapEff|CapAmb)',
        '/proc/self/status',
      ]);
      return output.replaceAll('\t', ' ').trim().split('\n');
    };
    const uid = `Uid: ${[user.uid, user.uid, user.uid, user.uid].join(' ')}`;
    const all = (value: string) => ['CapPrm', 'CapEff', 'CapAmb'].map((name) => `${name}: ${value}`);
    assert.deepEqual(await capabilities(tmpdir()), [uid, ...all('0000000000000000')]);
    assert.deepEqual(await capabilities(shut), [uid, ...all('0000000000000002')]);
  });

  test('is made with programs and data in a folder that its user may not enter', async () => {
    const user = await findUser(undefined, run);
    const native = join(shut, 'native');
    await cp(join(dirname(findBinaries().initdb), '..'), native, { recursive: true, verbatimSymlinks: true });
    const cluster = join(shut, 'cluster');
    const password = join(shut, 'password');
    await mkdir(cluster, { mode: 0o700 });
    await writeFile(password, 'secret');
    for (const path of [cluster, password]) await chown(path, user.uid, user.gid);
    assert.equal(canReach(cluster, user), false);
    const initdb = join(native, 'bin', 'initdb');
    const { code, output } = await run([
      ...asUser(user, [cluster, initdb]),
      initdb,
      ...initArguments(cluster, password),
      '--no-sync',
    ]);
    assert.equal(code, 0, output);
  });
});
