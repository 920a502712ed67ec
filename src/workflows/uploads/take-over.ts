// One connection appends to an upload at a time: whoever comes later ends the one before, which its client has most likely lost. Used by the tus routes.
import { PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';

type Turn = { readonly control: AbortController; readonly over: Promise<void> };

/** Of this process. Those of others are told apart by the bytes that an upload has: see append-upload.ts. */
const turns = new Map<string, Turn>();

type OneUpload = Pick<Platform, 'workerId'>;
const keyOf = ({ workerId }: OneUpload, id: string): string => `${workerId} ${id}`;

/** Whether somebody would be ended. */
export const isTaken = (platform: OneUpload, id: string): boolean => turns.has(keyOf(platform, id));

/**
 * Ends who appends to the upload, waits until what has come of it is noted, and works as the only one.
 * @param work ends with the signal's reason when the next one comes
 */
export async function takeOver<T>(
  platform: OneUpload,
  id: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const key = keyOf(platform, id);
  const before = turns.get(key);
  const control = new AbortController();
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const turn = { control, over };
  turns.set(key, turn);
  try {
    before?.control.abort(overtaken({ id }));
    await before?.over;
    control.signal.throwIfAborted();
    return await work(control.signal);
  } finally {
    resolve();
    if (turns.get(key) === turn) turns.delete(key);
  }
}

/** A connection that was thought dead had the same bytes, or the upload was given up. */
export const overtaken = ({ id }: { readonly id: string }): PlatformError =>
  new PlatformError('conflict', `Upload ${id} went on by another connection; ask where it stands`);
