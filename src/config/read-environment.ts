// The only reader of process.env and of `.env`. Called by cli/run.ts and the test kit.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '#config/load.ts';
import type { Config } from '#config/settings.ts';

/** The folder of this checkout: `.env` lies here, and its relative paths start here. */
const PROJECT_FOLDER = resolve(import.meta.dirname, '..', '..');

/** @throws ConfigError naming every setting that is wrong */
export function readEnvironment(overrides: Readonly<Record<string, string>> = {}): Config {
  return loadConfig({ ...process.env, ...overrides }, readDotenv(), {
    project: PROJECT_FOLDER,
    current: process.cwd(),
  });
}

function readDotenv(): string | undefined {
  try {
    return readFileSync(join(PROJECT_FOLDER, '.env'), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The folders that programs named without a path are looked for in: PATH; undefined where there is none. */
export const readSearchPath = (): string | undefined => process.env.PATH;
