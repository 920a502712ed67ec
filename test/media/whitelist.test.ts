// The whitelists: exact arguments, nothing dangerous in them, and FFmpeg's own refusal of what they leave out.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { inputArguments, ownInputArguments, SOURCE_DECODERS, SOURCE_DEMUXERS } from '#media/whitelist.ts';
import { type MadeMedia, openMadeMedia } from './made-media.ts';

let media: MadeMedia;
before(async () => {
  media = await openMadeMedia();
});
after(() => media[Symbol.asyncDispose]());

const run = promisify(execFile);
const open = (args: readonly string[]) =>
  run('ffprobe', ['-v', 'error', '-show_entries', 'format=format_name', '-of', 'csv=p=0', ...args]);

test('arguments by input', () => {
  const lists = ['-format_whitelist', SOURCE_DEMUXERS.join(','), '-codec_whitelist', SOURCE_DECODERS.join(',')];
  assert.deepEqual(inputArguments({ kind: 'file', path: '/data/-y %03d.mp4' }), [
    '-protocol_whitelist',
    'file',
    ...lists,
    '-i',
    'file:/data/-y %03d.mp4',
  ]);
  assert.deepEqual(inputArguments({ kind: 'loopback', url: 'http://127.0.0.1:9/x' }), [
    '-protocol_whitelist',
    'http,tcp',
    ...lists,
    '-i',
    'http://127.0.0.1:9/x',
  ]);
  assert.deepEqual(ownInputArguments('/data/list', 'concat'), [
    '-protocol_whitelist',
    'file',
    '-f',
    'concat',
    '-i',
    'file:/data/list',
  ]);
});

test('nothing that opens other files, addresses or devices, and no name twice', () => {
  const never = [
    'hls',
    'concat',
    'concatf',
    'dash',
    'sdp',
    'rtsp',
    'rtp',
    'image2',
    'image2pipe',
    'tty',
    'lavfi',
    'imf',
    'ffmetadata',
    'webm_dash_manifest',
    'x11grab',
    'v4l2',
    'alsa',
    'fbdev',
    'libopenmpt',
    'libgme',
    'svg_pipe',
    'rawvideo',
    'data',
    'subfile',
  ];
  assert.deepEqual(
    never.filter((name) => SOURCE_DEMUXERS.includes(name)),
    [],
  );
  assert.deepEqual(
    ['magicyuv', 'librsvg', 'ansi', 'tiff', 'exr', 'psd'].filter((name) => SOURCE_DECODERS.includes(name)),
    [],
  );
  for (const list of [SOURCE_DEMUXERS, SOURCE_DECODERS]) {
    assert.equal(new Set(list).size, list.length);
    assert.ok(list.every((name) => /^[\w-]+$/.test(name)));
  }
});

test('playlists and scripts that name another file are refused, whatever their name', async () => {
  const secret = await media.make('secret.ts', '-f lavfi -i testsrc=s=64x64:r=25:d=0.4 -c:v mpeg2video');
  const names: readonly [string, string][] = [
    ['list.mp4', `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${secret}\n#EXT-X-ENDLIST\n`],
    ['script.mp4', 'ffconcat version 1.0\nfile secret.ts\n'],
  ];
  for (const [name, content] of names) {
    await writeFile(media.path(name), content);
    // Without the lists FFmpeg reads the other file: were that not so, this test would prove nothing.
    assert.match((await open(['-i', media.path(name)])).stdout, /hls|concat/);
    await assert.rejects(
      open(inputArguments({ kind: 'file', path: media.path(name) })),
      /not on whitelist|Invalid data/,
    );
  }
  assert.equal((await open(inputArguments({ kind: 'file', path: secret }))).stdout.trim(), 'mpegts');
});

test('a stored file never reaches the network', async () => {
  let calls = 0;
  const canary = createServer((socket) => {
    calls++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/a.ts`;
    await writeFile(media.path('ssrf.mp4'), `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${url}\n#EXT-X-ENDLIST\n`);
    await assert.rejects(open(inputArguments({ kind: 'file', path: media.path('ssrf.mp4') })));
    await assert.rejects(open([...inputArguments({ kind: 'file', path: '' }).slice(0, -1), url]));
    assert.equal(calls, 0);
  } finally {
    await new Promise((resolve) => canary.close(resolve));
  }
});
