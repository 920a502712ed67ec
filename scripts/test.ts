// `npm test`: types, lint, then every test. With arguments only the test files, folders or patterns they name. Started by bootstrap.mjs.
import { spawn } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sharedServer } from '../test/kit/postgres.ts';
import { startSwiftOfRun, swiftMissing } from '../test/kit/swift.ts';

const ROOT = resolve(import.meta.dirname, '..');
const CONCURRENCY = 2;
/** Milliseconds after which a test file has hung. */
const TEST_TIMEOUT = 12 * 60_000;

const wanted = process.argv.slice(2);

process.exitCode = await main();

/** The exit code of the first step that fails, or 0. */
async function main(): Promise<number> {
  const bin = (name: string) => join(ROOT, 'node_modules', name);
  if (wanted.length === 0) {
    // The cheap ones first: what does not type-check need not be tried for minutes.
    const failed =
      (await step('types', [bin('typescript/bin/tsc'), '--noEmit', '-p', '.'])) ||
      (await step('lint', [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']));
    if (failed) return failed;
  }
  const files = findFiles();
  if (files.length === 0) {
    console.error(`No test file matches ${wanted.join(' ') || 'test/**/*.test.ts'}`);
    return 1;
  }
  // Held for the whole run, so that they are not started and stopped for every file.
  const database = await sharedServer();
  const bucketServer = wanted.length === 0 && swiftMissing() === false ? await startSwiftOfRun() : undefined;
  try {
    const options = [`--test-concurrency=${CONCURRENCY}`, `--test-timeout=${TEST_TIMEOUT}`];
    return await step(`${files.length} test files`, ['--test', ...options, ...files], bucketServer?.settings);
  } finally {
    await bucketServer?.stop();
    await database.close();
  }
}

function findFiles(): string[] {
  const patterns = wanted.length > 0 ? wanted : ['test'];
  const found = patterns.flatMap((pattern) =>
    globSync(isFolder(pattern) ? join(pattern, '**/*.test.ts') : pattern, { cwd: ROOT }),
  );
  return [...new Set(found)].sort();
}

function isFolder(path: string): boolean {
  return statSync(join(ROOT, path), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function step(name: string, args: readonly string[], settings = {}): Promise<number> {
  console.log(`── ${name}`);
  return new Promise((settle, reject) => {
    // Every test file is a process that loads the house: compiled once, it takes two thirds of the time.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(ROOT, '.node', 'compile-cache'), ...settings };
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    process.on('SIGINT', forward).on('SIGTERM', forward);
    child.once('error', reject);
    child.once('exit', (code) => {
      process.off('SIGINT', forward).off('SIGTERM', forward);
      settle(code ?? 1);
    });
  });
}
