// Small media made with FFmpeg for tests: one folder a test file, each file made once. Used by tests that need real input.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type MadeMedia = AsyncDisposable & {
  readonly folder: string;
  path(name: string): string;
  /** FFmpeg writes `name`; the arguments go between `-y` and the output. */
  make(name: string, args: string): Promise<string>;
};

export async function openMadeMedia(): Promise<MadeMedia> {
  const folder = await mkdtemp(path.join(tmpdir(), 'rendition-media-'));
  const place = (name: string) => path.join(folder, name);
  return {
    folder,
    path: place,
    make: async (name, args) => {
      await run(
        'ffmpeg',
        ['-v', 'error', '-nostdin', '-y', ...args.split(' ').filter((one) => one !== ''), place(name)],
        { cwd: folder },
      );
      return place(name);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Writes a copy of an MP4 whose first track has the given display matrix (a, b, c, d as whole turns of 1). */
export async function withMatrix(
  source: string,
  target: string,
  [a, b, c, d]: readonly [number, number, number, number],
): Promise<string> {
  const bytes = await readFile(source);
  // tkhd version 0 (ISO/IEC 14496-12 §8.3.2): the matrix stands 44 bytes after the beginning of the box's name.
  const at = bytes.indexOf('tkhd') + 44;
  [a, b, 0, c, d, 0].forEach((value, i) => {
    bytes.writeInt32BE(value * 65536, at + i * 4);
  });
  await writeFile(target, bytes);
  return target;
}

/** Length in ticks of the movie, where it begins in ticks of the media (ISO/IEC 14496-12 §8.6.6). */
export type Edit = readonly [length: number, from: number];

/** Writes a copy of an MP4 whose index is at its end and whose first track has these edits instead of its one. */
export async function withEdits(source: string, target: string, edits: readonly Edit[]): Promise<string> {
  const bytes = await readFile(source);
  const moov = bytes.lastIndexOf('moov');
  const [trak, edts, elst] = ['trak', 'edts', 'elst'].map((name) => bytes.indexOf(name, moov));
  if (trak === undefined || edts === undefined || elst === undefined) throw new Error('no edit list');
  const end = elst - 4 + bytes.readUInt32BE(elst - 4);
  const list = Buffer.alloc(12 * edits.length);
  edits.forEach(([length, from], i) => {
    list.writeUInt32BE(length, 12 * i);
    list.writeInt32BE(from, 12 * i + 4);
    list.writeUInt32BE(0x10000, 12 * i + 8);
  });
  const grown = elst + 12 + list.length - end;
  for (const box of [moov, trak, edts, elst]) bytes.writeUInt32BE(bytes.readUInt32BE(box - 4) + grown, box - 4);
  bytes.writeUInt32BE(edits.length, elst + 8);
  await writeFile(target, Buffer.concat([bytes.subarray(0, elst + 12), list, bytes.subarray(end)]));
  return target;
}

/** What `ffprobe` prints, a line each. */
export async function probeLines(args: string, file: string): Promise<string[]> {
  const { stdout } = await run('ffprobe', ['-v', 'error', ...args.split(' '), file], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.split('\n').filter((line) => line !== '');
}
