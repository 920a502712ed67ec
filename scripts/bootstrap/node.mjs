// Brings Node 24 where the running one is older: npm's own `node` package, into the project's folder.
import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { read, withLock } from './lock.mjs';
import { NODE_FOLDER } from './places.mjs';
import { findProgram, runCaptured, runQuietly, say } from './run.mjs';
import { SetupError } from './setup-error.mjs';

const MAJOR = 24;
const VERSION = '24.21.0';
const OWN =
  process.platform === 'win32'
    ? join(NODE_FOLDER, 'node_modules', 'node', 'bin', 'node.exe')
    : join(NODE_FOLDER, 'node_modules', 'node', 'bin', 'node');
const STAMP = join(NODE_FOLDER, 'version');

/** The path of a Node ≥ 24. @throws SetupError where it can't be brought */
export async function ensureNode() {
  if (Number(process.versions.node.split('.')[0]) >= MAJOR) return process.execPath;
  if (read(STAMP) !== VERSION) await withLock(() => read(STAMP) === VERSION || bringNode());
  return OWN;
}

async function bringNode() {
  say(`bringing Node ${VERSION} (this is ${process.versions.node})`);
  rmSync(join(NODE_FOLDER, 'node_modules'), { recursive: true, force: true });
  mkdirSync(NODE_FOLDER, { recursive: true });
  // The package's own script fetches the binary of this machine; npm 11 wants that allowed.
  writeFileSync(join(NODE_FOLDER, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }));
  const failure = `Node ${VERSION} could not be brought by npm; install Node ${MAJOR} yourself (https://nodejs.org)`;
  await runQuietly(
    process.execPath,
    [
      findNpm(),
      'install',
      '--prefix',
      NODE_FOLDER,
      '--no-save',
      '--ignore-scripts=false',
      '--no-audit',
      '--no-fund',
      `node@${VERSION}`,
    ],
    {
      failure,
      env: npmEnvironment(process.execPath),
      cwd: NODE_FOLDER,
    },
  );
  const { output } = await runCaptured(OWN, ['--version']);
  if (output.trim() !== `v${VERSION}`) throw new SetupError(`${failure}\n${output.trim()}`);
  writeFileSync(STAMP, VERSION);
}

/** npm's own JavaScript, to be run under the Node of our choice. */
export function findNpm() {
  const above = dirname(dirname(realpathSync(process.execPath)));
  const onPath = findProgram('npm');
  const candidates = [
    process.env.npm_execpath,
    onPath && realpathSync(onPath),
    join(above, 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(dirname(realpathSync(process.execPath)), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const found = candidates.find((path) => path?.endsWith('npm-cli.js') && read(path) !== undefined);
  if (!found) throw new SetupError('npm is missing; install it together with Node 20 or newer');
  return found;
}

/** The environment of an npm of our own: the settings of an npm around us stay, what it says of its run does not. */
export function npmEnvironment(node) {
  const about =
    /^npm_(package|lifecycle|command|node_execpath|execpath|config_(local_prefix|prefix|global_prefix|npm_version|user_agent|node_gyp|noproxy)$)/;
  const kept = Object.entries(process.env).filter(
    ([name]) => !about.test(name) && name !== 'INIT_CWD' && name !== 'NODE_ENV',
  );
  return { ...Object.fromEntries(kept), PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
}
