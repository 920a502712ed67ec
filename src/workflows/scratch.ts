// Folders of running work on local disk: one for each process, named after its life, so that the janitor knows the dead ones.
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from '#config/settings.ts';
import { isNodeError } from '#domain/error.ts';
import { isMarkAlive, runMark } from '#workflows/run-mark.ts';

/** Folders of other hosts on a shared disk cannot be judged by their process: they are removed when untouched for so long. */
const FOREIGN_DAYS = 7;

export const scratchRoot = (config: Config): string => config.TEMP_VIDEOS_DIR ?? join(config.DATA_DIR, 'scratch');
const SEPARATOR = '~';
const ownName = (): string => [hostname(), ...runMark().split('/')].join(SEPARATOR);

/** Makes an empty folder for one attempt. */
export async function makeScratch(config: Config, name: string): Promise<string> {
  const folder = join(scratchRoot(config), ownName(), name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The folders of work that runs on this machine, in all of its processes. */
export async function runningFolders(config: Config): Promise<string[]> {
  const root = scratchRoot(config);
  const processes = (await readdir(root)).filter((name) => {
    const [host, ...mark] = name.split(SEPARATOR);
    return mark.length === 3 && host === hostname() && isMarkAlive(mark.join('/'));
  });
  const lists = await Promise.all(
    processes.map(async (name) => {
      const work = await readdir(join(root, name)).catch((error: unknown) => {
        // A process that has just ended takes its folder along.
        if (isNodeError(error) && error.code === 'ENOENT') return [];
        throw error;
      });
      return work.map((one) => join(root, name, one));
    }),
  );
  return lists.flat();
}

/** Removes the folders of processes that are gone. Answers how many. */
export async function sweepScratch(config: Config): Promise<number> {
  const root = scratchRoot(config);
  await mkdir(root, { recursive: true });
  let removed = 0;
  for (const name of await readdir(root)) {
    if (!(await isAbandoned(join(root, name), name))) continue;
    await rm(join(root, name), { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

async function isAbandoned(path: string, name: string): Promise<boolean> {
  const [host, ...mark] = name.split(SEPARATOR);
  // Not ours at all: whatever else lies in the folder somebody named is not touched.
  if (mark.length !== 3) return false;
  if (host === hostname()) return !isMarkAlive(mark.join('/'));
  const { mtimeMs } = await stat(path);
  return Date.now() - mtimeMs > FOREIGN_DAYS * 86_400_000;
}

/** Removes this process's own folder, at its end. */
export async function removeScratch(config: Config): Promise<void> {
  await rm(join(scratchRoot(config), ownName()), { recursive: true, force: true });
}
