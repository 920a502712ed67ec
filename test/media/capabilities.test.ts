// What the installed FFmpeg can do: the real one, and stand-ins for those that are missing, broken or too old.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import {
  chooseDevices,
  detectTool,
  hardwareCandidates,
  LOWEST_VERSION,
  parseNames,
  parseVersion,
  renderNodeFor,
} from '#media/capabilities.ts';
import { LIMITS } from './sample-facts.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'rendition-tool-'));
});
after(() => rm(folder, { recursive: true }));

const limits = LIMITS.child;
const real = { ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', limits, hwaccel: 'auto' } as const;

async function program(name: string, script: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

test('the installed FFmpeg', async (t) => {
  const started = performance.now();
  const tool = await detectTool(real);
  const seconds = (performance.now() - started) / 1000;
  assert.ok(path.isAbsolute(tool.ffmpeg) && path.isAbsolute(tool.ffprobe));
  assert.ok(tool.versionNumber >= LOWEST_VERSION && tool.version.length > 0);
  for (const name of ['aac', 'png', 'flac']) assert.ok(tool.encoders.has(name), name);
  for (const name of ['h264', 'hevc', 'aac', 'mjpeg']) assert.ok(tool.decoders.has(name), name);
  for (const name of ['scale', 'split', 'fps', 'transpose']) assert.ok(tool.filters.has(name), name);
  assert.ok(![...tool.encoders, ...tool.decoders, ...tool.filters].some((name) => /[^\w.-]/.test(name)));
  assert.ok(![...tool.encoders].some((name) => name.endsWith('_nvenc')));
  t.diagnostic(`asked in ${seconds.toFixed(1)} s`);
  assert.equal(await detectTool(real), tool, 'asked once a process');
});

test('missing, broken, foreign and old programs are named in one line', async () => {
  const old = await program('old', 'echo "ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright (c) 2000-2021"');
  const broken = await program('broken', 'echo "error while loading shared libraries: libx264.so" >&2; exit 127');
  const foreign = await program('foreign', 'echo hello');
  const table: [string, RegExp][] = [
    [
      'no-such-ffmpeg',
      /^no-such-ffmpeg is not installed \(not found in \/nowhere, \/usr\/bin\)\. Install FFmpeg 5\.1 or newer, or set FFMPEG_PATH\.$/,
    ],
    [
      path.join(folder, 'nothing'),
      /nothing is no program that can be run\. Install FFmpeg 5\.1 or newer, or set FFMPEG_PATH\.$/,
    ],
    [folder, /is no program that can be run/],
    [old, /old is version 4\.4\.2-0ubuntu0\.22\.04\.1; Rendition needs FFmpeg 5\.1 or newer\.$/],
    [broken, /broken does not run: error while loading shared libraries: libx264\.so$/],
    [foreign, /foreign does not answer like FFmpeg\.$/],
  ];
  for (const [ffmpegPath, message] of table) {
    await assert.rejects(detectTool({ ...real, ffmpegPath, searchPath: '/nowhere:/usr/bin' }), {
      code: 'ffmpeg_missing',
      message,
    });
  }
});

test('versions of releases, distributions and builds between releases', () => {
  const table: [string, number][] = [
    ['ffmpeg version 5.1.9-0+deb12u1 Copyright', 501],
    ['ffprobe version n7.1.1 Copyright', 701],
    ['ffmpeg version 8.0 Copyright', 800],
    ['ffmpeg version 7.0.2-static https://johnvansickle.com/ffmpeg/', 700],
    [
      'ffmpeg version N-118193-g5f38c82536 Copyright\nlibavutil      59. 49.100\nlibavcodec     61. 26.100 / 61. 26.100',
      700,
    ],
    ['ffmpeg version 2024-12-16-git-d2096679d5-full_build-www.gyan.dev\nlibavcodec     61. 27.100', 700],
    ['ffmpeg version git-2022\nlibavcodec     59. 37.100', 501],
    ['ffmpeg version git-2022\nlibavcodec     59. 18.100', 500],
    ['something else', 0],
  ];
  assert.deepEqual(
    table.map(([text]) => parseVersion(text).number),
    table.map(([, number]) => number),
  );
});

test('names in lists, without their legend', () => {
  const list =
    ' V..... = Video\n ------\n V....D libx264              H.264\n A....D aac   AAC\n ..C abuffer  |->A\n TSC scale             V->V   Scale';
  assert.deepEqual([...parseNames(list)], ['libx264', 'aac', 'abuffer', 'scale']);
});

test('hardware worth a test: listed, wished for and present', () => {
  const encoders = new Set([
    'libx264',
    'h264_nvenc',
    'hevc_nvenc',
    'h264_qsv',
    'h264_vaapi',
    'vp9_vaapi',
    'h264_videotoolbox',
  ]);
  const names = (changes: Partial<Parameters<typeof hardwareCandidates>[0]>) =>
    hardwareCandidates({
      encoders,
      hwaccel: 'auto',
      platform: 'linux',
      renderNodes: [],
      nvidia: false,
      ...changes,
    }).map((one) => one.encoder.encoder);
  assert.deepEqual(names({}), []);
  assert.deepEqual(names({ nvidia: true }), ['h264_nvenc', 'hevc_nvenc']);
  assert.deepEqual(names({ renderNodes: ['/dev/dri/renderD128'] }), ['h264_qsv', 'h264_vaapi', 'vp9_vaapi']);
  assert.deepEqual(names({ renderNodes: ['/dev/dri/renderD128'], nvidia: true, hwaccel: 'vaapi' }), [
    'h264_vaapi',
    'vp9_vaapi',
  ]);
  assert.deepEqual(names({ nvidia: true, hwaccel: 'none' }), []);
  assert.deepEqual(names({ platform: 'darwin' }), ['h264_videotoolbox']);
  assert.deepEqual(names({ platform: 'win32' }), ['h264_nvenc', 'hevc_nvenc', 'h264_qsv']);
});

test('VAAPI is tried on every render node, and work goes round those that can what the first of them can', () => {
  const encoders = new Set(['h264_vaapi', 'hevc_vaapi']);
  const renderNodes = ['/dev/dri/renderD128', '/dev/dri/renderD129', '/dev/dri/renderD130', '/dev/dri/renderD131'];
  const tried = hardwareCandidates({ encoders, hwaccel: 'auto', platform: 'linux', nvidia: false, renderNodes });
  assert.equal(tried.length, 8);
  // The first card encodes nothing, as one of another maker does; the third has no HEVC.
  const passed = tried.filter(
    ({ device, encoder }) => !device?.endsWith('128') && !(device?.endsWith('130') && encoder.codec === 'hevc'),
  );
  const { hardware, renderNodes: found } = chooseDevices(passed);
  assert.deepEqual(
    hardware.map(({ encoder }) => encoder),
    ['h264_vaapi', 'hevc_vaapi'],
  );
  assert.deepEqual(found, ['/dev/dri/renderD129', '/dev/dri/renderD131']);
  assert.deepEqual(
    [0, 1, 2].map((place) => renderNodeFor({ renderNodes: found }, place)),
    ['/dev/dri/renderD129', '/dev/dri/renderD131', '/dev/dri/renderD129'],
  );
  assert.equal(renderNodeFor({ renderNodes: [] }, 1), undefined);
});
