// The probe on media made here: facts against what was made, keyframes against the decoder's, and every refusal.
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { chmod, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { SourceFacts, VideoFacts } from '#domain/source-facts.ts';
import { detectTool } from '#media/capabilities.ts';
import { decoderArguments } from '#media/decoders.ts';
import { examine, isStandard } from '#media/doctor.ts';
import { probeSource } from '#media/probe.ts';
import type { MediaLimits, MediaTool } from '#media/tool.ts';
import { type MadeMedia, openMadeMedia, probeLines, withMatrix } from './made-media.ts';
import { LIMITS } from './sample-facts.ts';

let media: MadeMedia;
let tool: MediaTool;
let film = '';

const X264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p';
const picture = (size: string, rate: string, seconds: number) => `-f lavfi -i testsrc=s=${size}:r=${rate}:d=${seconds}`;
const sound = (seconds: number) => `-f lavfi -i sine=r=48000:d=${seconds}`;

before(async () => {
  media = await openMadeMedia();
  tool = await detectTool({ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', limits: LIMITS.child, hwaccel: 'none' });
  film = await media.make('film.mp4', `${picture('320x180', '25', 4)} ${sound(4)} ${X264} -bf 2 -g 50 -c:a aac -ac 2`);
});
after(() => media[Symbol.asyncDispose]());

const probe = (file: string, changes: Partial<MediaLimits> = {}) =>
  probeSource({ tool, input: { kind: 'file', path: file }, limits: { ...LIMITS, ...changes } });
const video = (facts: SourceFacts): VideoFacts => {
  assert.ok(facts.video);
  return facts.video;
};
const near = (found: number | null, wanted: number, slack = 0.05) =>
  assert.ok(found !== null && Math.abs(found - wanted) <= slack, `${found} is not ${wanted}`);
const refused = (file: string, [code, message]: readonly [string, RegExp], limits: Partial<MediaLimits> = {}) =>
  assert.rejects(probe(file, limits), { code, message });

test('an ordinary film', async () => {
  const facts = await probe(film);
  const { startTime, endTime, bitrate, profile, level, color, ...rest } = video(facts);
  assert.deepEqual(rest, {
    streamIndex: 0,
    codec: 'h264',
    pixelFormat: 'yuv420p',
    bitDepth: 8,
    chroma: '420',
    hasAlpha: false,
    width: 320,
    height: 180,
    sampleAspectRatio: { num: 1, den: 1 },
    rotation: 0,
    mirrored: false,
    displayWidth: 320,
    displayHeight: 180,
    averageFrameRate: { num: 25, den: 1 },
    nominalFrameRate: { num: 25, den: 1 },
    constantFrameRate: true,
    frames: 100,
    fieldOrder: 'progressive',
    hdr: null,
    dolbyVisionProfile: null,
    keyframes: [0, 2],
    longestGop: 2,
    hasBFrames: true,
    hasOpenGops: false,
  });
  assert.deepEqual(
    [startTime, endTime, profile !== null, level !== null, color.range],
    [0, 4, true, true, color.range],
  );
  assert.ok(bitrate > 10_000 && facts.bitrate >= bitrate);
  const [audio] = facts.audio;
  assert.deepEqual(
    [audio?.codec, audio?.channels, audio?.sampleRate, audio?.startTime, facts.streams, facts.scanned],
    ['aac', 2, 48000, 0, 2, true],
  );
  near(facts.duration, 4);
  assert.equal(facts.size, (await stat(film)).size);
  assert.deepEqual(isStandard(facts).standard, true);
});

test('turned and mirrored pictures, as FFmpeg itself shows them', async () => {
  const table: [[number, number, number, number], number, boolean, string][] = [
    [[0, 1, -1, 0], 90, false, '180x320'],
    [[-1, 0, 0, -1], 180, false, '320x180'],
    [[0, -1, 1, 0], 270, false, '180x320'],
    [[-1, 0, 0, 1], 0, true, '320x180'],
    [[0, 1, 1, 0], 270, true, '180x320'],
    [[0, 0, 0, 0], 0, false, '320x180'],
  ];
  for (const [matrix, rotation, mirrored, size] of table) {
    const found = video(await probe(await withMatrix(film, media.path('turned.mp4'), matrix)));
    assert.deepEqual(
      [found.rotation, found.mirrored, `${found.displayWidth}x${found.displayHeight}`],
      [rotation, mirrored, size],
    );
  }
});

test('keyframes are those of the decoder, in any container', async () => {
  const files = [
    film,
    await media.make('film.mkv', `-i ${film} -c copy`),
    await media.make('film.ts', `-i ${film} -c copy`),
    await media.make(
      'scenes.mp4',
      `${picture('320x180', '30000/1001', 5)} ${X264} -bf 3 -g 37 -force_key_frames 0.5,1.7,2.1`,
    ),
    await media.make('film.avi', `${picture('320x180', '15', 4)} -c:v mpeg4 -bf 0 -g 20`),
    await media.make(
      'film.webm',
      `${picture('160x90', '25', 3)} -c:v libvpx -deadline realtime -cpu-used 8 -auto-alt-ref 1 -g 30`,
    ),
  ];
  for (const file of files) {
    const facts = await probe(file);
    const decoded = await probeLines(
      '-select_streams v:0 -skip_frame nokey -show_entries frame=pts_time,pkt_dts_time -of csv=p=0',
      file,
    );
    const wanted = decoded.map((line) => Number(line.split(',').find((one) => one !== '' && one !== 'N/A')));
    assert.deepEqual(
      video(facts).keyframes.map((time) => time.toFixed(3)),
      wanted.map((time) => time.toFixed(3)),
      file,
    );
    const frames = await probeLines(
      '-select_streams v:0 -count_frames -show_entries stream=nb_read_frames -of csv=p=0',
      file,
    );
    assert.equal(video(facts).frames, Number.parseInt(frames[0] ?? '', 10), `${file}: frames`);
    assert.equal(video(facts).constantFrameRate, true, `${file}: constant`);
  }
});

test('rates through rounding containers: exact where constant, told where not', async () => {
  const rates = ['24000/1001', '30000/1001', '60000/1001', '25', '12.5', '50', '7', '1/2'];
  for (const rate of rates) {
    const seconds = rate === '1/2' ? 8 : 3;
    const facts = await probe(await media.make('rate.mkv', `${picture('64x64', rate, seconds)} ${X264}`));
    const [num = 0, den = 1] = rate === '12.5' ? [25, 2] : rate.split('/').map(Number);
    assert.deepEqual([video(facts).constantFrameRate, video(facts).averageFrameRate], [true, { num, den }], rate);
  }
  const gaps = await media.make(
    'gaps.mkv',
    `${picture('64x64', '30', 6)} -vf select=not(between(mod(n\\,60)\\,20\\,50)) -fps_mode vfr ${X264}`,
  );
  const found = video(await probe(gaps));
  assert.deepEqual([found.constantFrameRate, found.nominalFrameRate, found.frames], [false, { num: 30, den: 1 }, 87]);
  near(found.endTime - found.startTime, 6, 0.1);
});

test('a stream that begins at ten hours keeps its own clock', async () => {
  const facts = await probe(
    await media.make('late.ts', `-i ${film} -c copy -output_ts_offset 36000 -muxdelay 0 -muxpreload 0`),
  );
  near(facts.startTime, 36_000, 0.1);
  near(facts.duration, 4, 0.1);
  near(video(facts).startTime, 36_000, 0.1);
  assert.deepEqual([video(facts).keyframes.length, video(facts).averageFrameRate], [2, { num: 25, den: 1 }]);
  assert.ok(examine(facts, LIMITS).some((one) => one.code === 'late_start'));
});

test('a cut in the middle of a group begins with its first keyframe', async () => {
  const whole = await media.make('whole.ts', `-i ${film} -c copy -muxdelay 0 -muxpreload 0`);
  const bytes = await readFile(whole);
  const cut = media.path('cut.ts');
  await writeFile(cut, bytes.subarray(Math.floor(bytes.length / 4 / 188) * 188));
  const facts = await probe(cut);
  assert.equal(video(facts).keyframes[0], video(facts).startTime);
  near(video(facts).startTime - facts.startTime, 1, 0.9);
  assert.ok(examine(facts, LIMITS).some((one) => one.code === 'no_leading_keyframe' && one.severity === 'warning'));
});

test('an edit list that begins between keyframes', async () => {
  const facts = await probe(await media.make('edited.mp4', `-ss 1 -i ${film} -c copy`));
  const { startTime, keyframes, frames } = video(facts);
  near(startTime, 0, 0.1);
  near(keyframes[0] ?? null, 1, 0.1);
  near(frames, 75, 3);
  assert.ok(isStandard(facts).reasons.includes('the first picture is no keyframe'));
});

test('shape and colour of the picture', async () => {
  const wide = video(
    await probe(await media.make('wide.mp4', `${picture('720x576', '25', 0.4)} -vf setsar=64/45 ${X264}`)),
  );
  assert.deepEqual([wide.sampleAspectRatio, wide.displayWidth, wide.displayHeight], [{ num: 64, den: 45 }, 1024, 576]);
  const nearly = video(
    await probe(await media.make('nearly.mp4', `${picture('854x480', '25', 0.2)} -vf setsar=1280/1281 ${X264}`)),
  );
  assert.deepEqual([nearly.sampleAspectRatio, nearly.displayWidth], [{ num: 1, den: 1 }, 854]);
  const absurd = video(
    await probe(await media.make('absurd.mp4', `${picture('64x64', '25', 0.2)} -vf setsar=200/1 ${X264}`)),
  );
  assert.deepEqual([absurd.sampleAspectRatio, absurd.displayWidth], [{ num: 1, den: 1 }, 64]);
  const fields = video(
    await probe(
      await media.make(
        'fields.ts',
        `${picture('720x576', '25', 1)} -c:v mpeg2video -flags +ildct+ilme -top 1 -field_order tt`,
      ),
    ),
  );
  assert.equal(fields.fieldOrder, 'tt');
  const ten = `-vf format=yuv420p10le -c:v libx264 -preset ultrafast -color_trc smpte2084 -color_primaries bt2020 -colorspace bt2020nc`;
  const pq = video(await probe(await media.make('pq.mp4', `${picture('64x64', '25', 0.4)} ${ten}`)));
  assert.deepEqual([pq.hdr, pq.bitDepth, pq.color.primaries], ['pq', 10, 'bt2020']);
  const false8 = video(
    await probe(await media.make('false.mp4', `${picture('64x64', '25', 0.4)} ${X264} -color_trc arib-std-b67`)),
  );
  assert.deepEqual([false8.hdr, false8.color.transfer], [null, 'arib-std-b67']);
  const alpha = video(
    await probe(
      await media.make(
        'alpha.webm',
        `${picture('64x64', '25', 0.4)} -vf format=yuva420p -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -auto-alt-ref 0`,
      ),
    ),
  );
  assert.equal(alpha.hasAlpha, true);
  assert.deepEqual(decoderArguments(alpha, tool), ['-reinit_filter:v', '0', '-c:0', 'libvpx-vp9']);
  assert.deepEqual(decoderArguments(wide, tool), ['-reinit_filter:v', '0']);
});

test('a raw stream without a clock', async () => {
  const found = video(await probe(await media.make('raw.h264', `-i ${film} -c copy -an`)));
  assert.deepEqual(
    [found.frames, found.averageFrameRate, found.startTime, found.endTime],
    [100, { num: 25, den: 1 }, 0, 4],
  );
});

test('cover art is no video; of several videos the largest default one is used', async () => {
  const song = await probe(
    await media.make(
      'song.mp3',
      `${sound(2)} ${picture('100x100', '1', 1)} -map 0 -map 1 -frames:v 1 -c:v mjpeg -disposition:v attached_pic`,
    ),
  );
  assert.deepEqual([song.video, song.coverArt, song.audio[0]?.codec, song.otherVideoStreams], [null, 1, 'mp3', 0]);
  near(song.duration, 2);
  const two = `${picture('64x64', '25', 1)} ${picture('128x96', '25', 1)} ${picture('32x32', '25', 1)} -map 0 -map 1 -map 2 ${X264}`;
  const films = await probe(
    await media.make('films.mkv', `${two} -disposition:v:0 default -disposition:v:1 default -disposition:v:2 0`),
  );
  assert.deepEqual([video(films).streamIndex, video(films).width, films.otherVideoStreams], [1, 128, 2]);
});

test('tracks: the main sound first, languages and titles as they are, subtitles by kind', async () => {
  await writeFile(media.path('a.srt'), '1\n00:00:00,000 --> 00:00:01,000\nHallo\n');
  const args = [
    `${picture('64x64', '25', 1)} ${sound(1)} ${sound(1)} -i a.srt -map 0 -map 1 -map 2 -map 3 ${X264} -c:a aac -c:s srt`,
    '-metadata:s:a:0 language=eng -metadata:s:a:0 title=Comments -disposition:a:0 comment -metadata:s:a:1 language=de -disposition:a:1 default',
    '-metadata:s:s:0 language=hun -disposition:s:0 forced',
  ];
  const facts = await probe(await media.make('tracks.mkv', args.join(' ')));
  assert.deepEqual(
    facts.audio.map((one) => [one.streamIndex, one.language, one.title, one.isDefault]),
    [
      [2, 'de', null, true],
      [1, 'eng', 'Comments', false],
    ],
  );
  assert.deepEqual(facts.subtitles, [
    { streamIndex: 3, codec: 'subrip', kind: 'text', language: 'hun', title: null, isDefault: false, isForced: true },
  ]);
});

test('two frames ten hours apart are no bomb', async () => {
  const facts = await probe(
    await media.make('bomb.mkv', `${picture('64x64', '1', 2)} -vf setpts=N*36000/TB -fps_mode passthrough ${X264}`),
  );
  assert.deepEqual([video(facts).frames, Math.round(facts.duration / 3600)], [2, 10]);
  await refused(
    media.path('bomb.mkv'),
    ['media_limit', /duration of the source is \d+ s; at most 3600 s is allowed \(MAX_DURATION_SECONDS\)/],
    { maxDuration: 3600 },
  );
});

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
    limits: { ...LIMITS, probeTimeLimit: 1 },
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
});

test('cancelling ends the probe with the reason of the signal', async () => {
  const reason = new Error('enough');
  await assert.rejects(
    probeSource({ tool, input: { kind: 'file', path: film }, limits: LIMITS, signal: AbortSignal.abort(reason) }),
    reason,
  );
});

test('the same facts through a loopback range reader', async () => {
  const server = createServer(async (request, response) => {
    const { size } = await stat(film);
    const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '');
    const start = Number(range?.[1] ?? 0);
    const end = Math.min(size, Number(range?.[2] || size - 1) + 1) - 1;
    response.writeHead(206, {
      'content-range': `bytes ${start}-${end}/${size}`,
      'content-length': end - start + 1,
      'accept-ranges': 'bytes',
    });
    createReadStream(film, { start, end })
      .on('error', () => response.destroy())
      .pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/film.mp4`;
    assert.deepEqual(await probeSource({ tool, input: { kind: 'loopback', url }, limits: LIMITS }), await probe(film));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
