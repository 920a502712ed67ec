// Makes a fresh checkout ready and hands over to it: `npm start`, `npm test`, `npm run bench` and bin/rendition begin here.
// Plain JavaScript for any Node ≥ 20, without dependencies: nothing is installed yet when it runs.
import { ensureDashboard } from './bootstrap/dashboard.mjs';
import { ensureDependencies } from './bootstrap/dependencies.mjs';
import { ensureFfmpeg } from './bootstrap/ffmpeg.mjs';
import { handOver } from './bootstrap/hand-over.mjs';
import { ensureNode } from './bootstrap/node.mjs';
import { SetupError } from './bootstrap/setup-error.mjs';
import { ensureTestServers } from './bootstrap/test-servers.mjs';

/** What each command runs, and what must be there first. A command that is not named is one of the CLI that needs neither. */
const COMMANDS = {
  serve: { ffmpeg: true, dashboard: true },
  work: { ffmpeg: true },
  live: { ffmpeg: true },
  encode: { ffmpeg: true },
  plan: { ffmpeg: true },
  bench: { ffmpeg: true, script: 'bench/run.ts' },
  soak: { ffmpeg: true, script: 'scripts/soak.ts' },
  test: { ffmpeg: true, dashboard: true, servers: true, script: 'scripts/test.ts' },
  docs: { script: 'scripts/generate-docs.ts' },
  'test:operations': { ffmpeg: true, script: 'test/operations/run.ts' },
  'test:corpus': { ffmpeg: true, dashboard: true, servers: true, script: 'test/corpus/run.ts' },
};

/** `--prepare` makes ready and prints the Node to run with: bin/rendition then turns into it. */
async function main([first, ...rest]) {
  const preparing = first === '--prepare';
  const [name = 'help', ...args] = preparing ? rest : [first, ...rest];
  const command = COMMANDS[name] ?? {};
  const node = await ensureNode();
  await ensureDependencies(node);
  if (command.ffmpeg) await ensureFfmpeg();
  if (command.dashboard) await ensureDashboard(node);
  if (command.servers) await ensureTestServers();
  if (preparing) process.stdout.write(`${node}\n`);
  else if (command.script) await handOver(node, [command.script, ...args]);
  else await handOver(node, ['src/main.ts', name, ...args]);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  // A failure of the machine is one line and what the failing program said; a defect of ours shows where it is.
  console.error(error instanceof SetupError ? `rendition: ${error.message}` : error);
  process.exitCode = 1;
}
