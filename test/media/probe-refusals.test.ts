// What the probe refuses, on media made here: by its limits, by what is no media, by what is cut, locked or not to be decoded.
import assert from 'node:assert/strict';
import { chmod, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { isStandard } from '#media/doctor.ts';
import { probeSource } from '#media/probe.ts';
import { withEdits } from './made-media.ts';
import { film, media, near, picture, probe, refused, sound, tool, video, X264 } from './probe-made-media.ts';
import { LIMITS } from './sample-facts.ts';

test('limits: streams, picture size, and portrait is as good as landscape', async () => {
  const many = await media.make('many.mkv', `${sound(0.2)} ${'-map 0 '.repeat(34)} -c:a pcm_s16le`);
  await refused(many, ['media_limit', /^The number of streams of the source is 34; at most 32/]);
  await refused(film, ['media_limit', /picture size of the source is 320x180; at most 300x300 is allowed/], {
    maxWidth: 300,
    maxHeight: 300,
  });
  const portrait = await media.make('portrait.mp4', `${picture('180x320', '25', 0.2)} ${X264}`);
  assert.equal(video(await probe(portrait, { maxWidth: 320, maxHeight: 180 })).height, 320);
});

test('what is no media is said to be what it is', async () => {
  const table: [string, string | Buffer, string, RegExp][] = [
    ['empty.mp4', '', 'empty_source', /^The source is empty: it has no bytes\.$/],
    [
      'page.mp4',
      '<!DOCTYPE html><html><body>404</body></html>',
      'not_media',
      /^The file is an HTML page, not media\.$/,
    ],
    ['list.mp4', `#EXTM3U\n#EXTINF:1,\nfile://${film}\n`, 'not_media', /playlist/],
    ['script.mp4', `ffconcat version 1.0\nfile ${film}\n`, 'not_media', /FFmpeg script/],
    ['drawing.png', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'not_media', /SVG/],
    [
      'noise.mp4',
      Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i * 7919) % 251)),
      'not_media',
      /nothing in it was recognised/,
    ],
    ['cut.mkv', Buffer.from('1a45dfa30100000000000000', 'hex'), 'corrupt_media', /begins like Matroska or WebM/],
  ];
  for (const [name, content, code, message] of table) {
    await writeFile(media.path(name), content);
    await refused(media.path(name), [code, message]);
  }
  await assert.rejects(probe(media.path('absent.mp4')), { code: 'source_not_found' });
});

test('a file named like a pattern or an option is only a file', async () => {
  const odd = media.path('-y a:b%03d.mp4');
  await writeFile(odd, await readFile(film));
  assert.equal(video(await probe(odd)).frames, 100);
});

test('cut uploads, encrypted media and refused codecs', async () => {
  const cut = await media.make('cut.mp4', `-i ${film} -c copy`);
  await truncate(cut, Math.floor((await stat(cut)).size / 2));
  await refused(cut, [
    'corrupt_media',
    /^The upload was cut: the index \(moov\) is missing\. \d+ bytes that the file announces are not there\.$/,
  ]);
  const key = '00112233445566778899aabbccddeeff';
  const locked = await media.make(
    'locked.mp4',
    `-i ${film} -c copy -encryption_scheme cenc-aes-ctr -encryption_key ${key} -encryption_kid ${key}`,
  );
  await refused(locked, ['encrypted_media', /encrypted/]);
  const unseen = await media.make('unseen.mp4', `-i ${film} -c copy -vn`);
  await refused(await withEdits(unseen, media.path('nothing.mp4'), [[0, 1024]]), ['corrupt_media', /holds no data/]);
  const broadcast = await readFile(await media.make('broadcast.ts', `-i ${film} -c copy`));
  for (let at = 0; at < broadcast.length; at += 188)
    // Tables stay in the clear; of the media the payload is noise.
    if (broadcast.readUInt16BE(at + 1) & 0x100) broadcast.fill(0xa5, at + 4, at + 188)[at + 3] = 0xd0;
  await writeFile(media.path('locked.ts'), broadcast);
  await refused(media.path('locked.ts'), ['encrypted_media', /^The broadcast is scrambled/]);
  const fragments = await readFile(
    await media.make('fragments.mp4', `-i ${film} -c copy -movflags frag_keyframe+empty_moov+default_base_moof`),
  );
  await writeFile(media.path('segment.m4s'), fragments.subarray(fragments.indexOf('moof') - 4));
  await refused(media.path('segment.m4s'), ['corrupt_media', /piece of a fragmented MP4 without its beginning/]);
  const rare = await media.make('rare.mkv', `${picture('64x64', '25', 0.2)} -c:v magicyuv`);
  await refused(rare, ['unsupported_media', /not accepted as a source: magicyuv/]);
  const scan = await media.make('scan.jp2', '-f lavfi -i testsrc2=size=64x64 -frames:v 1');
  await refused(scan, [
    'unsupported_media',
    /picture of a kind that is not accepted \(j2k\); accepted are jpeg, png, .* and gif/,
  ]);
  const lossless = await media.make('lossless.jls', '-f lavfi -i testsrc2=size=64x64 -frames:v 1');
  await refused(lossless, ['unsupported_media', /a coding that cannot be decoded here/]);
});

test('a scan that takes too long falls back to the header; a header that does is refused', async () => {
  const slow = media.path('slow-ffprobe');
  await writeFile(slow, `#!/bin/sh\ncase "$*" in *packet=*) sleep 30;; esac\nexec ${tool.ffprobe} "$@"\n`);
  await chmod(slow, 0o755);
  const input = { kind: 'file', path: film } as const;
  const facts = await probeSource({
    tool: { ...tool, ffprobe: slow },
    input,
    limits: { ...LIMITS, probeTimeLimit: 5 },
    index: null,
  });
  assert.deepEqual(
    [facts.scanned, video(facts).frames, video(facts).averageFrameRate, video(facts).keyframes],
    [false, 100, { num: 25, den: 1 }, []],
  );
  near(facts.duration, 4);
  assert.deepEqual(isStandard(facts).standard, false);
  await writeFile(slow, '#!/bin/sh\nsleep 30\n');
  await assert.rejects(
    probeSource({ tool: { ...tool, ffprobe: slow }, input, limits: { ...LIMITS, probeTimeLimit: 0.3 } }),
    {
      code: 'media_limit',
      message: /header of the file took longer than 0\.3 s \(PROBE_TIMEOUT_SECONDS\)/,
    },
  );
  // Somebody else ended it: that says nothing of the file.
  await writeFile(slow, '#!/bin/sh\nkill -9 $$\n');
  await assert.rejects(probeSource({ tool: { ...tool, ffprobe: slow }, input, limits: LIMITS }), {
    code: 'encode_failed',
    retryable: true,
  });
});
