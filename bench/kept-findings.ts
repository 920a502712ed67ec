// The newest finding of each row, kept in docs/bench.json, of which docs/bench.md is made: a row that is measured again replaces its own. Used by run.ts.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isNodeError } from '#domain/error.ts';
import { type Finding, writeReport } from './report.ts';
import type { Result, Row } from './row.ts';

const FOLDER = join(import.meta.dirname, '../docs');
const KEPT = join(FOLDER, 'bench.json');
const REPORT = join(FOLDER, 'bench.md');

type Kept = {
  /** Figures of two machines do not stand in one table: with another one it begins anew. */
  readonly machine: readonly string[];
  readonly rows: Readonly<Record<string, { readonly date: string; readonly result: Result }>>;
};

/** Keeps a finding and writes the report anew. @param rows all there are, in the order they are shown in */
export async function keepFinding({ row, result, date }: Finding, machine: readonly string[], rows: readonly Row[]) {
  const before = await readKept();
  const others = before && before.machine.join() === machine.join() ? before.rows : {};
  const kept: Kept = { machine, rows: { ...others, [row.name]: { date, result } } };
  await writeFile(KEPT, `${JSON.stringify(kept, null, 1)}\n`);
  const findings = rows.flatMap((one) => {
    const found = kept.rows[one.name];
    return found ? [{ row: one, ...found }] : [];
  });
  await writeFile(REPORT, writeReport(findings, machine));
}

async function readKept(): Promise<Kept | null> {
  try {
    return JSON.parse(await readFile(KEPT, 'utf8')) as Kept;
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return null;
    throw error;
  }
}
