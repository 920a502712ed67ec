// The pictures next to a seam are no worse than elsewhere. Chunks are compared with the source and with a single pass (SSIM).
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { toNumber } from '#media/grid.ts';
import { needTool } from '../kit/decode.ts';
import { encodeChunks, type Planned, planFilm, wholeChunk } from './direct-encode.ts';
import { makeFilm, readLikeness } from './film.ts';

const REAL = join(import.meta.dirname, '../../../shared/corpus/bench/bbb-720p30-h264-aac2.mp4');
/** A restart of rate control costs a little: with capped CRF 0.0008 was measured on film, with ABR 0.0032. */
const ALLOWED = 0.002;

let folder = '';
before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-likeness-`);
});
after(() => rm(folder, { recursive: true, force: true }));

describe('the second after each seam looks like the rest', { concurrency: 1 }, () => {
  test('a made film: a slow flight into the Mandelbrot set', async () => {
    const path = `${folder}/made.mp4`;
    await makeFilm({
      path,
      width: 192,
      height: 108,
      fps: '25',
      seconds: 26,
      silent: true,
      picture: 'mandelbrot=end_pts=400',
      output: ['-g', '50'],
    });
    await compare(await planFilm(path, { preset: 'veryfast', renditions: [rung(108)] }));
  });

  test('a film', { skip: !existsSync(REAL) && 'no corpus beside the checkout' }, async () => {
    // With one seam, at 12 s: more of it says no more.
    const path = `${folder}/film.mp4`;
    await needTool('ffmpeg', ['-v', 'error', '-i', REAL, '-map', '0:v', '-c', 'copy', '-t', '26', path]);
    await compare(await planFilm(path, { preset: 'veryfast', renditions: [rung(180)] }, 6));
  });
});

const rung = (height: number) => ({ name: `${height}p`, height, videoBitrate: null, audioBitrate: null });
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

async function compare(planned: Planned): Promise<void> {
  const { chunks, fps, frames } = planned.timeline;
  const chunked = await likenessOf('chunked', planned, chunks);
  const single = await likenessOf('single', planned, [wholeChunk(planned.timeline)]);
  // scale2ref holds the last picture for one frame more.
  assert.deepEqual(
    [chunked.length, single.length].map((length) => Math.min(length, frames)),
    [frames, frames],
  );
  const seams = chunks.slice(1).map(({ startFrame }) => startFrame);
  assert.ok(seams.length > 0);
  const second = Math.round(toNumber(fps));
  const after = (values: readonly number[]) => mean(seams.flatMap((seam) => values.slice(seam, seam + second)));
  // Scenes differ, so the same frames of a single pass say what this second should look like.
  const expected = after(single) + mean(chunked) - mean(single);
  const found = after(chunked);
  assert.ok(found >= expected - ALLOWED, `SSIM ${found.toFixed(4)} after the seams, ${expected.toFixed(4)} expected`);
  assert.ok(
    mean(chunked) >= mean(single) - ALLOWED,
    `SSIM ${mean(chunked).toFixed(4)} chunked, ${mean(single).toFixed(4)} single`,
  );
  // The very first frames too: a seam must not flash.
  const worst = Math.min(
    ...seams.flatMap((seam) => chunked.slice(seam, seam + 3).map((value, i) => value - (single[seam + i] ?? 0))),
  );
  assert.ok(worst >= -0.01, `a frame at a seam is ${(-worst).toFixed(4)} worse than in a single pass`);
}

async function likenessOf(
  name: string,
  planned: Planned,
  chunks: Parameters<typeof encodeChunks>[1],
): Promise<number[]> {
  const [rendition] = planned.plan.video;
  assert.ok(rendition);
  await mkdir(`${folder}/${name}`, { recursive: true });
  const made = await encodeChunks(planned, chunks, `${folder}/${name}`);
  return readLikeness(made.get(rendition.id)?.path ?? '', planned.path);
}
