// Turns the bootstrap into the program it prepared: same standard streams, same process group, same exit code, the same end.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './places.mjs';

const FORWARDED = process.platform === 'win32' ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
const LOOK_MS = 250;

export async function handOver(node, [script, ...args]) {
  const path = join(ROOT, script);
  // Children of it must find the same Node.
  process.env.PATH = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
  if (node === process.execPath) {
    endWithShell(process);
    process.argv = [node, path, ...args];
    await import(pathToFileURL(path).href);
    return;
  }
  // The channel carries nothing: by its end the program hears that this process was killed (src/main.ts).
  const child = spawn(node, [path, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  endWithShell(child);
  // A terminal sends Ctrl-C to the whole group; whoever signals this process alone means the program.
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (...end) => resolve(end));
  });
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
}

/** npm hands a SIGTERM to the shell that it runs a script in, which dies of it and tells nobody: then the program has to end. */
function endWithShell({ pid }) {
  const shell = process.ppid;
  if (process.env.npm_lifecycle_event === undefined) return;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(pid, 'SIGTERM');
  }, LOOK_MS);
  timer.unref();
}
