// A server whose storage cannot be used says so at its start, where operators look first.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pino from 'pino';
import { openManagedStorage } from '#storage/managed.ts';
import { warnOfStorage } from '#workflows/check-health.ts';

test('storage that is not there is one line of the log; storage that is there is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-storage-'));
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push(line) });
  const s3 = { endpoint: null, region: null, credentials: null };
  const storage = await openManagedStorage(join(folder, 'storage'), { dataDir: folder, s3 });
  try {
    await warnOfStorage({ storage, log });
    assert.deepEqual(lines, []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await warnOfStorage({ storage, log });
  assert.match(lines.join(), /^{"level":40,.*the managed storage \(STORAGE_URL\) cannot be used now: /);
});
