// The disk store: conformance, links, folders, file systems, temporary files.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { openDisk } from '#storage/disk.ts';
import { pattern, storeConformance } from './conformance.ts';

const run = promisify(execFile);
const MB = 1e6;
let root = '';
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'disk-store-'));
});
after(() => rm(root, { recursive: true, force: true }));

storeConformance('disk', async () => ({ store: await openDisk(path.join(root, 'made', 'for it')), folder: '' }), {
  missing: 'not_found',
  large: { size: 160 * MB, alive: 48 * MB },
  keepsType: false,
});

describe('disk', () => {
  it('names a path FFmpeg may open', async () => {
    const store = await openDisk(path.join(root, 'local'));
    await store.write('a/b.ts', Buffer.from('x'));
    assert.equal(store.localPath('a/b.ts'), path.join(root, 'local', 'a', 'b.ts'));
    assert.equal(store.localPath('a'), null, 'a folder is no file');
  });

  it('refuses links that lead out, and follows those that stay', async () => {
    const folder = path.join(root, 'links');
    const store = await openDisk(folder);
    const secret = path.join(root, 'secret.txt');
    await writeFile(secret, 'secret');
    await mkdir(path.join(root, 'outside'));
    await symlink(secret, path.join(folder, 'file'));
    await symlink(path.join(root, 'outside'), path.join(folder, 'folder'));
    await symlink(path.join(root, 'not there'), path.join(folder, 'dangling'));
    for (const key of ['file', 'folder/x']) {
      const denied = { code: 'storage_failed' };
      if (key === 'file') {
        await assert.rejects(store.stat(key), denied);
        await assert.rejects(store.read(key), denied);
        assert.throws(() => store.localPath(key), denied);
      } else {
        await assert.rejects(store.write(key, Buffer.from('x')), denied);
        await assert.rejects(store.remove(key), denied);
        await assert.rejects(store.removeAll(key), denied);
      }
    }
    await assert.rejects(store.write('dangling/x', Buffer.from('x')), { code: 'storage_failed' });
    // Writing over a link replaces the link; removing it removes the link.
    await store.write('file', Buffer.from('ours'));
    assert.equal(await readFile(secret, 'utf8'), 'secret');
    assert.equal(await readFile(path.join(folder, 'file'), 'utf8'), 'ours');
    await store.removeAll('folder');
    assert.deepEqual(await readdir(path.join(root, 'outside')), []);
    await store.write('real.txt', Buffer.from('real'));
    await symlink('real.txt', path.join(folder, 'inside'));
    assert.equal((await store.stat('inside')).size, 4);
  });

  it('removes the folders that a removal empties, up to its own', async () => {
    const folder = path.join(root, 'emptied');
    const store = await openDisk(folder);
    await store.write('a/b/c/one.ts', Buffer.from('1'));
    await store.write('a/two.ts', Buffer.from('2'));
    await store.remove('a/b/c/one.ts');
    assert.deepEqual(await readdir(path.join(folder, 'a')), ['two.ts']);
    await store.removeAll('a/two');
    assert.deepEqual(await readdir(folder), []);
  });

  it('writes and removes next to each other without losing the folder', async () => {
    const store = await openDisk(path.join(root, 'race'));
    const rounds = Array.from({ length: 150 }, (_, i) => i);
    await Promise.all(
      rounds.map(async (i) => {
        await store.write(`deep/er/${i}`, Buffer.from(`${i}`));
        await store.remove(`deep/er/${i}`);
      }),
    );
    assert.deepEqual(await readdir(path.join(root, 'race')), []);
  });

  it('moves a file from another file system by copying', async (t) => {
    const other = await mkdtemp('/dev/shm/adopt-').catch(() => null);
    if (other === null) return t.skip('no second file system at /dev/shm');
    try {
      const store = await openDisk(path.join(root, 'across'));
      const bytes = pattern(300_000);
      await writeFile(path.join(other, 'segment.ts'), bytes);
      assert.equal(await store.adopt(path.join(other, 'segment.ts'), 'v0/segment.ts'), bytes.length);
      assert.deepEqual(await readFile(path.join(root, 'across', 'v0', 'segment.ts')), bytes);
      assert.deepEqual(await readdir(other), []);
      assert.deepEqual(await readdir(path.join(root, 'across', 'v0')), ['segment.ts']);
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });

  it('adopts regular files only', async () => {
    const store = await openDisk(path.join(root, 'adopting'));
    const link = path.join(root, 'link to passwd');
    await symlink('/etc/passwd', link);
    await assert.rejects(store.adopt(link, 'stolen'), { code: 'not_found' });
    await assert.rejects(store.adopt(path.join(root, 'nothing'), 'x'), { code: 'not_found' });
  });

  it('says disk_full when the disk is full, leaves nothing, and works on', async (t) => {
    const small = path.join(root, 'small disk');
    await mkdir(small);
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]).then(
      () => true,
      () => false,
    );
    if (!mounted) return t.skip('a small file system cannot be mounted without root');
    try {
      const store = await openDisk(small);
      await assert.rejects(store.write('a/big.bin', Readable.from([Buffer.alloc(700_000), Buffer.alloc(700_000)])), {
        code: 'disk_full',
      });
      const file = path.join(root, 'too big');
      await writeFile(file, Buffer.alloc(2_000_000));
      await assert.rejects(store.adopt(file, 'a/adopted.bin'), { code: 'disk_full' });
      assert.deepEqual(await readdir(path.join(small, 'a')), []);
      assert.equal(await store.write('a/fits.bin', Buffer.alloc(500_000)), 500_000);
    } finally {
      await run('umount', [small]);
    }
  });

  it('sweeps temporary files of dead writers, and never shows them', async () => {
    const folder = path.join(root, 'swept');
    const store = await openDisk(folder);
    await store.write('a/kept.ts', Buffer.from('kept'));
    await writeFile(path.join(folder, 'a', '.part-old'), 'half');
    await writeFile(path.join(folder, 'a', '.part-young'), 'half');
    const hourAgo = new Date(Date.now() - 3_600_000);
    await utimes(path.join(folder, 'a', '.part-old'), hourAgo, hourAgo);
    const keys = [];
    for await (const { key } of store.list('')) keys.push(key);
    assert.deepEqual(keys, ['a/kept.ts']);
    await assert.rejects(store.read('a/.part-old'), { code: 'invalid_request' });
    assert.equal(await store.sweep(new Date(Date.now() - 60_000)), 1);
    assert.deepEqual((await readdir(path.join(folder, 'a'))).sort(), ['.part-young', 'kept.ts']);
  });

  it('knows when its folder is gone', async () => {
    const folder = path.join(root, 'gone');
    const store = await openDisk(folder);
    await store.check();
    await rm(folder, { recursive: true });
    await assert.rejects(store.check(), { code: 'not_found' });
  });

  it('speaks as a source or destination where it is one', async () => {
    const folder = path.join(root, 'roles');
    await mkdir(folder);
    await assert.rejects((await openDisk(folder, 'source')).stat('x'), { code: 'source_not_found' });
    await assert.rejects((await openDisk(folder, 'destination')).stat('x'), { code: 'destination_not_found' });
    await assert.rejects(openDisk(path.join(root, 'missing'), 'source'), { code: 'source_not_found' });
  });
});
