// The corpus matrix: every odd and broken file through the real server; writes docs/corpus.md, exits 1 on any miss. `npm run test:corpus`.
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CHROMIUM, startPlayer } from '../kit/browser.ts';
import { runTool } from '../kit/decode.ts';
import { startRendition } from '../kit/rendition-server.ts';
import { type Bench, type Row, runBroken, runTorture } from './matrix.ts';
import { renderReport, rowLine } from './report.ts';

const ROOT = join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    /** Folder with `torture` and `broken`. */
    corpus: { type: 'string', default: join(ROOT, '../shared/corpus') },
    /** Only files whose name contains this; the document is then not written. */
    only: { type: 'string', default: '' },
  },
});

process.exitCode = await run(values.corpus, values.only);

async function run(corpus: string, only: string): Promise<number> {
  if (!existsSync(join(corpus, 'torture'))) {
    console.log(
      `There is no corpus at ${corpus}: a folder with the subfolders torture and broken is needed (--corpus DIR).`,
    );
    return 1;
  }
  await using server = await startRendition();
  await using player = existsSync(CHROMIUM) ? await startPlayer() : null;
  if (!player) console.log(`${CHROMIUM} is not installed: playback is not checked.`);
  const bench: Bench = { server, player };
  const started = performance.now();
  const torture = await runFolder(join(corpus, 'torture'), only, (file) => runTorture(bench, file));
  const broken = await runFolder(join(corpus, 'broken'), only, (file) => runBroken(bench, file));
  const rows = [...torture, ...broken];
  const wrong = rows.filter((row) => row.misses.length > 0).length;
  const minutes = (performance.now() - started) / 60_000;
  console.log(`${rows.length - wrong} of ${rows.length} files as they must be, ${minutes.toFixed(1)} minutes`);
  if (only === '') {
    const { stdout } = await runTool('ffmpeg', ['-version']);
    const ffmpeg = /^ffmpeg version (\S+)/.exec(stdout.toString())?.[1] ?? 'unknown';
    await writeFile(join(ROOT, 'docs/corpus.md'), renderReport({ torture, broken, ffmpeg }));
  }
  return wrong > 0 || (only === '' && !player) ? 1 : 0;
}

/** One file after the other: an encode fills the machine, and memory is measured. */
async function runFolder(folder: string, only: string, judge: (file: string) => Promise<Row>): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (!name.includes(only)) continue;
    const row = await judge(join(folder, name)).catch((error: unknown) => crashed(join(folder, name), error));
    console.log(rowLine(row));
    rows.push(row);
  }
  return rows;
}

/** The check itself went wrong: a miss like any other, and the next file is tried. */
function crashed(file: string, error: unknown): Row {
  const message = error instanceof Error ? error.message : String(error);
  const nothing = { stream: null, mp4: null, pictures: null, playback: null, findings: [], asked: '', seconds: 0 };
  return { file, ...nothing, status: 'unknown', message, misses: [message], memory: { server: 0, child: 0, total: 0 } };
}
