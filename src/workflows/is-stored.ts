// Whether something lies in managed storage already: what an earlier attempt made is not made again. Used by prepare-*.ts.
import { PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';

export async function isStored({ storage }: Pick<Platform, 'storage'>, key: string): Promise<boolean> {
  try {
    await storage.stat(key);
    return true;
  } catch (error) {
    // Not there, most likely; if the storage is down, writing to it will say so.
    if (error instanceof PlatformError) return false;
    throw error;
  }
}
