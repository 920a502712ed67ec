// A small film with sound for the tests of the dashboard.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const FFMPEG = ['-v', 'error', '-nostdin', '-y'];

/** @returns its path */
export async function makeClip(
  folder: string,
  { seconds, size = '320x180' }: { readonly seconds: number; readonly size?: string },
): Promise<string> {
  const file = join(folder, `clip-${size}-${seconds}.mp4`);
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=${seconds}`];
  const sound = ['-f', 'lavfi', '-i', `sine=frequency=330:sample_rate=48000:d=${seconds}`];
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest'];
  await run('ffmpeg', [...FFMPEG, ...picture, ...sound, ...encode, file]);
  return file;
}

/** The same again and again, without a second look at its pictures: long, and at once. @returns its path */
export async function repeatClip(clip: string, times: number): Promise<string> {
  const file = clip.replace(/\.mp4$/, `x${times}.mp4`);
  await run('ffmpeg', [...FFMPEG, '-stream_loop', String(times - 1), '-i', clip, '-c', 'copy', file]);
  return file;
}
