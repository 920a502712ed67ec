// Runs the programs of a setup step: quiet when it goes well, with all they said when it does not. Used by every step.
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/** Says on standard error what takes time: standard output belongs to the command. */
export const say = (line) => process.stderr.write(`rendition: ${line}\n`);

/** @throws SetupError with `failure` and the output when the program fails or is not there */
export async function runQuietly(program, args, { failure, env, cwd = ROOT }) {
  const { code, output } = await runCaptured(program, args, { env, cwd });
  if (code !== 0) throw new SetupError(`${failure}\n${output.trimEnd()}`);
  return output;
}

export function runCaptured(program, args, { env = process.env, cwd = ROOT } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    let output = '';
    const collect = (bytes) => {
      output = (output + bytes).slice(-100_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code, signal) =>
      resolve({ code: code ?? 1, output: signal ? `${output}\nended by ${signal}` : output }),
    );
  });
}

/** The path of a program: a path as it is, a name looked for in PATH; undefined where there is none. */
export function findProgram(name, path = process.env.PATH ?? '') {
  const endings = process.platform === 'win32' ? ['', '.exe', '.cmd'] : [''];
  const folders = /[\\/]/.test(name) ? [''] : path.split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    for (const ending of endings) {
      const candidate = folder === '' ? name + ending : join(folder, name + ending);
      if (isProgram(candidate)) return candidate;
    }
  }
  return undefined;
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
