// What every store must do, whatever lies behind it. Each store's own test calls this with the store and a folder in it.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ErrorCode } from '#domain/error.ts';
import { joinKey } from '#storage/key.ts';
import type { ObjectInfo, Store } from '#storage/store.ts';

export type Subject = {
  readonly store: Store;
  /** Keys of the suite lie below it; empty where the store is the suite's alone. */
  readonly folder: string;
};

export type Expectations = {
  /** The code for an object that is not there. */
  readonly missing: ErrorCode;
  readonly skip?: string | false;
  /** Bytes of the large object, and bytes of buffers that may be alive while it passes. */
  readonly large: { readonly size: number; readonly alive: number };
  /** Whether content types are kept. */
  readonly keepsType: boolean;
};

export function storeConformance(name: string, open: () => Promise<Subject>, expected: Expectations): void {
  describe(`${name}: conformance`, { skip: expected.skip ?? false }, () => {
    let store: Store;
    let folder = '';
    let scratch = '';
    before(async () => {
      ({ store, folder } = await open());
      scratch = await mkdtemp(path.join(tmpdir(), 'conformance-'));
    });
    after(async () => {
      await store?.close();
      await rm(scratch, { recursive: true, force: true });
    });
    const at = (...parts: string[]) => joinKey(folder, parts.join('/'));
    /** Says by name what is not tested, and why. */
    const lacks = (t: TestContext, ...abilities: (keyof Store['abilities'])[]) => {
      const lacking = abilities.filter((ability) => !store.abilities[ability]);
      if (lacking.length > 0) t.skip(`${name} does not ${lacking.join(', ')}`);
      return lacking.length > 0;
    };
    const fails = async (work: () => Promise<unknown>, code: ErrorCode) => {
      await assert.rejects(work, (error: { code?: string; message: string }) => {
        assert.equal(error.code, code, `${error.code}: ${error.message}`);
        return true;
      });
    };
    const isMissing = (key: string) => fails(() => store.stat(key), expected.missing);

    it('gives back what was written, and describes it', async (t) => {
      if (lacks(t, 'write')) return;
      for (const size of [1, 65_537, 1_500_000]) {
        const bytes = pattern(size);
        const written = await store.write(at('plain', `${size}.bin`), bytes, { contentType: 'video/mp4' });
        assert.equal(written, size);
        const info = await store.stat(at('plain', `${size}.bin`));
        assert.equal(info.key, at('plain', `${size}.bin`));
        assert.equal(info.size, size);
        if (expected.keepsType) assert.equal(info.contentType, 'video/mp4');
        assert.ok(info.modifiedAt === null || Number.isFinite(info.modifiedAt.getTime()));
        assert.deepEqual(await bytesOf(await store.read(at('plain', `${size}.bin`))), bytes);
      }
    });

    it('reads ranges, both ends included', async (t) => {
      if (lacks(t, 'write', 'ranges')) return;
      const bytes = pattern(300_000);
      const key = at('range.bin');
      await store.write(key, bytes);
      const part = async (start: number, end?: number) =>
        bytesOf(await store.read(key, end === undefined ? { start } : { start, end }));
      assert.deepEqual(await part(0, 0), bytes.subarray(0, 1));
      assert.deepEqual(await part(1000, 199_999), bytes.subarray(1000, 200_000));
      assert.deepEqual(await part(299_999), bytes.subarray(299_999));
      assert.deepEqual(await part(123_456), bytes.subarray(123_456));
      assert.deepEqual(await part(290_000, 900_000), bytes.subarray(290_000), 'cut at the end');
      await fails(async () => bytesOf(await store.read(key, { start: 300_000 })), 'invalid_request');
      await fails(async () => bytesOf(await store.read(key, { start: 5, end: 4 })), 'invalid_request');
    });

    it('keeps empty objects', async (t) => {
      if (lacks(t, 'write')) return;
      assert.equal(await store.write(at('empty'), Readable.from([])), 0);
      assert.equal((await store.stat(at('empty'))).size, 0);
      assert.equal((await bytesOf(await store.read(at('empty')))).length, 0);
      assert.equal((await bytesOf(await store.read(at('empty'), { start: 0, end: 99 }))).length, 0);
    });

    it('overwrites', async (t) => {
      if (lacks(t, 'write')) return;
      await store.write(at('again.txt'), Buffer.from('a longer first text'));
      await store.write(at('again.txt'), Buffer.from('second'));
      assert.equal(String(await bytesOf(await store.read(at('again.txt')))), 'second');
      assert.equal((await store.stat(at('again.txt'))).size, 6);
    });

    it('keeps names with spaces, marks and any script', async (t) => {
      if (lacks(t, 'write')) return;
      const names = [
        'with space.mp4',
        'Ünïcödé – 日本語 🎬.mkv',
        'a+b&c=d%20e%2F.ts',
        'quote\'and"(brackets)[1]{2}.mp3',
        'what?#*;:@,~$!.wav',
        '.hidden',
      ];
      for (const one of names) await store.write(at('names', one), Buffer.from(one));
      for (const one of names) {
        assert.equal(String(await bytesOf(await store.read(at('names', one)))), one);
        assert.equal((await store.stat(at('names', one))).size, Buffer.byteLength(one));
      }
      if (!store.abilities.list) return;
      const listed = await keysOf(store.list(at('names', '')));
      assert.deepEqual(listed.sort(), names.map((one) => at('names', one)).sort());
    });

    it('refuses keys that could lead elsewhere', async () => {
      const keys = [
        '',
        '/a',
        '../a',
        'a/../b',
        'a/..',
        './a',
        'a/./b',
        'a//b',
        'a/',
        'a\\b',
        'a\0b',
        'a\nb',
        'x'.repeat(1100),
        '\ud800',
      ];
      for (const key of keys) {
        await fails(async () => store.stat(key), 'invalid_request');
        await fails(async () => store.read(key), 'invalid_request');
        await fails(async () => store.write(key, Buffer.from('x')), 'invalid_request');
        await fails(async () => store.remove(key), 'invalid_request');
        assert.throws(() => {
          if (store.localPath(key) === null) throw new Error('null');
        });
      }
    });

    it('says what is missing, and removes it all the same', async (t) => {
      await fails(() => store.stat(at('nowhere', 'nothing')), expected.missing);
      await fails(async () => bytesOf(await store.read(at('nowhere', 'nothing'))), expected.missing);
      assert.equal(store.localPath(at('nowhere', 'nothing')), null);
      if (lacks(t, 'remove')) return;
      await store.remove(at('nowhere', 'nothing'));
    });

    it('removes', async (t) => {
      if (lacks(t, 'write', 'remove')) return;
      await store.write(at('gone', 'soon.txt'), Buffer.from('x'));
      await store.remove(at('gone', 'soon.txt'));
      await isMissing(at('gone', 'soon.txt'));
    });

    it('lists and removes by prefix', async (t) => {
      if (lacks(t, 'write', 'list', 'remove')) return;
      const names = ['1/a.ts', '1/b.ts', '1/deep/er/c.ts', '12/d.ts', '2/e.ts', '1.txt'];
      for (const one of names) await store.write(at('tree', one), Buffer.from(one));
      const list = async (...prefix: string[]) => (await keysOf(store.list(at('tree', ...prefix)))).sort();
      const keys = (...wanted: string[]) => wanted.map((one) => at('tree', one)).sort();
      assert.deepEqual(await list(''), keys(...names));
      assert.deepEqual(await list('1', ''), keys('1/a.ts', '1/b.ts', '1/deep/er/c.ts'));
      assert.deepEqual(await list('1'), keys('1/a.ts', '1/b.ts', '1/deep/er/c.ts', '12/d.ts', '1.txt'));
      assert.deepEqual(await list('nothing'), []);
      assert.deepEqual(await list('nothing', 'at', 'all', ''), []);
      const infos: ObjectInfo[] = [];
      for await (const info of store.list(at('tree', '2', ''))) infos.push(info);
      assert.deepEqual(
        infos.map(({ size }) => size),
        [6],
      );

      await store.removeAll(at('tree', '1', ''));
      assert.deepEqual(await list(''), keys('12/d.ts', '2/e.ts', '1.txt'));
      await store.removeAll(at('tree', '1'));
      assert.deepEqual(await list(''), keys('2/e.ts'));
      await store.removeAll(at('tree', 'nothing'));
      await fails(() => store.removeAll(''), 'invalid_request');
      await store.removeAll(at('tree'));
      assert.deepEqual(await list(''), []);
    });

    it('adopts a finished file', async (t) => {
      if (lacks(t, 'write')) return;
      const file = path.join(scratch, 'finished.ts');
      const bytes = pattern(700_000);
      await writeFile(file, bytes);
      assert.equal(await store.adopt(file, at('adopted', 'segment.ts'), { contentType: 'video/mp2t' }), bytes.length);
      assert.deepEqual(await bytesOf(await store.read(at('adopted', 'segment.ts'))), bytes);
      if (store.kind === 'disk') await assert.rejects(access(file), 'moved');
    });

    it('passes a large object through with bounded memory', async (t) => {
      if (lacks(t, 'write')) return;
      const { size, alive } = expected.large;
      const key = at('large.bin');
      const watch = watchMemory();
      const sent = createHash('sha256');
      let progress = 0;
      const written = await store.write(key, generated(size, sent), { onProgress: (bytes) => (progress = bytes) });
      assert.equal(written, size);
      assert.equal(progress, size);
      const received = createHash('sha256');
      for await (const chunk of await store.read(key)) received.update(chunk);
      assert.equal(received.digest('hex'), sent.digest('hex'));
      const peak = watch.stop();
      assert.ok(peak < alive, `${(peak / 1e6).toFixed(0)} MB of buffers were alive, ${alive / 1e6} allowed`);
    });

    it('leaves nothing of a write that was aborted', async (t) => {
      if (lacks(t, 'write')) return;
      const control = new AbortController();
      const reason = new Error('the job was canceled');
      const writing = store.write(
        at('aborted', 'half.bin'),
        endless(() => control.abort(reason), 12 * 1024 * 1024),
        { signal: control.signal },
      );
      await assert.rejects(writing, (error) => error === reason);
      await isMissing(at('aborted', 'half.bin'));
      if (store.abilities.list) assert.deepEqual(await keysOf(store.list(at('aborted', ''))), []);
      await assert.rejects(
        store.write(at('aborted', 'never.bin'), Buffer.from('x'), { signal: control.signal }),
        (error) => error === reason,
      );
      await isMissing(at('aborted', 'never.bin'));
    });

    it('leaves nothing of a body that failed, and what was there before', async (t) => {
      if (lacks(t, 'write')) return;
      const reason = new Error('the source broke');
      await assert.rejects(
        store.write(at('failed', 'half.bin'), failing(reason, 12 * 1024 * 1024)),
        (error) => error === reason,
      );
      await isMissing(at('failed', 'half.bin'));
      await store.write(at('failed', 'kept.txt'), Buffer.from('kept'));
      await assert.rejects(store.write(at('failed', 'kept.txt'), failing(reason, 1000)), (error) => error === reason);
      assert.equal(String(await bytesOf(await store.read(at('failed', 'kept.txt')))), 'kept');
      if (store.abilities.list)
        assert.deepEqual(await keysOf(store.list(at('failed', ''))), [at('failed', 'kept.txt')]);
    });

    it('refuses a body that is shorter or longer than announced', async (t) => {
      if (lacks(t, 'write')) return;
      const body = () => Readable.from([Buffer.alloc(1000)], { objectMode: false });
      await fails(() => store.write(at('size', 'short.bin'), body(), { size: 1001 }), 'invalid_request');
      await fails(() => store.write(at('size', 'long.bin'), body(), { size: 999 }), 'invalid_request');
      await isMissing(at('size', 'short.bin'));
      await isMissing(at('size', 'long.bin'));
      assert.equal(await store.write(at('size', 'right.bin'), body(), { size: 1000 }), 1000);
    });

    it('ends a read that is aborted or left', async (t) => {
      if (lacks(t, 'write')) return;
      const key = at('read.bin');
      await store.write(key, generated(8 * 1024 * 1024, createHash('sha256')));
      const control = new AbortController();
      const reason = new Error('no longer needed');
      const stream = await store.read(key, { signal: control.signal });
      await assert.rejects(
        async () => {
          for await (const _ of stream) control.abort(reason);
        },
        (error) => error === reason,
      );
      await assert.rejects(
        async () => bytesOf(await store.read(key, { signal: control.signal })),
        (error) => error === reason,
      );
      for await (const _ of await store.read(key)) break;
      assert.equal((await bytesOf(await store.read(key))).length, 8 * 1024 * 1024, 'the store still works');
    });

    it('takes writes at the same time', async (t) => {
      if (lacks(t, 'write')) return;
      const numbers = Array.from({ length: 8 }, (_, number) => number);
      await Promise.all(
        numbers.map((number) => store.write(at('many', `${number}`), Readable.from([pattern(50_000 + number)]))),
      );
      for (const number of numbers)
        assert.deepEqual(await bytesOf(await store.read(at('many', `${number}`))), pattern(50_000 + number));
      await Promise.all(
        numbers.map((number) => store.write(at('one'), Readable.from([Buffer.alloc(200_000, number)]))),
      );
      const left = await bytesOf(await store.read(at('one')));
      assert.equal(left.length, 200_000);
      assert.ok(
        left.every((byte) => byte === left[0]),
        'one of the writers, whole',
      );
    });
  });
}

/** Bytes that differ wherever one looks. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8) * 17 + (at >> 16)) & 255;
  return bytes;
}

export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function keysOf(list: AsyncIterable<ObjectInfo>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of list) keys.push(key);
  return keys;
}

/** A stream of `size` bytes that differ from run to run, made as they are asked for. */
export function generated(size: number, hash: ReturnType<typeof createHash>): Readable {
  const chunk = Buffer.from(randomUUID().repeat(1821)).subarray(0, 65_536);
  return Readable.from(
    (function* () {
      for (let left = size; left > 0; left -= chunk.length) {
        const piece = chunk.subarray(0, Math.min(left, chunk.length));
        hash.update(piece);
        yield piece;
      }
    })(),
    { objectMode: false },
  );
}

/** Gives so many bytes, calls `then`, and waits for ever. */
function endless(then: () => void, bytes: number): Readable {
  return Readable.from(
    (async function* () {
      for (let sent = 0; sent < bytes; sent += 65_536) yield Buffer.alloc(65_536);
      setImmediate(then);
      await new Promise(() => undefined);
    })(),
    { objectMode: false },
  );
}

function failing(reason: Error, bytes: number): Readable {
  return Readable.from(
    (async function* () {
      for (let sent = 0; sent < bytes; sent += 65_536) yield Buffer.alloc(Math.min(65_536, bytes));
      throw reason;
    })(),
    { objectMode: false },
  );
}

/** The most bytes of buffers alive (what a garbage collection leaves) beyond those at its start. */
function watchMemory(): { stop(): number } {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no gc');
  const alive = () => {
    // Memory of buffers is swept beside the program after a collection: the second one waits until the first one's is counted off.
    collect();
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = alive();
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, alive() - before);
  }, 50);
  return {
    stop: () => {
      clearInterval(timer);
      return peak;
    },
  };
}
