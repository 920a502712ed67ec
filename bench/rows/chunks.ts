// Row of chunking: what it costs in CPU to encode a film in chunks instead of one pass, by the engine's own commands.
import { mkdir } from 'node:fs/promises';
import { encodeChunks, planFilm, wholeChunk } from '../../test/road/direct-encode.ts';
import { measure, median, type Sample } from '../meter.ts';
import type { Row } from '../row.ts';

export const CHUNK_ROW: Row = {
  name: 'chunks',
  title: 'CPU of a film encoded in chunks ÷ in a single pass',
  target: { atMost: 1.04 },
  unit: '×',
  run: async ({ folder, film, quick }) => {
    const renditions = [1080, 720, 480, 360].map((height) => ({
      name: `${height}p`,
      height,
      videoBitrate: null,
      audioBitrate: null,
    }));
    const planned = await planFilm(film.path, { renditions, preset: 'veryfast' });
    const { timeline } = planned;
    await mkdir(`${folder}/chunks`, { recursive: true });
    const encode = (chunks: typeof timeline.chunks) =>
      measure(null, async () => void (await encodeChunks(planned, chunks, `${folder}/chunks`)));
    const single: Sample[] = [];
    const chunked: Sample[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      single.push(await encode([wholeChunk(timeline)]));
      chunked.push(await encode(timeline.chunks));
    }
    const all = [...single, ...chunked];
    return {
      value: median(chunked.map(({ cpu }, i) => cpu / (single[i]?.cpu ?? Number.NaN))),
      series: [
        { name: 'single pass', unit: 'CPU s', values: single.map(({ cpu }) => cpu) },
        { name: `${timeline.chunks.length} chunks`, unit: 'CPU s', values: chunked.map(({ cpu }) => cpu) },
        { name: 'single pass', unit: 's', values: single.map(({ wall }) => wall) },
        { name: `${timeline.chunks.length} chunks`, unit: 's', values: chunked.map(({ wall }) => wall) },
      ],
      foreign: all.reduce((sum, one) => sum + one.foreign, 0) / all.length,
      commands: [],
      source: film.about,
      remarks: [],
    };
  },
};
