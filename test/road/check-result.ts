// Looks at what a job delivered with FFmpeg's own eyes: every frame of the source once, on time, with unbroken sound. Used by the tests of the road.
import assert from 'node:assert/strict';
import { readMaster } from '../kit/decode.ts';
import type { RenditionServer } from '../kit/rendition-server.ts';
import { readNumbers, readPackets } from './film.ts';

export type Wanted = {
  readonly frames: number;
  readonly fps: { readonly num: number; readonly den: number };
  readonly sourceWidth: number;
};

/** Every rendition of an HLS output and its sound. */
export async function checkStream(url: string, wanted: Wanted): Promise<void> {
  const { variants, audio } = await readMaster(url);
  assert.ok(variants.length > 0 && audio.length === 1, `${variants.length} renditions, ${audio.length} sounds`);
  for (const { url: playlist, width } of variants) await checkPicture(playlist, wanted, width);
  await checkSound(audio[0] ?? '', wanted);
}

/** One file with picture and sound, which begin together. */
export async function checkFile(url: string, wanted: Wanted, width: number): Promise<void> {
  await checkPicture(url, wanted, width);
  await checkSound(url, wanted);
}

async function checkPicture(url: string, { frames, fps, sourceWidth }: Wanted, width: number): Promise<void> {
  const numbers = await readNumbers(url, width / sourceWidth);
  assert.deepEqual(
    numbers,
    Array.from({ length: frames }, (_, n) => n),
    `${url}: each frame of the source once`,
  );
  const packets = await readPackets(url, 'v:0');
  assert.equal(packets.length, frames);
  assert.ok(
    packets.every(({ dts }, i) => i === 0 || dts > (packets[i - 1]?.dts ?? 0)),
    `${url}: decode times rise`,
  );
  const times = packets.map(({ seconds }) => seconds).sort((a, b) => a - b);
  const first = times[0] ?? 0;
  const off = times.findIndex((time, n) => Math.abs(time - first - (n * fps.den) / fps.num) > 0.0001);
  assert.equal(off, -1, `${url}: frame ${off} shows at ${times[off]} s`);
}

/** Frame after frame without a gap, as long as the picture, beginning with it. */
async function checkSound(url: string, { frames, fps }: Wanted): Promise<void> {
  const packets = await readPackets(url, 'a:0');
  const gaps = packets
    .slice(1)
    .filter(({ seconds }, i) => Math.abs(seconds - (packets[i]?.seconds ?? 0) - 1024 / 48_000) > 0.0001);
  assert.deepEqual(gaps, [], `${url}: sound out of line`);
  const start = packets[0]?.seconds ?? Number.NaN;
  const end = (packets.at(-1)?.seconds ?? Number.NaN) + 1024 / 48_000;
  // The encoder's delay of one frame stands before the first sample that is heard.
  assert.ok(start <= 0.001 && start > -0.05, `${url}: sound begins at ${start} s`);
  const duration = (frames * fps.den) / fps.num;
  assert.ok(Math.abs(end - duration) < 0.05, `${url}: sound until ${end} s of ${duration} s`);
}

/** An output's address, which must be there. */
export async function urlOf(server: RenditionServer, job: string, output: number): Promise<string> {
  const report = await server.job(job);
  assert.equal(report.status, 'completed', JSON.stringify(report.error ?? report.outputs.map(({ error }) => error)));
  const url = report.outputs[output]?.result?.url;
  assert.ok(url, `output ${output} has an address`);
  return url;
}

/** A job of a file whose outputs must all be made; answers its id. */
export async function runJob(server: RenditionServer, file: string, outputs: readonly object[]): Promise<string> {
  const id = await server.submit(file, outputs);
  const report = await server.waitFor(id, 300);
  assert.equal(report.status, 'completed', `${JSON.stringify(report.error)}\n${await server.log(id)}`);
  return id;
}
