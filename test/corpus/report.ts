// The tables of the corpus matrix: lines for the terminal, and docs/corpus.md. Used by run.ts.
import { basename } from 'node:path';
import type { Checked } from './check-output.ts';
import { megabytes, type Row } from './matrix.ts';

/** One line while the matrix runs. */
export function rowLine(row: Row): string {
  const mark = row.misses.length === 0 ? 'ok  ' : 'MISS';
  const result = row.status === 'completed' ? 'completed' : `${row.status}: ${row.message}`;
  const lines = row.misses.map((miss) => `       - ${miss}`);
  return [`${mark} ${basename(row.file)}  ${row.seconds.toFixed(1)} s  ${result}`, ...lines].join('\n');
}

export type Report = {
  readonly torture: readonly Row[];
  readonly broken: readonly Row[];
  /** `5.1.9-0+deb12u1` */
  readonly ffmpeg: string;
};

/** docs/corpus.md */
export function renderReport({ torture, broken, ffmpeg }: Report): string {
  const right = (rows: readonly Row[]) => rows.filter((row) => row.misses.length === 0).length;
  return `${[
    '# The corpus: odd and broken files, and what becomes of them',
    '',
    '<!-- Written by `npm run test:corpus`; do not edit. -->',
    '',
    `Every file goes through the running server (defaults of a new installation, FFmpeg ${ffmpeg}) as an HLS stream and as an MP4. What comes out is decoded by FFmpeg and`,
    'held against FFmpeg’s own default decode of the source: size and orientation (SSIM at eight moments), colours, duration ±0.1 s, one gap between all frames, even sizes,',
    'SDR 8-bit 4:2:0, sound present and in step (±20 ms by its loudness over time). Then Chromium plays the stream through hls.js: a second of playing, a seek, a change of quality.',
    'Memory is the private memory of the server and its children together at its peak.',
    'The checks are themselves tested with files that are wrong on purpose (`test/corpus/check-output.test.ts`).',
    '',
    `## Odd but decodable: ${right(torture)} of ${torture.length} as they must be`,
    '',
    '| file | what is odd | stream | MP4 | in Chromium | memory | s |',
    '|---|---|---|---|---|---|---|',
    ...torture.map(tortureRow),
    '',
    `## Broken: ${right(broken)} of ${broken.length} as they must be`,
    '',
    'Each must fail with a code that says what is wrong, in bounded time and memory, or come out as far as it can be read; the server stays up.',
    '',
    '| file | result | what the user is told, or what came out | memory | s |',
    '|---|---|---|---|---|',
    ...broken.map(brokenRow),
    ...missed([...torture, ...broken]),
  ].join('\n')}\n`;
}

function tortureRow(row: Row): string {
  const name = basename(row.file) + (row.asked ? ` (${row.asked})` : '');
  const odd = row.findings.join(', ') || '—';
  if (row.status !== 'completed')
    return cells([
      name,
      odd,
      `${verdict(row)}**${row.status}**: ${row.message}`,
      '—',
      '—',
      megabytes(row.memory.total),
      row.seconds.toFixed(1),
    ]);
  const mp4 = [part(row.mp4), ...(row.pictures ? [part(row.pictures)] : [])].join('; ');
  return cells([
    name,
    odd,
    part(row.stream),
    mp4,
    part(row.playback),
    megabytes(row.memory.total),
    row.seconds.toFixed(1),
  ]);
}

function brokenRow(row: Row): string {
  const told =
    row.status === 'completed' ? [part(row.stream), part(row.mp4), part(row.playback)].join('; ') : row.message;
  return cells([
    basename(row.file),
    `${verdict(row)}**${row.status}**`,
    told,
    megabytes(row.memory.total),
    row.seconds.toFixed(1),
  ]);
}

const verdict = (row: Row): string => (row.misses.length === 0 ? '' : '✗ ');

function part(checked: Checked | null): string {
  if (!checked) return '—';
  return checked.misses.length > 0 ? `✗ ${checked.misses.join('; ')}` : `✓ ${checked.notes.join(', ')}`;
}

const cells = (values: readonly string[]): string =>
  `| ${values.map((value) => value.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

function missed(rows: readonly Row[]): string[] {
  const wrong = rows.filter((row) => row.misses.length > 0);
  if (wrong.length === 0) return [];
  return ['', '## Misses', '', ...wrong.flatMap((row) => row.misses.map((miss) => `* ${basename(row.file)}: ${miss}`))];
}
