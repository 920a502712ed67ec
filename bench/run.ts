// `npm run bench [-- --quick] [--row NAME]`: measures us side by side with plain FFmpeg and others; what is measured in full is written to docs/bench.md. Started by bootstrap.mjs.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keepFinding } from './kept-findings.ts';
import { describeMachine, type Finding, isTrusted, printFinding } from './report.ts';
import { type Context, isMet, type Row } from './row.ts';
import { ARRIVAL_ROWS } from './rows/arrival.ts';
import { CHUNK_ROW } from './rows/chunks.ts';
import { FAILOVER_ROW } from './rows/failover.ts';
import { LADDER_ROWS } from './rows/ladder.ts';
import { LIVE_ROW } from './rows/live.ts';
import { OPERATION_ROWS } from './rows/operations.ts';
import { PLAYABLE_ROWS } from './rows/playable.ts';
import { SERVER_ROWS } from './rows/server.ts';
import { SERVING_ROWS } from './rows/serving.ts';
import { SUBMIT_ROW } from './rows/submit.ts';
import { UPLOAD_ROWS } from './rows/uploads.ts';
import { makeLongFilm, makeTinyFilm } from './sources.ts';

const ROWS: readonly Row[] = [
  ...LADDER_ROWS,
  CHUNK_ROW,
  ...SERVER_ROWS,
  SUBMIT_ROW,
  ...OPERATION_ROWS,
  LIVE_ROW,
  FAILOVER_ROW,
  ...UPLOAD_ROWS,
  ...PLAYABLE_ROWS,
  ...ARRIVAL_ROWS,
  ...SERVING_ROWS,
];
/** Rounds of 43 s: targets hold from a minute on. */
const ROUNDS = { full: 2, quick: 1 } as const;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, row: { type: 'string', multiple: true } },
  });
  const names = values.row ?? [];
  const unknown = names.find((name) => !ROWS.some((row) => row.name === name));
  if (unknown !== undefined || process.platform !== 'linux') {
    console.error(
      unknown === undefined
        ? 'The bench reads /proc: it runs on Linux.'
        : `There is no row ${unknown}; the rows are ${ROWS.map(({ name }) => name).join(', ')}`,
    );
    return 2;
  }
  const machine = await describeMachine();
  console.log(machine.join('\n'));
  const folder = await mkdtemp(join(tmpdir(), 'rendition-bench-'));
  try {
    const findings = await runRows(
      ROWS.filter(({ name }) => names.length === 0 || names.includes(name)),
      await prepare(folder, { quick: values.quick, rows: names.length > 0 ? names : ROWS.map(({ name }) => name) }),
      machine,
    );
    console.log(
      values.quick
        ? '\ndocs/bench.md is left as it is: quick runs say little.'
        : '\nWritten to docs/bench.md and docs/bench.json',
    );
    return judge(findings);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(folder: string, options: Pick<Context, 'quick' | 'rows'>): Promise<Context> {
  const film = await makeLongFilm(folder, options.quick ? ROUNDS.quick : ROUNDS.full);
  return { folder, ...options, film, tiny: await makeTinyFilm(folder) };
}

async function runRows(rows: readonly Row[], context: Context, machine: readonly string[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const row of rows) {
    const missing = row.missing?.() ?? false;
    if (missing !== false) {
      console.log(`\n${row.name}: not measured, ${missing}`);
      continue;
    }
    const finding = { row, result: await row.run(context), date: new Date().toISOString().slice(0, 10) };
    printFinding(finding);
    if (!context.quick) await keepFinding(finding, machine, ROWS);
    findings.push(finding);
  }
  return findings;
}

/** 1 where a target is missed on a quiet machine. */
function judge(findings: readonly Finding[]): number {
  const missed = findings.filter(({ row, result }) => !isMet(row, result.value));
  const noisy = findings.filter((finding) => !isTrusted(finding));
  if (noisy.length > 0)
    console.log(
      `\nOther programs were busy: ${noisy.map(({ row }) => row.name).join(', ')} should be measured again on a quiet machine.`,
    );
  if (missed.length > 0) console.log(`\nMissed: ${missed.map(({ row }) => row.name).join(', ')}`);
  return missed.some((finding) => isTrusted(finding)) ? 1 : 0;
}
