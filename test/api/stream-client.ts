// A video on a test server, from file to stream. Used by the tests of streams.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../kit/eventually.ts';
import type { Answer, TestServer } from './open-server.ts';
import { init, sendChunk } from './upload-client.ts';

const run = promisify(execFile);
const FFMPEG = ['-v', 'error', '-nostdin', '-y'];
const PICTURE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

type FilmOptions = {
  readonly size?: string;
  /** frames/s */
  readonly rate?: number;
  /** Its index in front, not behind. */
  readonly faststart?: boolean;
};

/** Standard: its own stream becomes the top rendition. A keyframe every two seconds, with sound. */
export async function standardFilm(
  folder: string,
  seconds: number,
  { size = '640x360', rate = 25, faststart = false }: FilmOptions = {},
): Promise<string> {
  const file = path.join(folder, `standard-${size}-${rate}-${seconds}.mp4`);
  const inputs = [
    '-f',
    'lavfi',
    '-i',
    `testsrc2=s=${size}:r=${rate}:d=${seconds}`,
    '-f',
    'lavfi',
    '-i',
    `sine=r=48000:d=${seconds}`,
  ];
  // Within the rate that the ladder gives so small a picture.
  const rates = ['-crf', '35', '-maxrate', '600k', '-bufsize', '600k', '-bf', '2', '-g', String(2 * rate)];
  await run('ffmpeg', [
    ...FFMPEG,
    ...inputs,
    ...PICTURE,
    ...rates,
    '-c:a',
    'aac',
    ...(faststart ? ['-movflags', '+faststart'] : []),
    file,
  ]);
  return file;
}

/** Not standard: nothing of it can be copied. */
export async function otherFilm(
  folder: string,
  seconds: number,
  { rate = 25 }: { /** frames/s */ readonly rate?: number } = {},
): Promise<string> {
  const file = path.join(folder, `other-${rate}-${seconds}.mkv`);
  const inputs = [
    '-f',
    'lavfi',
    '-i',
    `testsrc2=s=640x360:r=${rate}:d=${seconds}`,
    '-f',
    'lavfi',
    '-i',
    `sine=r=48000:d=${seconds}`,
  ];
  await run('ffmpeg', [...FFMPEG, ...inputs, '-c:v', 'mpeg4', '-q:v', '3', '-c:a', 'libmp3lame', file]);
  return file;
}

/** Uploads a file in one chunk and ends the upload; its id. */
export async function upload(
  server: TestServer,
  file: string,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const bytes = await readFile(file);
  const { upload_id: id } = await init(server, { filename: path.basename(file), total_chunks: 1, ...fields });
  const sent = await sendChunk(server.base, { id, index: 0, bytes });
  if (sent.status !== 200) throw new Error(`chunk: ${sent.status}`);
  const done = await server.call('POST', '/upload/complete', { body: { upload_id: id } });
  if (done.status !== 202) throw new Error(`complete: ${done.status} ${done.text}`);
  return id;
}

/** Waits until all of it is encoded. */
export const whenReady = (server: TestServer, id: string): Promise<Answer> =>
  eventually(() => server.call('GET', `/videos/${id}`), {
    until: ({ body }) => ['ready', 'failed'].includes((body as { status: string }).status),
  });
