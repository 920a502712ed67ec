// The keys this installation makes for itself where the settings bring none: once, in DATA_DIR, for its user alone. Called by platform.ts.
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '#config/settings.ts';

/**
 * SECRET_KEY or what DATA_DIR/secret.key holds: 32 bytes each, from which every other key is derived. The first seals and signs;
 * those behind it only open what they sealed and signed before.
 */
export async function readSecretKeys(
  config: Pick<Config, 'SECRET_KEY' | 'DATA_DIR'>,
): Promise<readonly [Buffer, ...Buffer[]]> {
  const [first = '', ...older] = (config.SECRET_KEY ?? (await readOrMake(config.DATA_DIR, 'secret.key'))).split(',');
  return [decodeKey(first), ...older.map(decodeKey)];
}

/** WEBHOOK_SECRET or what DATA_DIR/webhook.secret holds, as the Standard Webhooks specification writes it: whsec_ and base64. */
export async function readWebhookSecret(config: Pick<Config, 'WEBHOOK_SECRET' | 'DATA_DIR'>): Promise<string> {
  return config.WEBHOOK_SECRET ?? `whsec_${await readOrMake(config.DATA_DIR, 'webhook.secret')}`;
}

function decodeKey(written: string): Buffer {
  return /^[0-9a-f]{64}$/i.test(written) ? Buffer.from(written, 'hex') : Buffer.from(written, 'base64');
}

/** 32 random bytes in base64. Several processes that start at once all get what the first of them made. */
async function readOrMake(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  const known = await textOf(path);
  if (known) return known;
  await mkdir(folder, { recursive: true });
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(fresh, 'wx', 0o600);
    try {
      await file.writeFile(randomBytes(32).toString('base64'));
      // A key lost by a power cut takes everything it sealed with it.
      await file.sync();
    } finally {
      await file.close();
    }
    await link(fresh, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(fresh, { force: true });
  }
  return readFile(path, 'utf8');
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
