// Rows of the ladder: our whole job beside the best single command, and beside one process for each rendition. They share one measurement.
import { mkdir } from 'node:fs/promises';
import { type RenditionServer, startRendition } from '../../test/kit/rendition-server.ts';
import { naiveCommands, readLadder, runCommands, shellLine, singleCommand } from '../baseline.ts';
import { runJob } from '../jobs.ts';
import { measure, median, type Sample } from '../meter.ts';
import type { Context, Result, Row } from '../row.ts';

/** What is measured in turns: the two ways by hand, and our whole job with and without the source as its top rendition. */
const SIDES = ['single', 'naive', 'encoded', 'standard'] as const;
type SideName = (typeof SIDES)[number];
const TITLES: Readonly<Record<SideName, string>> = {
  single: 'single command',
  naive: 'one process per rendition',
  encoded: 'our job',
  standard: 'our job, top rendition copied',
};
/** The sides a row compares: numerator and denominator. */
const COMPARED: Readonly<Record<string, readonly [SideName, SideName]>> = {
  job: ['encoded', 'single'],
  naive: ['naive', 'encoded'],
  standard: ['naive', 'standard'],
};

type Measured = {
  readonly samples: Readonly<Record<SideName, readonly Sample[]>>;
  readonly commands: Partial<Record<SideName, readonly string[]>>;
};

const measured = new WeakMap<Context, Promise<Measured>>();

function measureOnce(context: Context): Promise<Measured> {
  const known = measured.get(context) ?? measureSides(context);
  measured.set(context, known);
  return known;
}

async function measureSides(context: Context): Promise<Measured> {
  const { folder, film, quick, rows } = context;
  const ladder = await readLadder(film.path);
  const raw = `${folder}/raw`;
  await mkdir(raw, { recursive: true });
  const commands = { single: [singleCommand(ladder, raw)], naive: naiveCommands(ladder, raw) };
  // The commands by hand are not niced either: foreign load falls on all alike.
  await using server = await startRendition({ settings: { FILE_ROOTS: folder, CHILD_NICENESS: '0' } });
  const sides: Readonly<Record<SideName, () => Promise<Sample>>> = {
    single: () => measure(null, () => runCommands(commands.single, raw)),
    naive: () => measure(null, () => runCommands(commands.naive, raw)),
    encoded: () => measureJob(server, film.path, 'never'),
    standard: () => measureJob(server, film.path, 'auto'),
  };
  const wanted = new Set(rows.flatMap((row) => COMPARED[row] ?? []));
  const samples: Record<SideName, Sample[]> = { single: [], naive: [], encoded: [], standard: [] };
  // In turns, A B A B: whatever else the machine does falls on all of them.
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const side of SIDES) if (wanted.has(side)) samples[side].push(await sides[side]());
  }
  return { samples, commands: { single: commands.single.map(shellLine), naive: commands.naive.map(shellLine) } };
}

async function measureJob(server: RenditionServer, path: string, passthrough: 'never' | 'auto'): Promise<Sample> {
  let wall = 0;
  const sample = await measure(server.pid, async () => {
    wall = await runJob(server.url, path, { container: 'hls', passthrough });
  });
  return { ...sample, wall };
}

async function compare(context: Context, name: string): Promise<Result> {
  const { samples, commands } = await measureOnce(context);
  const [over = 'encoded', under = 'single'] = COMPARED[name] ?? [];
  const pairs = samples[over].map((sample, round) => [sample, samples[under][round]] as const);
  const ratio = (of: (sample: Sample) => number) => median(pairs.map(([a, b]) => of(a) / (b ? of(b) : Number.NaN)));
  const all = [...samples[over], ...samples[under]];
  return {
    value: ratio(({ wall }) => wall),
    series: [over, under].flatMap((side) => [
      { name: TITLES[side], unit: 's', values: samples[side].map(({ wall }) => wall) },
      { name: TITLES[side], unit: 'CPU s', values: samples[side].map(({ cpu }) => cpu) },
    ]),
    foreign: all.reduce((sum, one) => sum + one.foreign * one.wall, 0) / all.reduce((sum, one) => sum + one.wall, 0),
    commands: [over, under].flatMap((side) => commands[side] ?? []),
    source: context.film.about,
    remarks: [`the same of CPU time: ${ratio(({ cpu }) => cpu).toFixed(3)}×`],
  };
}

export const LADDER_ROWS: readonly Row[] = [
  {
    name: 'job',
    title:
      'Whole job (probe, first light, poster, storyboard, playlists) ÷ best single FFmpeg command for the same ladder',
    target: { atMost: 1.05 },
    unit: '×',
    run: (context) => compare(context, 'job'),
  },
  {
    name: 'naive',
    title: 'One process per rendition ÷ our whole job, both encoding everything',
    target: { atLeast: 1.25 },
    unit: '×',
    run: (context) => compare(context, 'naive'),
  },
  {
    name: 'standard',
    title: 'One process per rendition ÷ our whole job of a standard source, whose own stream is the top rendition',
    target: { atLeast: 2 },
    unit: '×',
    run: (context) => compare(context, 'standard'),
  },
];
