// Builds the dashboard when what it is made of changed since.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { read, withLock } from './lock.mjs';
import { ROOT } from './places.mjs';
import { runQuietly, say } from './run.mjs';

const FOLDER = join(ROOT, 'dashboard');
const STAMP = join(FOLDER, 'dist', '.built-from');

export async function ensureDashboard(node) {
  if (!existsSync(join(FOLDER, 'index.html'))) return;
  const wanted = fingerprint();
  if (read(STAMP) === wanted) return;
  await withLock(async () => {
    if (read(STAMP) === wanted) return;
    say('building the dashboard');
    await runQuietly(node, [join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'], {
      failure: 'the dashboard could not be built:',
      cwd: FOLDER,
    });
    mkdirSync(join(FOLDER, 'dist'), { recursive: true });
    writeFileSync(STAMP, wanted);
  });
}

/** Names, sizes and times of all it is made of, the typed client included. */
function fingerprint() {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json')));
  for (const folder of [FOLDER, join(ROOT, 'client')]) {
    for (const entry of existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : []) {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      if (!entry.isFile() || /[\\/](dist|node_modules)[\\/]/.test(path.slice(ROOT.length))) continue;
      const { size, mtimeMs } = statSync(path);
      hash.update(`${path.slice(ROOT.length)} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}
