// Whether something lies at a destination already. Used by upload.ts and remove-delivered.ts.
import { PlatformError } from '#domain/error.ts';
import type { Store } from '#storage/store.ts';

/** Servers that cannot say are taken to have nothing. */
export async function isThere(store: Store, key: string, signal?: AbortSignal): Promise<boolean> {
  try {
    await store.stat(key, signal);
    return true;
  } catch (error) {
    if (error instanceof PlatformError && /_(not_found|denied|refused)$/.test(error.code)) return false;
    throw error;
  }
}
