// The table of the matrix of operations: lines for the terminal, and docs/operations-matrix.md. Used by run.ts.
import type { Case } from './cases.ts';

export type Row = {
  readonly name: string;
  readonly operation: string;
  readonly source: string;
  readonly format: string;
  readonly parameters: string;
  readonly seconds: number;
  readonly notes: readonly string[];
  readonly misses: readonly string[];
};

export const caseName = ({ operation, source, parameters, format }: Case): string =>
  `${operation} ${source} → ${format} ${JSON.stringify(parameters)}`;

export function rowLine({ name, seconds, notes, misses }: Row): string {
  const mark = misses.length === 0 ? 'ok  ' : 'MISS';
  return [
    `${mark} ${name}  ${seconds.toFixed(1)} s  ${notes.join(', ')}`,
    ...misses.map((miss) => `       - ${miss}`),
  ].join('\n');
}

/** docs/operations-matrix.md */
export function renderReport(rows: readonly Row[]): string {
  const right = rows.filter(({ misses }) => misses.length === 0).length;
  const operations = [...new Set(rows.map(({ operation }) => operation))];
  return `${[
    '# The operations: every input in every output',
    '',
    '<!-- Written by `npm run test:operations`; do not edit. -->',
    '',
    `${right} of ${rows.length} conversions are as they must be. Each runs as the API runs it; the result is decoded by FFmpeg or the image library and held against the source: pictures by SSIM at up to`,
    'eight moments and by their mean colour, sound by its loudness over time (step and correlation r), lengths to a tenth of a second, sizes, channels and sample rates exactly. Sources are small and made anew for each run, so that the seconds say little.',
    '',
    ...operations.flatMap((operation) =>
      section(
        operation,
        rows.filter((row) => row.operation === operation),
      ),
    ),
  ].join('\n')}\n`;
}

function section(operation: string, rows: readonly Row[]): string[] {
  const right = rows.filter(({ misses }) => misses.length === 0).length;
  return [
    `## ${operation}: ${right} of ${rows.length}`,
    '',
    '| source | result | parameters | what was seen | s |',
    '|---|---|---|---|---|',
    ...rows.map(rowCells),
    '',
  ];
}

function rowCells({ source, format, parameters, notes, misses, seconds }: Row): string {
  const seen = misses.length > 0 ? `✗ ${misses.join('; ')}` : `✓ ${notes.join(', ')}`;
  const cells = [source, format, `\`${parameters}\``, seen, seconds.toFixed(1)];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}
