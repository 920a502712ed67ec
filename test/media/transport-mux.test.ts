// Sound put into the picture of MPEG-TS segments, judged by FFmpeg's own demuxer and decoders.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { muxTransport } from '#media/transport-mux.ts';
import { needTool, runTool } from '../kit/decode.ts';

type Packet = {
  readonly codec_type: string;
  readonly pts: number;
  readonly dts: number;
  readonly size: string;
  readonly flags: string;
};

async function packets(path: string): Promise<Record<string, Omit<Packet, 'codec_type'>[]>> {
  const { stdout } = await needTool('ffprobe', [
    '-v',
    'error',
    '-show_entries',
    'packet=codec_type,pts,dts,size,flags',
    '-of',
    'json',
    path,
  ]);
  const all = (JSON.parse(String(stdout)) as { packets: Packet[] }).packets;
  const sorted = Map.groupBy(all, ({ codec_type }) => codec_type);
  return Object.fromEntries([...sorted].map(([type, list]) => [type, list.map(({ codec_type: _, ...rest }) => rest)]));
}

test('both streams come out as they went in, interleaved, and decode', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'transport-mux-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const make = async (name: string, args: readonly string[]) => {
    const path = join(folder, name);
    await needTool('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      ...args,
      '-output_ts_offset',
      '10',
      '-muxdelay',
      '0',
      '-muxpreload',
      '0',
      '-f',
      'mpegts',
      '-mpegts_flags',
      '+initial_discontinuity',
      path,
    ]);
    return path;
  };
  const picture = await make('v.ts', [
    '-i',
    'testsrc2=s=320x180:r=25:d=4',
    '-c:v',
    'libx264',
    '-g',
    '50',
    '-bf',
    '2',
    '-pix_fmt',
    'yuv420p',
  ]);
  const sound = await make('a.ts', ['-i', 'sine=frequency=440:sample_rate=48000:d=4', '-c:a', 'aac']);
  const joined = join(folder, 'av.ts');
  const bytes = muxTransport(await readFile(picture), await readFile(sound));
  await writeFile(joined, bytes);
  assert.equal(bytes.length % 188, 0);
  const [own, heard, both] = [await packets(picture), await packets(sound), await packets(joined)];
  assert.deepEqual(Object.keys(both).sort(), ['audio', 'video']);
  assert.deepEqual(both.video, own.video);
  assert.deepEqual(both.audio, heard.audio);
  const { stderr } = await runTool('ffmpeg', ['-v', 'warning', '-i', joined, '-map', '0', '-f', 'null', '-']);
  assert.equal(stderr, '');
  // Neither stream is more than a moment ahead of the other.
  const { stdout } = await needTool('ffprobe', [
    '-v',
    'error',
    '-show_entries',
    'packet=codec_type,dts_time',
    '-of',
    'csv=p=0',
    joined,
  ]);
  const latest: Record<string, number> = {};
  for (const line of String(stdout).trim().split('\n')) {
    const [type = '', time] = line.split(',');
    if (!['video', 'audio'].includes(type)) continue;
    latest[type] = Number(time);
    const times = Object.values(latest);
    if (times.length === 2) assert.ok(Math.max(...times) - Math.min(...times) < 0.5, line);
  }
});

test('what is no segment of one stream is refused', () => {
  assert.throws(() => muxTransport(Buffer.alloc(100), Buffer.alloc(188)), { code: 'internal' });
  assert.throws(() => muxTransport(Buffer.alloc(188), Buffer.alloc(188)), /no packet at byte 0/);
});
