// Rows of the server itself: what a job costs beside its encode, what an idle server holds, how soon a second start is ready.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRendition } from '../../test/kit/rendition-server.ts';
import { runFfmpeg, shellLine } from '../baseline.ts';
import { runJob } from '../jobs.ts';
import { measure, median, memoryOf, processTree, type Sample } from '../meter.ts';
import type { Row } from '../row.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Seconds after which a server counts as idle. */
const SETTLE = 15;

const COPY = { container: 'mp4', videoCodec: 'copy', audioCodec: 'copy' };

const overhead: Row = {
  name: 'overhead',
  title: 'A job without its encode: a copied file, from asking to completed, less the bare command',
  target: { atMost: 0.3 },
  unit: 's',
  run: async ({ folder, tiny, quick }) => {
    await using server = await startRendition({ settings: { FILE_ROOTS: folder } });
    const args = [
      '-v',
      'error',
      '-nostdin',
      '-y',
      '-i',
      tiny.path,
      '-map',
      '0',
      '-c',
      'copy',
      '-movflags',
      '+faststart',
      `${folder}/copy.mp4`,
    ];
    const raw: Sample[] = [];
    const ours: number[] = [];
    const copy = async () => void ours.push(await runJob(server.url, tiny.path, COPY));
    // The first job loads what later ones use.
    await runJob(server.url, tiny.path, COPY);
    for (let round = 0; round < (quick ? 10 : 20); round++) {
      raw.push(await measure(null, () => runFfmpeg(args)));
      await copy();
    }
    return {
      value: median(ours.map((seconds, i) => seconds - (raw[i]?.wall ?? 0))),
      series: [
        { name: 'bare command', unit: 's', values: raw.map(({ wall }) => wall) },
        { name: 'job', unit: 's', values: ours },
      ],
      foreign: raw.reduce((sum, one) => sum + one.foreign, 0) / raw.length,
      commands: [shellLine(args)],
      source: tiny.about,
      remarks: [],
    };
  },
};

const memory: Row = {
  name: 'memory',
  title: `Idle memory of everything, server and PostgreSQL, ${SETTLE} s after its last job (PSS)`,
  target: { atMost: 300 },
  unit: 'MB',
  run: async ({ folder, tiny }) => {
    await using server = await startRendition({ settings: { FILE_ROOTS: folder } });
    const held = () => memoryOf(processTree(server.pid)) / 1e6;
    await sleep(SETTLE * 1000);
    const fresh = held();
    await runJob(server.url, tiny.path, { container: 'hls', renditions: ['180p'] });
    await sleep(SETTLE * 1000);
    const used = held();
    const alone = memoryOf([server.pid]) / 1e6;
    return {
      value: Math.max(fresh, used),
      series: [
        { name: 'after the start', unit: 'MB', values: [fresh] },
        { name: 'after a job', unit: 'MB', values: [used] },
        { name: 'of it Node.js', unit: 'MB', values: [alone] },
      ],
      foreign: 0,
      commands: [],
      source: tiny.about,
      remarks: [],
    };
  },
};

const start: Row = {
  name: 'start',
  title: 'Second start, from `node scripts/bootstrap.mjs serve`, which is `npm start`, to the ready line',
  target: { atMost: 3 },
  unit: 's',
  run: async ({ folder, quick }) => {
    const dataDir = `${folder}/data`;
    await mkdir(dataDir, { recursive: true });
    const times: number[] = [];
    const foreign: number[] = [];
    for (let round = 0; round <= (quick ? 2 : 5); round++) {
      const started = performance.now();
      const server = await startRendition({ dataDir, args: [join(ROOT, 'scripts/bootstrap.mjs'), 'serve'] });
      // The first one makes the database.
      if (round > 0) times.push((performance.now() - started) / 1000);
      await server.stop();
      foreign.push((await measure(null, () => sleep(500))).foreign);
    }
    return {
      value: median(times),
      series: [{ name: 'second start', unit: 's', values: times }],
      foreign: median(foreign),
      commands: [],
      source: 'none',
      remarks: [],
    };
  },
};

export const SERVER_ROWS: readonly Row[] = [overhead, memory, start];
