// The films that are measured: a real one where the corpus lies beside the checkout, else a made one. Used by run.ts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runFfmpeg } from './baseline.ts';

const REAL = join(import.meta.dirname, '../../shared/corpus/bench/bbb-1080p24-h264-aac2-43s.mp4');

export type Source = { readonly path: string; readonly about: string };

/** A standard 1080p film of so many seconds: H.264 within the ladder's top rate, AAC, regular keyframes. */
export async function makeLongFilm(folder: string, seconds: number): Promise<Source> {
  const path = `${folder}/film.mp4`;
  if (existsSync(REAL)) {
    // Copied, not encoded again: real film of real bitrate.
    await runFfmpeg([
      '-v',
      'error',
      '-y',
      '-stream_loop',
      '-1',
      '-i',
      REAL,
      '-t',
      String(seconds),
      '-map',
      '0:v:0',
      '-map',
      '0:a:0',
      '-c',
      'copy',
      path,
    ]);
    return { path, about: `Big Buck Bunny 1080p24, looped to ${seconds} s` };
  }
  const picture = `testsrc2=s=1920x1080:r=24:d=${seconds},noise=alls=6:allf=t`;
  const output = [
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-b:v',
    '5M',
    '-maxrate',
    '5.5M',
    '-bufsize',
    '8M',
    '-g',
    '96',
    '-pix_fmt',
    'yuv420p',
    '-c:a',
    'aac',
  ];
  await runFfmpeg([
    '-v',
    'error',
    '-y',
    '-f',
    'lavfi',
    '-i',
    picture,
    '-f',
    'lavfi',
    '-i',
    `sine=d=${seconds}`,
    ...output,
    path,
  ]);
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
