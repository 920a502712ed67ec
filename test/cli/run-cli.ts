// Runs the program as its users do: as a process of its own. Used by the tests of this room.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');

export type Started = {
  readonly child: ChildProcess;
  readonly output: { out: string; err: string };
  readonly ended: Promise<number | null>;
};
export type RunOptions = { readonly env?: Record<string, string>; readonly cwd?: string; readonly isGroup?: boolean };

export const start = (args: readonly string[], options: RunOptions = {}): Started =>
  startProgram(process.execPath, [MAIN, ...args], options);

export function startProgram(
  program: string,
  args: readonly string[],
  { env = {}, cwd, isGroup = false }: RunOptions,
): Started {
  // Nothing of the surroundings but where programs lie: settings come from the test alone.
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    detached: isGroup,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const output = { out: '', err: '' };
  child.stdout.on('data', (bytes) => {
    output.out += String(bytes);
  });
  child.stderr.on('data', (bytes) => {
    output.err += String(bytes);
  });
  return { child, output, ended: once(child, 'close').then(([code]) => code as number | null) };
}

export async function run(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const { output, ended } = start(args, options);
  const code = await ended;
  return { code, ...output };
}

/** Resolves when the pattern stands in what was written so far. @throws when the program ends before */
export async function said(started: Started, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = pattern.exec(started.output.out) ?? pattern.exec(started.output.err);
    if (found) return found;
    const over = await Promise.race([
      started.ended.then(() => true),
      once(started.child.stdout ?? started.child, 'data').then(() => false),
      once(started.child.stderr ?? started.child, 'data').then(() => false),
    ]);
    const last = pattern.exec(started.output.out) ?? pattern.exec(started.output.err);
    if (over && !last)
      throw new Error(`It ended without saying ${pattern}: ${started.output.out}${started.output.err}`);
  }
}
