// Keeps room on the scratch disk for work that is running, so that two that begin together do not fill it between them. Called before work that writes there.
import { mkdir, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '#config/settings.ts';
import { isNodeError, PlatformError } from '#domain/error.ts';
import { makeScratch, runningFolders, scratchRoot } from '#workflows/scratch.ts';

/** In a folder of running work: the bytes that it may come to hold. It goes with the folder. */
const CLAIM = '.reserved';
/** Milliseconds between two looks, and by how much they differ: two that saw each other must not see each other again and again. */
const PAUSE = 500;
const JITTER = 1000;

type Wish = {
  /** Of the folder. */
  readonly name: string;
  /** What it may come to hold. */
  readonly bytes: number;
  readonly signal: AbortSignal;
};

/**
 * Makes an empty folder with room kept for it until it is removed. Where there is too little because of what others keep, waits for them.
 * @throws PlatformError `disk_full` where `bytes` more would leave less than SCRATCH_RESERVE_BYTES free though nobody else keeps anything
 */
export async function reserveScratch(config: Config, { name, bytes, signal }: Wish): Promise<string> {
  for (;;) {
    signal.throwIfAborted();
    const folder = await makeScratch(config, name);
    try {
      // First said, then looked: of two that begin together one sees the other at the least.
      await writeFile(join(folder, CLAIM), String(Math.ceil(bytes)));
      const { free, kept } = await measureScratch(config, folder);
      if (free - kept - bytes >= config.SCRATCH_RESERVE_BYTES) return folder;
      if (kept === 0) throw tooLittle(config, free, bytes);
      await rm(folder, { recursive: true, force: true });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    await sleep(PAUSE + Math.random() * JITTER, undefined, { signal });
  }
}

/** @throws PlatformError `disk_full` where `bytes` more would leave less than SCRATCH_RESERVE_BYTES beside what running work keeps */
export async function checkScratchSpace(config: Config, bytes: number): Promise<void> {
  const { free, kept } = await measureScratch(config);
  if (free - kept - bytes < config.SCRATCH_RESERVE_BYTES) throw tooLittle(config, free - kept, bytes);
}

/** Bytes that are free, and what of them the work of all processes of this machine keeps, one folder excepted. */
async function measureScratch(config: Config, except?: string): Promise<{ free: number; kept: number }> {
  const root = scratchRoot(config);
  await mkdir(root, { recursive: true });
  const folders = (await runningFolders(config)).filter((folder) => folder !== except);
  const kept = await Promise.all(folders.map(keptBy));
  const { bavail, bsize } = await statfs(root);
  return { free: bavail * bsize, kept: kept.reduce((sum, bytes) => sum + bytes, 0) };
}

/** What a folder may still grow by; 0 where it keeps nothing, or is gone by now. */
async function keptBy(folder: string): Promise<number> {
  try {
    const claimed = Number(await readFile(join(folder, CLAIM), 'utf8'));
    const names = await readdir(folder, { recursive: true });
    const sizes = await Promise.all(names.map((name) => sizeOf(join(folder, name))));
    return Math.max(0, claimed - sizes.reduce((sum, size) => sum + size, 0));
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return 0;
    throw error;
  }
}

/** Bytes on disk: a file that is being written may be sparse. */
async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.blocks * 512 : 0;
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return 0;
    throw error;
  }
}

const tooLittle = (config: Config, free: number, bytes: number): PlatformError =>
  new PlatformError(
    'disk_full',
    `The scratch folder ${scratchRoot(config)} has ${megabytes(Math.max(0, free))} MB free; this work needs ${megabytes(bytes)} MB and must leave ${megabytes(config.SCRATCH_RESERVE_BYTES)} MB (SCRATCH_RESERVE_BYTES)`,
  );

const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6);
