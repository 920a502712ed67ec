// The probe on media made here: facts against what was made, keyframes against the decoder's.
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { decoderArguments } from '#media/decoders.ts';
import { examine, isStandard } from '#media/doctor.ts';
import { probeSource } from '#media/probe.ts';
import { probeLines, withEdits, withMatrix } from './made-media.ts';
import { film, media, near, picture, probe, refused, sound, tool, video, X264 } from './probe-made-media.ts';
import { LIMITS } from './sample-facts.ts';

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

test('an edit list of two parts: a copy would show what lies between, or neither', async () => {
  // 25 frames/s in ticks of 1/12800; the delay of B-frames stands before the first.
  const second = 12_800;
  for (const [name, from] of [
    ['parted.mp4', 1024 + 3 * second],
    ['repeated.mp4', 1024],
  ] as const) {
    const edits = [
      [1000, 1024],
      [1000, from],
    ] as const;
    const facts = await probe(await withEdits(film, media.path(name), edits));
    assert.deepEqual([video(facts).frames, video(facts).jumpsBack], [50, true], name);
    assert.ok(isStandard(facts).reasons.includes('an edit list shows parts of it again, or leaves some out'), name);
  }
  assert.equal(video(await probe(film)).jumpsBack, undefined);
});

test('a picture that comes long after the sound', async () => {
  const facts = await probe(
    await media.make('late.mp4', `-i ${film} -itsoffset 20 -i ${film} -map 0:a -map 1:v -c copy`),
  );
  assert.deepEqual([video(facts).frames, facts.audio.length], [100, 1]);
  near(video(facts).startTime, 20);
});

test('packets without a time of their own lie between the others', async () => {
  for (const [name, codec] of [
    ['disc.vob', 'mpeg2video'],
    ['old.mpg', 'mpeg1video'],
  ]) {
    const facts = await probe(
      await media.make(`${name}`, `${picture('64x64', '25', 2)} ${sound(2)} -c:v ${codec} -bf 2 -c:a mp2`),
    );
    const { constantFrameRate, averageFrameRate, frames, startTime, endTime } = video(facts);
    assert.deepEqual([constantFrameRate, averageFrameRate, frames], [true, { num: 25, den: 1 }, 50], name);
    near(endTime - startTime, 2, 0.001);
  }
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
  assert.deepEqual([absurd.absurdAspect, nearly.absurdAspect, wide.absurdAspect], [true, undefined, undefined]);
  const fields = video(
    await probe(
      await media.make(
        'fields.ts',
        `${picture('720x576', '25', 1)} -c:v mpeg2video -flags +ildct+ilme -top 1 -field_order tt`,
      ),
    ),
  );
  assert.equal(fields.fieldOrder, 'tt');
  // Its pictures alone say it.
  const camera = `${picture('128x96', '25', 0.2)} -c:v mpeg4 -flags +ildct+ilme -top 0`;
  const whole = `${picture('128x96', '25', 0.2)} -c:v mpeg4`;
  const tape = `${picture('720x576', '25', 0.08)} -c:v dvvideo -pix_fmt yuv420p`;
  const made = [
    await media.make('fields.avi', camera),
    await media.make('whole.avi', whole),
    await media.make('tape.dv', tape),
  ];
  const orders = await Promise.all(made.map(async (path) => video(await probe(path)).fieldOrder));
  assert.deepEqual(orders, ['bb', 'unknown', 'bb']);
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

test('of several programs of a broadcast, picture and sound are of one', async () => {
  const streams = `${picture('64x64', '25', 1)} ${sound(1)} ${picture('128x96', '25', 1)} ${sound(1)} ${sound(1)} -map 0 -map 1 -map 2 -map 3 -map 4`;
  const programs =
    '-program title=One:program_num=1:st=0:st=1 -program title=Two:program_num=5:st=2:st=3 -program title=Radio:program_num=9:st=4';
  const codecs = `${X264} -c:a mp2 -c:a:0 ac3 -c:a:2 ac3 -ac 2 -ac:a:1 1`;
  const both = await probe(await media.make('programs.ts', `${streams} ${codecs} ${programs}`));
  assert.deepEqual(
    [video(both).width, both.audio.map(({ codec, channels }) => `${codec} ${channels}`), both.otherVideoStreams],
    [128, ['mp2 1'], 0],
  );
  assert.deepEqual(both.program, { number: 5, name: 'Two', others: 2 });
  const one = `${picture('64x64', '25', 1)} ${sound(1)} ${sound(1)} -map 0 -map 1 -map 2 ${X264} -c:a mp2`;
  const alone = await probe(await media.make('program.ts', one));
  assert.deepEqual([alone.program, alone.audio.length], [undefined, 2]);
});

test('JPEGs one behind the other are a film, a photo with a smaller one behind it is a photo', async () => {
  const film = await media.make('film.mjpeg', `${picture('64x48', '25', 0.2)} -c:v mjpeg`);
  assert.deepEqual([(await probe(film)).isStill, video(await probe(film)).frames], [false, 5]);
  const [large, small] = [
    await media.make('large.jpg', `${picture('64x48', '25', 0.04)}`),
    await media.make('small.jpg', `${picture('32x24', '25', 0.04)}`),
  ];
  const photo = media.path('photo.jpg');
  await writeFile(photo, Buffer.concat(await Promise.all([large, small, small].map((path) => readFile(path)))));
  assert.equal((await probe(photo)).isStill, true);
});

test('what hides the picture is passed over: an index that points anywhere, edits that show nothing', async () => {
  const path = await media.make('index.avi', `${picture('64x48', '25', 0.2)} -c:v mjpeg`);
  const bytes = await readFile(path);
  // Entries of 16 bytes: name, flags, offset, size.
  for (let at = bytes.lastIndexOf('idx1') + 8; at + 16 <= bytes.length; at += 16)
    bytes.writeUInt32LE(0x7fff0000, at + 8);
  await writeFile(path, bytes);
  const plain = await media.make('plain.mp4', `${picture('64x48', '25', 0.4)} ${X264}`);
  const hidden = await withEdits(plain, media.path('hidden.mp4'), [[400, 9_999_999]]);
  const found = await Promise.all([probe(path), probe(hidden)]);
  assert.deepEqual(
    found.map(({ passedOver, clock, video }) => [passedOver, clock, video?.frames]),
    [
      ['index', 'jumps', 5],
      ['edits', 'jumps', 10],
    ],
  );
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
