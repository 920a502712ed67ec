// What is known of a video whose file still arrives, and what a player sees of it later. Used by the tests of arriving files.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { listTasks } from '#database/tasks.ts';
import { findVideo } from '#database/videos.ts';
import type { Task } from '#domain/task.ts';
import { mainJob } from '#domain/video.ts';
import type { TestServer } from './open-server.ts';

const run = promisify(execFile);

/** A film with its index in front: longer than one chunk, and quick to encode. Its own stream is the first of the ladder. */
export const FILM = { seconds: 26, size: '640x360', rate: 10, faststart: true };
/** Far below the cap of its rate: at the cap x264 makes other bytes of the same pictures each time, by how its threads meet. */
export const LADDER = { VIDEO_QUALITY_PRESETS: '360p,240p', ENCODE_PRESET: 'veryfast' };

/** The chunks of a video's job. */
export async function chunksOf({ platform }: TestServer, id: string): Promise<Task[]> {
  const { database, sealer } = platform;
  const video = await findVideo(database.db, { projectId: 'default', id }, sealer);
  const jobId = (video && mainJob(video)?.jobId) ?? 0;
  return (await listTasks(database.db, { projectId: 'default', jobId })).filter(({ kind }) => kind === 'chunk');
}

export type TusUpload = { readonly id: string; readonly send: (from: number, to: number) => Promise<void> };

/** A film that is sent by tus, as much at once as is said. */
export async function beginTus({ base }: TestServer, bytes: Buffer): Promise<TusUpload> {
  const tus = { 'tus-resumable': '1.0.0' };
  const length = { 'upload-length': String(bytes.length), 'upload-metadata': `filename ${btoa('film.mp4')}` };
  const made = await fetch(`${base}/upload/tus/`, { method: 'POST', headers: { ...tus, ...length } });
  const place = made.headers.get('location') ?? '';
  return {
    id: place.split('/').at(-1) ?? '',
    send: async (from, to) => {
      const headers = { ...tus, 'upload-offset': String(from), 'content-type': 'application/offset+octet-stream' };
      const body = new Uint8Array(bytes.subarray(from, to));
      assert.equal((await fetch(place, { method: 'PATCH', headers, body })).status, 204);
    },
  };
}

/** dB that the same frame has, encoded twice with seams elsewhere; another frame of these films has 26 at the most. */
export const SAME_FRAME = 27;

/** dB: of the frame that two videos differ most in, by a quality of both. */
export async function likenessOf(
  { base }: TestServer,
  ids: readonly [string, string],
  quality: string,
): Promise<number> {
  const inputs = ids.flatMap((id) => ['-i', `${base}/stream/${id}/${quality}/playlist.m3u8`]);
  const { stderr } = await run('ffmpeg', ['-v', 'info', '-nostats', ...inputs, '-lavfi', 'psnr', '-f', 'null', '-']);
  return Number(/ min:(\S+)/.exec(stderr)?.[1]?.replace('inf', 'Infinity'));
}

/** When a player shows each frame of a quality: dts and pts, in frames. */
export async function timesOf({ base }: TestServer, id: string, quality: string): Promise<string[]> {
  const playlist = `${base}/stream/${id}/${quality}/playlist.m3u8`;
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', playlist, '-map', '0:v:0', '-f', 'framecrc', '-'], {
    maxBuffer: 1 << 26,
  });
  return stdout.split('\n').flatMap((line) => /^0,\s*(\d+,\s*\d+)/.exec(line)?.[1] ?? []);
}
