// The films that are measured: a real one where the corpus lies beside the checkout, else a made one. Used by run.ts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runFfmpeg } from './baseline.ts';

const REAL = join(import.meta.dirname, '../../shared/corpus/bench/bbb-1080p24-h264-aac2-43s.mp4');

export type Source = { readonly path: string; readonly about: string };

/** Seconds of the real film: whole frames, and whole rounds of its loop. */
const ROUND = 43.125;

/**
 * A standard 1080p film: H.264 within the ladder's top rate, AAC, keyframes at most 5 s apart.
 * @param rounds times 43 s
 */
export async function makeLongFilm(folder: string, rounds: number): Promise<Source> {
  const path = `${folder}/film.mp4`;
  const seconds = rounds * ROUND;
  const quiet = ['-v', 'error', '-nostdin', '-y'];
  if (existsSync(REAL)) {
    // Copied, not encoded again: real film of real bitrate. Picture alone, or the loop would be as long as the sound and leave a gap at its seam.
    await runFfmpeg([...quiet, '-i', REAL, '-map', '0:v:0', '-c', 'copy', `${folder}/round.mp4`]);
    const loop = ['-stream_loop', String(rounds - 1)];
    const inputs = [...loop, '-i', `${folder}/round.mp4`, ...loop, '-i', REAL];
    await runFfmpeg([...quiet, ...inputs, '-map', '0:v:0', '-map', '1:a:0', '-c', 'copy', path]);
    return { path, about: `Big Buck Bunny 1080p24, ${seconds} s` };
  }
  const picture = `testsrc2=s=1920x1080:r=24:d=${seconds},noise=alls=6:allf=t`;
  const rate = ['-b:v', '5M', '-maxrate', '5.5M', '-bufsize', '8M', '-g', '96', '-pix_fmt', 'yuv420p'];
  const inputs = ['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', `sine=d=${seconds}`];
  await runFfmpeg([...quiet, ...inputs, '-c:v', 'libx264', '-preset', 'veryfast', ...rate, '-c:a', 'aac', path]);
  return { path, about: `test picture with noise, 1080p24, ${seconds} s` };
}

/** A film so small that nothing of it takes time. */
export async function makeTinyFilm(folder: string): Promise<Source> {
  const path = `${folder}/tiny.mp4`;
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=10', '-f', 'lavfi', '-i', 'sine=d=10'];
  await runFfmpeg([
    '-v',
    'error',
    '-y',
    ...inputs,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-g',
    '50',
    '-pix_fmt',
    'yuv420p',
    '-c:a',
    'aac',
    path,
  ]);
  return { path, about: '320×180, 10 s' };
}
