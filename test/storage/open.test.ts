// Locations as jobs name them: which store opens, with which key and name, and which are refused.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type FtpLocation, type HttpLocation, type Location, ownBucket, type S3Location } from '#domain/location.ts';
import { type DiskStore, openDisk } from '#storage/disk.ts';
import { createEgress, type Egress } from '#storage/egress.ts';
import { joinKey } from '#storage/key.ts';
import { openManagedStorage } from '#storage/managed.ts';
import { createLocationOpener, type OpenerOptions } from '#storage/open.ts';
import { bytesOf } from './conformance.ts';

let root = '';
let managed: DiskStore;
let egress: Egress;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'open-'));
  managed = await openDisk(path.join(root, 'managed'));
  egress = createEgress({ allow: ['127.0.0.0/8'] });
});
after(async () => {
  await egress.close();
  await rm(root, { recursive: true, force: true });
});

const NO_S3 = { endpoint: null, region: null, credentials: null };
const opener = (options: Partial<OpenerOptions> = {}) =>
  createLocationOpener({
    managed,
    egress,
    fileRoots: [],
    s3: NO_S3,
    uploads: async (id) => `uploads/${id}/film.mp4`,
    maxInlineBytes: 100,
    ...options,
  });
const s3 = (path: string, more: Partial<S3Location> = {}): S3Location => ({ ...ownBucket('media', path), ...more });
const KEYS = { accessKeyId: 'AK', accessKeySecret: 'secret' };
const http = (url: string): HttpLocation => ({ kind: 'http', url, headers: {}, method: 'PUT' });
const ftp = (path: string): FtpLocation => ({
  kind: 'ftp',
  host: '127.0.0.1',
  port: 21,
  user: 'u',
  password: 'p',
  path,
});

describe('open: keys and names', () => {
  it('gives each kind its store, key and display name', async () => {
    const cases: readonly [Location, string, string, string][] = [
      [http('http://127.0.0.1/a/My%20Film.mp4?sig=x'), 'http', 'a/My Film.mp4', 'My Film.mp4'],
      [s3('in/put/film.mp4'), 's3', 'film.mp4', 'film.mp4'],
      [s3('/leading//odd/../film.mp4'), 's3', 'film.mp4', 'film.mp4'],
      [ftp('/abs/film.mp4'), 'ftp', 'film.mp4', 'film.mp4'],
      [{ kind: 'inline', data: 'AAAA', filename: 'C:\\clips\\my clip.mov' }, 'inline', 'inline', 'my clip.mov'],
      [{ kind: 'inline', data: 'AAAA', filename: null }, 'inline', 'inline', 'inline'],
      [{ kind: 'upload', uploadId: '7' }, 'disk', 'uploads/7/film.mp4', 'film.mp4'],
      [{ kind: 'managed', key: 'videos/1/original' }, 'disk', 'videos/1/original', 'original'],
    ];
    for (const [location, kind, key, name] of cases) {
      const opened = await opener().openSource(location);
      assert.deepEqual([opened.store.kind, opened.key, opened.name], [kind, key, name]);
      await opened.store.close();
    }
  });

  it("keeps the operator's keys from what lies in managed storage", async () => {
    const id = '01a1fe74-3f59-742f-9ea9-a6d37b68db6d';
    const managedBucket = { bucket: 'media', prefix: 'house/' };
    const open = async (path: string, more: Partial<S3Location> = {}) => {
      const places = opener({ managedBucket, s3: { ...NO_S3, credentials: { ...KEYS, sessionToken: null } } });
      const opened = [await places.openSource(s3(path, more)), await places.openDestination(s3(path, more))];
      for (const { store } of opened) await store.close();
    };
    for (const path of [`house/uploads/${id}/original`, `/house/jobs/${id}/t1-1/a.mp4`, 'house/live/7/log.txt'])
      await assert.rejects(open(path), { code: 'source_denied' }, path);
    await assert.rejects(opener({ managedBucket }).openDestination(s3(`house/jobs/${id}`)), {
      code: 'destination_denied',
    });
    // Whoever has keys of his own sees what they open; what is not the platform's is nothing to it.
    await open(`house/uploads/${id}/original`, KEYS);
    for (const path of [`uploads/${id}/original`, 'house/uploads/film.mp4', 'house/films/a.mp4']) await open(path);
    await open(`house/uploads/${id}/original`, { bucket: 'another' });
  });

  it('opens folders as destinations, the root too', async () => {
    for (const [location, key] of [
      [s3('out/hls/'), 'hls'],
      [s3(''), ''],
      [ftp('out/hls'), 'hls'],
      [http('http://127.0.0.1/out/'), 'out'],
    ] as const) {
      const opened = await opener().openDestination(location);
      assert.equal(opened.key, key);
      assert.match(joinKey(opened.key, 'master.m3u8'), /^([^/]+\/)?master\.m3u8$/);
    }
    await assert.rejects(opener().openSource(s3('/')), { code: 'invalid_request' });
    await assert.rejects(opener().openDestination({ kind: 'inline', data: '', filename: null }), {
      code: 'invalid_request',
    });
    await assert.rejects(opener().openDestination({ kind: 'upload', uploadId: '1' }), { code: 'invalid_request' });
  });

  it('keeps the managed store open when a place of it is closed', async () => {
    let closed = false;
    const store = {
      ...managed,
      close: async () => {
        closed = true;
      },
    };
    const opened = await opener({ managed: store }).openDestination({ kind: 'managed', key: 'a' });
    await opened.store.close();
    assert.equal(closed, false);
    await opened.store.write('a', Buffer.from('still open'));
  });
});

describe('open: refusals', () => {
  const inside = ['http://10.0.0.1/x', 'http://[::1]/x', 'http://2130706433/x', 'http://localhost/x'];

  it('refuses addresses inside, for every kind, in the voice of the side', async () => {
    const closed = createEgress({ allow: [] });
    const places: Location[] = [
      ...inside.map(http),
      s3('x', { ...KEYS, endpoint: 'http://169.254.169.254' }),
      s3('x', { ...KEYS, endpoint: 'http://0x7f.1:9000' }),
    ];
    for (const place of places) {
      await assert.rejects(opener({ egress: closed }).openSource(place), { code: 'source_refused_address' });
      await assert.rejects(opener({ egress: closed }).openDestination(place), { code: 'destination_refused_address' });
    }
    const { store, key } = await opener({ egress: closed }).openSource(ftp('x'));
    await assert.rejects(store.stat(key), { code: 'source_refused_address' });
    await closed.close();
  });

  it("does not hold the operator's own S3_ENDPOINT against the guard, but what callers name", async () => {
    const closed = createEgress({ allow: [] });
    const own = { ...NO_S3, endpoint: 'http://127.0.0.1:9000' };
    await opener({ egress: closed, s3: own }).openSource(s3('x'));
    await opener({ egress: closed, s3: own }).openSource(s3('x', { endpoint: 'http://127.0.0.1:9000/' }));
    await assert.rejects(
      opener({ egress: closed, s3: own }).openSource(s3('x', { ...KEYS, endpoint: 'http://127.0.0.1:9001' })),
      { code: 'source_refused_address' },
    );
    await closed.close();
  });

  it("keeps the operator's credentials from endpoints that callers name", async () => {
    const operators = {
      endpoint: 'https://s3.example.com',
      region: null,
      credentials: { ...KEYS, sessionToken: null },
    };
    for (const settings of [operators, { ...operators, endpoint: null }, NO_S3]) {
      const elsewhere = s3('x', { endpoint: 'https://s3.example.org' });
      const { openSource, openDestination } = opener({ s3: settings });
      const refused = { code: 'invalid_request', message: /credentials of your own/ };
      await assert.rejects(openSource(elsewhere), refused);
      await assert.rejects(openDestination(elsewhere), refused);
      await openSource({ ...elsewhere, ...KEYS });
    }
  });

  it('refuses half of a key pair, wrong schemes, and inline sources over the limit', async () => {
    await assert.rejects(opener().openSource(s3('x', { accessKeyId: 'AK' })), { code: 'invalid_request' });
    await assert.rejects(opener().openSource(http('ftp://127.0.0.1/x')), { code: 'invalid_request' });
    await assert.rejects(opener().openSource(http('file:///etc/passwd')), { code: 'invalid_request' });
    await assert.rejects(
      opener().openSource({ kind: 'inline', data: Buffer.alloc(101).toString('base64'), filename: null }),
      { code: 'source_too_large' },
    );
    await assert.rejects(opener().openSource({ kind: 'managed', key: '../x' }), { code: 'invalid_request' });
  });
});

describe('open: files', () => {
  it('names FILE_ROOTS when there are none', async () => {
    await assert.rejects(
      opener().openSource({ kind: 'file', path: '/etc/passwd' }),
      (error: { code: string; message: string }) => {
        assert.equal(error.code, 'source_denied');
        assert.match(error.message, /FILE_ROOTS/);
        return true;
      },
    );
  });

  it('opens what lies under a root, and nothing else, whatever links say', async () => {
    const first = path.join(root, 'first');
    const second = path.join(root, 'second');
    await mkdir(path.join(first, 'sub'), { recursive: true });
    await mkdir(second);
    await mkdir(`${first}-not`);
    await writeFile(path.join(first, 'sub', 'film.mp4'), 'film');
    await writeFile(path.join(second, 'other.mp4'), 'other');
    await writeFile(path.join(root, 'secret'), 'secret');
    await writeFile(`${first}-not/x`, 'x');
    await symlink(path.join(root, 'secret'), path.join(first, 'link'));
    await symlink(root, path.join(first, 'up'));
    await symlink(first, path.join(root, 'alias'));
    const files = opener({ fileRoots: [path.join(root, 'alias'), second] });
    const source = (place: string) => files.openSource({ kind: 'file', path: place });

    const film = await source(path.join(first, 'sub', 'film.mp4'));
    assert.deepEqual([film.key, film.name], ['sub/film.mp4', 'film.mp4']);
    assert.equal(film.store.localPath(film.key), path.join(first, 'sub', 'film.mp4'));
    assert.equal(String(await bytesOf(await film.store.read(film.key))), 'film');
    assert.equal((await source('sub/film.mp4')).key, 'sub/film.mp4', 'relative to the first root');
    assert.equal((await source(path.join(second, 'other.mp4'))).name, 'other.mp4');

    const outside = [
      '/etc/passwd',
      path.join(root, 'secret'),
      path.join(first, '..', 'secret'),
      path.join(first, 'link'),
      path.join(first, 'up', 'secret'),
      `${first}-not/x`,
      '../secret',
      '/',
    ];
    for (const place of outside) {
      await assert.rejects(source(place), { code: 'source_denied' }, place);
      await assert.rejects(files.checkPlace({ kind: 'file', path: place }, 'source'), { code: 'source_denied' }, place);
      await assert.rejects(
        files.openDestination({ kind: 'file', path: `${place}/new` }),
        { code: 'destination_denied' },
        place,
      );
    }
    await assert.rejects(source('a\0b'), { code: 'invalid_request' });
    const missing = await source(path.join(first, 'nothing.mp4'));
    await assert.rejects(missing.store.stat(missing.key), { code: 'source_not_found' });
    const elsewhere = opener({ fileRoots: [path.join(root, 'no such root')] });
    await assert.rejects(elsewhere.openSource({ kind: 'file', path: 'x' }), { code: 'invalid_setting' });
    // A worker may have what is not mounted here.
    await elsewhere.checkPlace({ kind: 'file', path: 'x' }, 'source');
    await files.checkPlace({ kind: 'file', path: 'new/film.mp4' }, 'destination');
  });

  it('writes below a root, making folders', async () => {
    const out = path.join(root, 'out');
    await mkdir(out);
    const opened = await opener({ fileRoots: [out] }).openDestination({
      kind: 'file',
      path: path.join(out, 'new', 'hls'),
    });
    await opened.store.write(joinKey(opened.key, 'v0/init.mp4'), Buffer.from('init'));
    assert.equal(await readFile(path.join(out, 'new', 'hls', 'v0', 'init.mp4'), 'utf8'), 'init');
  });
});

describe('managed storage', () => {
  const options = () => ({ dataDir: path.join(root, 'data'), s3: NO_S3 });

  it('is a folder: of DATA_DIR, named, or as a URL', async () => {
    for (const [url, folder] of [
      [undefined, 'data/storage'],
      [path.join(root, 'named'), 'named'],
      [`file://${root}/by%20url`, 'by url'],
    ] as const) {
      const store = await openManagedStorage(url, options());
      await store.write('a', Buffer.from('x'));
      assert.equal(await readFile(path.join(root, folder, 'a'), 'utf8'), 'x');
      assert.equal(await store.sweep(new Date()), 0);
    }
    await assert.rejects(openManagedStorage('ftp://host/x', options()), { code: 'invalid_setting' });
    await assert.rejects(openManagedStorage('s3://', options()), { code: 'invalid_setting' });
    await assert.rejects(openManagedStorage(path.join(root, 'named', 'a'), options()), /^PlatformError: STORAGE_URL: /);
    assert.equal((await openManagedStorage('s3://bucket', options())).kind, 's3');
  });
});
