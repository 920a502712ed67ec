// Shows what the rows found: on the terminal and as docs/bench.md. Used by run.ts.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { runTool } from '../test/kit/decode.ts';
import { median } from './meter.ts';
import { isMet, type Result, type Row, type Series } from './row.ts';

/** Cores of foreign load above which a figure says little. */
const TRUSTED_LOAD = 0.15;

export type Finding = {
  readonly row: Row;
  readonly result: Result;
  /** the day it was measured on */
  readonly date: string;
};

export const isTrusted = ({ result }: Finding): boolean => result.foreign <= TRUSTED_LOAD;

export async function describeMachine(): Promise<string[]> {
  const { stdout } = await runTool('ffmpeg', ['-hide_banner', '-version']);
  const ffmpeg = /ffmpeg version (\S+)/.exec(stdout.toString())?.[1] ?? 'unknown';
  const system = /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  return [
    `${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${system}`,
    `FFmpeg ${ffmpeg}, Node ${process.versions.node}`,
  ];
}

const figure = (value: number, unit: Row['unit'] | Series['unit']): string =>
  unit === '×' ? `${value.toFixed(3)}×` : `${value.toFixed(DIGITS[unit])} ${unit}`;
const DIGITS = { MB: 0, ms: 1, s: 2, 'CPU s': 2 } as const;

const targetOf = ({ target, unit }: Row): string =>
  'atMost' in target ? `≤ ${figureOfTarget(target.atMost, unit)}` : `≥ ${figureOfTarget(target.atLeast, unit)}`;
const figureOfTarget = (value: number, unit: Row['unit']): string => `${value}${unit === '×' ? '×' : ` ${unit}`}`;

const verdict = (finding: Finding): string => {
  const met = isMet(finding.row, finding.result.value) ? 'met' : 'MISSED';
  return isTrusted(finding)
    ? met
    : `${met}, but not to be trusted: ${finding.result.foreign.toFixed(2)} cores of foreign load`;
};

export function printFinding(finding: Finding): void {
  const { row, result } = finding;
  console.log(`\n${row.name}: ${row.title}`);
  console.log(`  ${figure(result.value, row.unit)} (${targetOf(row)}): ${verdict(finding)}`);
  console.log(`  source: ${result.source}`);
  for (const series of result.series) console.log(`  ${seriesLine(series)}`);
  for (const remark of result.remarks) console.log(`  ${remark}`);
  for (const command of result.commands) console.log(`  $ ${command}`);
}

const seriesLine = ({ name, unit, values }: Series): string =>
  `${name}: ${figure(median(values), unit)}${values.length > 1 ? ` (${values.map((value) => value.toFixed(DIGITS[unit])).join(', ')})` : ''}`;

/** docs/bench.md */
export function writeReport(findings: readonly Finding[], machine: readonly string[]): string {
  return [
    '# Bench',
    '',
    'Written by `npm run bench`. Every ratio is measured side by side in one run, in turns (A B A B); figures are medians, single values in brackets.',
    '',
    ...machine.map((line) => `- ${line}`),
    '',
    '| what | figure | target | | measured |',
    '| --- | --- | --- | --- | --- |',
    ...findings.map(
      (finding) =>
        `| ${finding.row.title} | ${figure(finding.result.value, finding.row.unit)} | ${targetOf(finding.row)} | ${verdict(finding)} | ${finding.date} |`,
    ),
    ...findings.flatMap(({ row, result }) => [
      '',
      `## ${row.name}`,
      '',
      `${row.title}. Source: ${result.source}. Foreign load: ${result.foreign.toFixed(2)} cores.`,
      '',
      ...result.series.map((series) => `- ${seriesLine(series)}`),
      ...result.remarks.map((remark) => `- ${remark}`),
      ...(result.commands.length > 0 ? ['', '```sh', ...result.commands, '```'] : []),
    ]),
    '',
  ].join('\n');
}
