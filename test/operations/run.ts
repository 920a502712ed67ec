// The matrix of operations: every one with every input and output format, each result decoded and compared; writes docs/operations-matrix.md. `npm run test:operations`.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { openMadeMedia } from '../media/made-media.ts';
import { CASES, type Case } from './cases.ts';
import { openConverter } from './conversion.ts';
import { CORPUS, corpusCases } from './corpus-cases.ts';
import { caseName, type Row, renderReport, rowLine } from './report.ts';
import { runCase } from './run-case.ts';

const ROOT = join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    /** Only cases whose name contains this. */
    only: { type: 'string', default: '' },
    /** Rows of this file are taken over, and new ones put there: the matrix can be run in parts. */
    rows: { type: 'string', default: '' },
    /** Stops taking new cases after so many seconds. */
    seconds: { type: 'string', default: '100000' },
  },
});

const ALL = [...CASES, ...corpusCases()];

process.exitCode = await run();

async function run(): Promise<number> {
  // What went wrong is tried anew.
  const known = new Map((await readRows()).filter(({ misses }) => misses.length === 0).map((row) => [row.name, row]));
  const wanted = ALL.filter((one) => caseName(one).includes(values.only) && !known.has(caseName(one)));
  const rows = () => ALL.map((one) => known.get(caseName(one))).filter((row) => row !== undefined);
  await runAll(wanted, async (row) => {
    console.log(rowLine(row));
    known.set(row.name, row);
    await saveRows(rows());
  });
  const wrong = rows().filter((row) => row.misses.length > 0);
  console.log(`${rows().length - wrong.length} of ${rows().length} as they must be; ${ALL.length} in all`);
  if (rows().length === ALL.length) await writeFile(join(ROOT, 'docs/operations-matrix.md'), renderReport(rows()));
  return wrong.length > 0 ? 1 : 0;
}

async function saveRows(rows: readonly Row[]): Promise<void> {
  if (values.rows === '') return;
  await mkdir(dirname(values.rows), { recursive: true });
  await writeFile(values.rows, JSON.stringify(rows));
}

async function readRows(): Promise<Row[]> {
  if (values.rows === '' || !existsSync(values.rows)) return [];
  return JSON.parse(await readFile(values.rows, 'utf8')) as Row[];
}

async function runAll(cases: readonly Case[], done: (row: Row) => Promise<void>): Promise<void> {
  if (cases.length === 0) return;
  await using media = await openMadeMedia();
  await using converter = await openConverter([media.folder, CORPUS]);
  const until = performance.now() + Number(values.seconds) * 1000;
  for (const one of cases) {
    if (performance.now() > until) break;
    await done(await runCase({ media, converter }, one));
  }
}
