// What a row of the bench is. The rows lie in rows/, run.ts runs them, report.ts shows them.
import type { Source } from './sources.ts';

export type Context = {
  /** Empty folder of this run. */
  readonly folder: string;
  readonly film: Source;
  readonly tiny: Source;
  readonly quick: boolean;
  /** Names of the rows that are wanted: rows that share a measurement measure only what these need. */
  readonly rows: readonly string[];
};

export type Series = {
  readonly name: string;
  readonly unit: 'ms' | 's' | 'CPU s' | 'MB';
  readonly values: readonly number[];
};

export type Result = {
  /** What is held against the target. */
  readonly value: number;
  readonly series: readonly Series[];
  /** Cores that other programs kept busy meanwhile, on average. */
  readonly foreign: number;
  /** The raw commands of the other side. */
  readonly commands: readonly string[];
  readonly source: string;
  readonly remarks: readonly string[];
};

export type Row = {
  /** For `--row`. */
  readonly name: string;
  readonly title: string;
  readonly target: { readonly atMost: number } | { readonly atLeast: number };
  readonly unit: '×' | 's' | 'MB';
  /** Why it cannot be measured here; false where it can. */
  readonly missing?: () => string | false;
  readonly run: (context: Context) => Promise<Result>;
};

export function isMet({ target }: Row, value: number): boolean {
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}
