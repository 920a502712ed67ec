// Rows of the ladder: our whole job beside the best single command, and beside one process for each rendition.
import { mkdir } from 'node:fs/promises';
import { startRendition } from '../../test/kit/rendition-server.ts';
import { naiveCommands, readLadder, runCommands, shellLine, singleCommand } from '../baseline.ts';
import { runJob } from '../jobs.ts';
import { measure, median, type Sample } from '../meter.ts';
import type { Context, Result, Row } from '../row.ts';

type Side = { readonly name: string; readonly run: () => Promise<Sample> };

/** Measures sides in turns, A B A B, so that whatever else the machine does falls on both. */
async function inTurns<T extends readonly Side[]>(sides: T, rounds: number): Promise<Sample[][]> {
  const samples: Sample[][] = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, side] of sides.entries()) samples[i]?.push(await side.run());
  }
  return samples;
}

type Comparison = {
  readonly commands: readonly (readonly string[])[];
  readonly passthrough: 'never' | 'auto';
  readonly rounds: number;
  /** Ours ÷ theirs, or theirs ÷ ours. */
  readonly ratio: 'ours' | 'theirs';
};

async function compare(
  { folder, film }: Context,
  { commands, passthrough, rounds, ratio }: Comparison,
): Promise<Result> {
  await mkdir(`${folder}/raw`, { recursive: true });
  // The raw command is not niced either: foreign load falls on both alike.
  await using server = await startRendition({ settings: { FILE_ROOTS: folder, CHILD_NICENESS: '0' } });
  let jobSeconds = 0;
  const [theirs = [], ours = []] = await inTurns(
    [
      { name: 'raw', run: () => measure(null, () => runCommands(commands, `${folder}/raw`)) },
      {
        name: 'ours',
        run: async () => {
          const sample = await measure(server.pid, async () => {
            jobSeconds = await runJob(server.url, film.path, { container: 'hls', passthrough });
          });
          return { ...sample, wall: jobSeconds };
        },
      },
    ],
    rounds,
  );
  const ratios = theirs.map(({ wall }, i) => {
    const own = ours[i]?.wall ?? Number.NaN;
    return ratio === 'ours' ? own / wall : wall / own;
  });
  const cpu = median(ours.map((one) => one.cpu)) / median(theirs.map((one) => one.cpu));
  const all = [...theirs, ...ours];
  return {
    value: median(ratios),
    series: [
      { name: 'raw', unit: 's', values: theirs.map(({ wall }) => wall) },
      { name: 'ours', unit: 's', values: ours.map(({ wall }) => wall) },
      { name: 'raw', unit: 'CPU s', values: theirs.map((one) => one.cpu) },
      { name: 'ours', unit: 'CPU s', values: ours.map((one) => one.cpu) },
    ],
    foreign: all.reduce((sum, one) => sum + one.foreign * one.wall, 0) / all.reduce((sum, one) => sum + one.wall, 0),
    commands: commands.map(shellLine),
    source: film.about,
    remarks: [`CPU ours ÷ raw ${cpu.toFixed(3)}`],
  };
}

const rounds = ({ quick }: Context): number => (quick ? 1 : 3);

export const LADDER_ROWS: readonly Row[] = [
  {
    name: 'job',
    title:
      'Whole job (poster, storyboard, first light, playlists and all) ÷ best single FFmpeg command for the same ladder',
    target: { atMost: 1.05 },
    unit: '×',
    run: async (context) => {
      const ladder = await readLadder(context.film.path);
      return compare(context, {
        commands: [singleCommand(ladder, `${context.folder}/raw`)],
        passthrough: 'never',
        rounds: rounds(context),
        ratio: 'ours',
      });
    },
  },
  {
    name: 'naive',
    title: 'One process per rendition ÷ our whole job, both encoding everything',
    target: { atLeast: 1.25 },
    unit: '×',
    run: async (context) => {
      const ladder = await readLadder(context.film.path);
      return compare(context, {
        commands: naiveCommands(ladder, `${context.folder}/raw`),
        passthrough: 'never',
        rounds: rounds(context),
        ratio: 'theirs',
      });
    },
  },
  {
    name: 'standard',
    title: 'One process per rendition ÷ our whole job of a standard source, whose own stream is the top rendition',
    target: { atLeast: 2 },
    unit: '×',
    run: async (context) => {
      const ladder = await readLadder(context.film.path);
      return compare(context, {
        commands: naiveCommands(ladder, `${context.folder}/raw`),
        passthrough: 'auto',
        rounds: rounds(context),
        ratio: 'theirs',
      });
    },
  },
];
