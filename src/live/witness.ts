// What one machine says of another where that one can read it without the database: in managed storage, which both share. Used by pulse.ts.
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { MachineBeat } from '#database/live.ts';
import { PlatformError } from '#domain/error.ts';
import { SILENT_PREFIX } from '#storage/key.ts';
import type { ManagedStore } from '#storage/managed.ts';

/** Milliseconds that storage has for it. */
const TIME_LIMIT = 3000;

/** The names of machines are the operator's: not all can be parts of keys. */
const keyOf = (id: string): string => `${SILENT_PREFIX}${createHash('sha256').update(id).digest('hex')}`;

/** Says that a machine was not heard of since a beat, and that its channels will be taken. */
export async function declareSilent(storage: ManagedStore, { id, beat }: MachineBeat): Promise<void> {
  const signal = AbortSignal.timeout(TIME_LIMIT);
  await storage.write(keyOf(id), Buffer.from(JSON.stringify({ id, beat })), {
    contentType: 'application/json',
    signal,
  });
}

/** Whether somebody has missed this machine since its beat: what was said before that, it has outlived. @throws where storage cannot be read */
export async function isDeclaredSilent(storage: ManagedStore, { id, beat }: MachineBeat): Promise<boolean> {
  try {
    const said = await text(await storage.read(keyOf(id), { signal: AbortSignal.timeout(TIME_LIMIT) }));
    return (JSON.parse(said) as MachineBeat).beat >= beat;
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'not_found') return false;
    throw error;
  }
}

export const withdrawSilence = (storage: ManagedStore, id: string): Promise<void> => storage.remove(keyOf(id));
