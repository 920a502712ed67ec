// A small film with sound for the tests of the dashboard.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** @returns its path */
export async function makeClip(
  folder: string,
  { seconds, size = '320x180' }: { readonly seconds: number; readonly size?: string },
): Promise<string> {
  const file = join(folder, `clip-${size}-${seconds}.mp4`);
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=${seconds}`];
  const sound = ['-f', 'lavfi', '-i', `sine=frequency=330:sample_rate=48000:d=${seconds}`];
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest'];
  await run('ffmpeg', ['-v', 'error', '-y', ...picture, ...sound, ...encode, file]);
  return file;
}
