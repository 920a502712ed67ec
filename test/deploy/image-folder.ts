// The image without Docker: what its COPY instructions bring, laid out in a folder, beside the packages that `npm ci --omit=dev`
// installs. Programs started there fail where the image's would: by a file or package that is not in it. Used by the tests of this folder.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ROOT, read } from './deploy-files.ts';

export type Instruction = { readonly name: string; readonly args: string };

/** A stage is a FROM and what follows it. Continued lines are joined. */
export function stages(): Instruction[][] {
  const lines = read('deploy/Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const found: Instruction[][] = [];
  for (const line of lines) {
    const [, name = '', args = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === '') throw new Error(`deploy/Dockerfile: ${line}`);
    if (name === 'FROM') found.push([]);
    found.at(-1)?.push({ name, args });
  }
  return found;
}

export type Copy = { readonly from: string | null; readonly sources: readonly string[]; readonly target: string };

export function copies(stage: readonly Instruction[]): Copy[] {
  return stage
    .filter(({ name }) => name === 'COPY')
    .map(({ args }) => {
      const words = args.split(' ').filter((word) => !word.startsWith('--'));
      return {
        from: /--from=(\S+)/.exec(args)?.[1] ?? null,
        sources: words.slice(0, -1),
        target: words.at(-1) ?? '',
      };
    });
}

/** Whether .dockerignore lets a path into the build: its last matching rule counts, also one for a folder above. */
export function isInContext(path: string): boolean {
  const above = path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
  return read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .reduce((isIn, line) => {
      // Docker's * also matches a leading dot, and no slash.
      const rule = new RegExp(`^${line.replace(/^!/, '').replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`);
      return above.some((one) => rule.test(one)) ? line.startsWith('!') : isIn;
    }, true);
}

/** Packages of the lock that are installed without the dev dependencies, at the top of node_modules. */
function productionPackages(): string[] {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { dev?: boolean }> };
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true && path.lastIndexOf('node_modules') === 0)
    .map(([path]) => path)
    .filter((path) => existsSync(join(ROOT, path)));
}

/** Makes the folder /app of the image somewhere else. */
export function makeImageFolder(): { readonly app: string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'rendition-image-'));
  const app = join(root, 'app');
  const last = stages().at(-1) ?? [];
  for (const { sources, target } of copies(last).filter(({ from }) => from === null)) {
    for (const source of sources) {
      // Into a folder under its own name where the target ends with a slash, else as the target.
      const path = target.endsWith('/') ? join(app, target, basename(source)) : join(app, target);
      cpSync(join(ROOT, source), path, { recursive: true });
    }
  }
  for (const path of productionPackages()) {
    mkdirSync(dirname(join(app, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(app, path));
  }
  return { app, remove: () => rmSync(root, { recursive: true, force: true }) };
}
