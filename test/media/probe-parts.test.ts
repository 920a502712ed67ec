// The pure parts of the probe: matrices, pixel formats, frame clocks, sniffing, ffprobe's output.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { Rational } from '#domain/source-facts.ts';
import { readDisplayMatrix, readExifOrientation } from '#media/display-matrix.ts';
import { FrameClock } from '#media/frame-clock.ts';
import { readPixelFormat } from '#media/pixel-format.ts';
import { ProbeLog } from '#media/probe-log.ts';
import { ProbeOutput } from '#media/probe-output.ts';
import { StreamScan } from '#media/probe-packets.ts';
import { sniffContent } from '#media/sniff.ts';

const matrix = (...[a, b, c, d]: [number, number, number, number]) =>
  `\n00000000: ${a} ${b} 0\n00000001: ${c} ${d} 0\n00000002: 70778880 0 1073741824\n`;

test('display matrices: quarters, mirrorings, scales, garbage', () => {
  const one = 65536;
  const table: [string, number, boolean][] = [
    [matrix(one, 0, 0, one), 0, false],
    [matrix(0, one, -one, 0), 90, false],
    [matrix(-one, 0, 0, -one), 180, false],
    [matrix(0, -one, one, 0), 270, false],
    [matrix(-one, 0, 0, one), 0, true],
    [matrix(one, 0, 0, -one), 180, true],
    [matrix(0, one, one, 0), 270, true],
    [matrix(0, -one, -one, 0), 90, true],
    [matrix(0, 2 * one, -2 * one, 0), 90, false],
    [matrix(4000, one, -one, 4000), 90, false],
    [matrix(0, 0, 0, 0), 0, false],
    ['nonsense', 0, false],
    ['', 0, false],
  ];
  for (const [text, rotation, mirrored] of table)
    assert.deepEqual(readDisplayMatrix(text), { rotation, mirrored }, text);
});

test('flip, then turn: EXIF orientations put the corners where EXIF 2.3 says', () => {
  // Where the stored top-left and top-right corners must be shown, by the specification's table.
  const corners: Readonly<Record<number, [string, string]>> = {
    1: ['top left', 'top right'],
    2: ['top right', 'top left'],
    3: ['bottom right', 'bottom left'],
    4: ['bottom left', 'bottom right'],
    5: ['top left', 'bottom left'],
    6: ['top right', 'bottom right'],
    7: ['bottom right', 'top right'],
    8: ['bottom left', 'top left'],
  };
  for (const [value, expected] of Object.entries(corners)) {
    const { rotation, mirrored } = readExifOrientation(Number(value));
    const show = (x: number, y: number) => {
      let [a, b] = [mirrored ? -x : x, y];
      for (let turned = 0; turned < rotation; turned += 90) [a, b] = [-b, a];
      return `${b < 0 ? 'top' : 'bottom'} ${a < 0 ? 'left' : 'right'}`;
    };
    assert.deepEqual([show(-1, -1), show(1, -1)], expected, `orientation ${value}`);
  }
});

test('pixel formats', () => {
  const names = [
    'yuv420p',
    'yuvj422p',
    'yuv420p10le',
    'p010le',
    'p416le',
    'yuva444p12le',
    'gbrp',
    'gbrap10le',
    'bgra',
    'gray',
    'gray16be',
    'ya8',
    'pal8',
    'rgb48be',
    'x2rgb10le',
    'yuv410p',
    'nv12',
  ];
  assert.deepEqual(
    names.map((name) => {
      const facts = readPixelFormat(name);
      return `${name} ${facts.bitDepth} ${facts.chroma}${facts.hasAlpha ? ' alpha' : ''}${facts.fullRange ? ' full' : ''}`;
    }),
    [
      'yuv420p 8 420',
      'yuvj422p 8 422 full',
      'yuv420p10le 10 420',
      'p010le 10 420',
      'p416le 16 444',
      'yuva444p12le 12 444 alpha',
      'gbrp 8 rgb',
      'gbrap10le 10 rgb alpha',
      'bgra 8 rgb alpha',
      'gray 8 400',
      'gray16be 16 400',
      'ya8 8 400 alpha',
      'pal8 8 rgb alpha',
      'rgb48be 16 rgb',
      'x2rgb10le 10 rgb',
      'yuv410p 8 null',
      'nv12 8 420',
    ],
  );
});

function clock(times: readonly number[], tick: Rational, declared: Rational | null = null): string {
  const one = new FrameClock();
  for (const time of times) one.add(time);
  const { constant, skips, average, nominal } = one.finish(tick, declared);
  const text = (rate: Rational | null) => (rate === null ? 'none' : `${rate.num}/${rate.den}`);
  return `${constant ? 'constant' : skips ? 'skipping' : 'varying'} ${text(average)}${constant ? '' : `, mostly ${text(nominal)}`}`;
}

test('frame clocks: rounding is forgiven, real changes are not', () => {
  const ms = { num: 1, den: 1000 };
  const frames = (count: number, fps: number, [unit, from]: readonly [number, number] = [1000, 0]) =>
    Array.from({ length: count }, (_, n) => Math.round((n / fps + from) * unit));
  const film = 24000 / 1001;
  // decode order of a stream with B-frames
  const reordered = frames(300, 25, [12800, 0])
    .flatMap((_, i, all) => (i % 3 === 0 ? [all[i + 2], all[i], all[i + 1]] : []))
    .filter((time) => time !== undefined);
  const ticks90 = { num: 1, den: 90_000 };
  // Runs of frames that last so many fields each.
  const limping = (...runs: readonly (readonly [count: number, fields: number])[]) =>
    runs
      .flatMap(([count, fields]) => Array.from({ length: count }, () => fields))
      .map((_, i, fields) => Math.round(fields.slice(0, i).reduce((sum, one) => sum + one, 0) * 1501.5));
  const pulldown = (count: number, unit: number, phase = 0) =>
    Array.from({ length: count }, (_, n) => Math.round((Math.floor((5 * n + 1 - phase) / 2) * 1001 * unit) / 60_000));
  const sparse = Array.from({ length: 24 }, (_, n) => n * 6 + (n % 4 === 3 ? 3 : 0));
  const table: [string, string, string][] = [
    ['23.976 in milliseconds', clock(frames(2000, film), ms), 'constant 24000/1001'],
    ['24 in milliseconds', clock(frames(2000, 24), ms), 'constant 24/1'],
    ['59.94 in milliseconds', clock(frames(2000, 60000 / 1001), ms), 'constant 60000/1001'],
    [
      '29.97 in 90 kHz, from ten hours on',
      clock(frames(500, 30000 / 1001, [90000, 36_000]), { num: 1, den: 90000 }),
      'constant 30000/1001',
    ],
    [
      'few frames: the declared rate decides',
      clock(frames(20, film), ms, { num: 24000, den: 1001 }),
      'constant 24000/1001',
    ],
    ['B-frames', clock(reordered, { num: 1, den: 12800 }), 'constant 25/1'],
    ['12.5', clock(frames(100, 12.5, [90000, 0]), { num: 1, den: 90000 }), 'constant 25/2'],
    ['one tick a frame', clock(frames(100, 15, [15, 0]), { num: 1, den: 15 }), 'constant 15/1'],
    [
      'one tick a frame, one missing',
      clock(
        frames(100, 15, [15, 0]).filter((n) => n !== 50),
        { num: 1, den: 15 },
      ),
      'skipping 490/33, mostly 15/1',
    ],
    [
      'a tick of jitter',
      clock(
        frames(1000, 30, [90000, 0]).map((time, n) => time + (n % 2)),
        { num: 1, den: 90000 },
      ),
      'constant 30/1',
    ],
    [
      'one frame missing',
      clock(
        frames(1000, 25).filter((_, n) => n !== 500),
        ms,
      ),
      'skipping 24950/999, mostly 25/1',
    ],
    [
      'every fourth frame missing',
      clock(
        frames(1000, 25).filter((_, n) => n % 4 !== 3),
        ms,
      ),
      'varying 18725/998, mostly 25/1',
    ],
    ['24, then 25', clock([...frames(240, 24), ...frames(240, 25, [1000, 10])], ms), 'varying 11975/489, mostly 25/1'],
    [
      'soft telecine of 90 kHz',
      clock(pulldown(200, 90_000), ticks90, { num: 60_000, den: 1001 }),
      'constant 24000/1001',
    ],
    [
      'soft telecine that begins with the short one',
      clock(pulldown(200, 90_000, 1), ticks90, { num: 30_000, den: 1001 }),
      'constant 24000/1001',
    ],
    ['soft telecine in milliseconds', clock(pulldown(900, 1000), ms), 'constant 24000/1001'],
    [
      'half of it long frames, then short ones',
      clock(limping([300, 2], [300, 3]), ticks90),
      'varying 23960/999, mostly 30000/1001',
    ],
    [
      'a clock of frames, few of them there',
      clock(sparse, { num: 1, den: 25 }, { num: 25, den: 1 }),
      'varying 575/141, mostly 25/1',
    ],
    [
      'the same in milliseconds',
      clock(
        sparse.map((n) => n * 40),
        ms,
        { num: 25, den: 1 },
      ),
      'varying 575/141, mostly 25/6',
    ],
    ['doubled timestamps', clock([0, 40, 40, 80, 120, 160], ms), 'varying 125/4, mostly 25/1'],
    ['two frames hours apart', clock([0, 36_000_000], ms), 'constant 1/36000'],
    ['one frame', clock([123], ms), 'constant none'],
    ['no frame', clock([], ms), 'constant none'],
  ];
  for (const [name, found, expected] of table) assert.equal(found, expected, name);
});

test('keyframes of an intra-only film of hours stay a bounded list', () => {
  const scan = new StreamScan('video');
  const count = 400_000;
  for (let n = 0; n < count; n++) {
    scan.add({
      type: 'video',
      pts: n,
      dts: n,
      duration: 1,
      size: 10,
      isKey: true,
      isDiscarded: false,
      isEncrypted: false,
    });
  }
  assert.ok(scan.keyframes.length <= 50_000 && scan.keyframes.length > 10_000, String(scan.keyframes.length));
  assert.ok(scan.keyframes.every((time, i) => i === 0 || time > (scan.keyframes[i - 1] ?? 0)));
  assert.deepEqual([scan.shown, scan.start, scan.end, scan.longestGop], [count, 0, count, 1]);
});

test('packets before the first keyframe, leading pictures and hidden frames', () => {
  const scan = new StreamScan('video');
  const add = (pts: number | null, flags: string, dts = pts) =>
    scan.add({
      type: 'video',
      pts,
      dts,
      duration: 10,
      size: 100,
      isKey: flags.includes('K'),
      isDiscarded: flags.includes('D'),
      isEncrypted: false,
    });
  add(0, '');
  add(10, '');
  add(50, 'K');
  add(30, ''); // hangs on the group before
  add(70, 'D');
  add(80, '');
  add(60, '');
  add(null, '', 90);
  assert.deepEqual(
    [
      scan.packets,
      scan.shown,
      scan.undecodable,
      scan.discarded,
      scan.start,
      scan.end,
      scan.keyframes,
      scan.hasReordering,
    ],
    [8, 4, 3, 1, 50, 100, [50], true],
  );
});

test('what the first bytes say', () => {
  const latin = (text: string) => Buffer.from(text, 'latin1');
  const table: [Buffer, string][] = [
    [latin('\xff\xd8\xff\xe0JFIF'), 'still jpeg'],
    [latin('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), 'still png'],
    [latin(`\x89PNG\r\n\x1a\n\0\0\0\rIHDR${'\0'.repeat(17)}\0\0\0\x08acTL`), 'media APNG'],
    [latin('RIFF....WEBPVP8X'), 'still webp'],
    [latin('RIFF....WAVEfmt '), 'media WAVE'],
    [latin('\0\0\0\x18ftypavif\0\0\0\0mif1avif'), 'still avif'],
    [latin('\0\0\0\x18ftypmif1\0\0\0\0mif1heic'), 'still heic'],
    [latin('\0\0\0\x18ftypheic\0\0\0\0mif1heic'), 'still heic'],
    [latin('\0\0\0\x18ftypisom\0\0\0\0mp42'), 'media MP4'],
    [latin('GIF89a'), 'media GIF'],
    [latin('II*\0'), 'still tiff'],
    [latin(`BM${'\0'.repeat(12)}\x28\0\0\0`), 'still bmp'],
    [latin('YUV4MPEG2 W320 H180 F25:1\nFRAME\n((((((((('), 'media YUV4MPEG2'],
    [latin('MThd\0\0\0\x06'), 'foreign a MIDI file: it holds notes for an instrument, not sound'],
    [latin('\xff\x0a\x7f\x1f'), 'foreign a JPEG XL picture, which is not accepted'],
    [latin('\0\0\0\x0cJXL \r\n\x87\n'), 'foreign a JPEG XL picture, which is not accepted'],
    [latin('RIFF....RMIDdata'), 'foreign a MIDI file: it holds notes for an instrument, not sound'],
    [latin('BMW is a maker of cars, and this is a text.'), 'foreign plain text, not media'],
    [Buffer.from('\ufeff#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd'), 'foreign a playlist (M3U8), not the media it names'],
    [latin('ffconcat version 1.0\nfile /etc/passwd'), 'foreign an FFmpeg script, not media'],
    [latin('<!DOCTYPE html><html>404'), 'foreign an HTML page, not media'],
    [
      latin('<?xml version="1.0"?>\n<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<svg/>'),
      'foreign an SVG drawing',
    ],
    [latin('<?xml version="1.0"?><MPD xmlns="x"/>'), 'foreign a DASH manifest, not the media it names'],
    [latin('v=0\r\no=- 0 0 IN IP4 127.0.0.1'), 'foreign a session description (SDP), not media'],
    [latin('push graphic-context\nimage over 0,0'), 'foreign a drawing script (MVG), not a picture'],
    [latin('%PDF-1.7'), 'foreign a PDF document'],
    [latin('PK\x03\x04'), 'foreign a ZIP archive or an office document'],
    [latin(`${'\x47'.padEnd(188, '\x01')}\x47`), 'media MPEG-TS'],
    [latin('\x01\x02\x03\x00\x80'), 'unknown'],
    [Buffer.from('Größe: 12 µm – ein Text in UTF-8'), 'foreign plain text, not media'],
  ];
  for (const [head, expected] of table) {
    const found = sniffContent(head, 10_000);
    const told = [found.kind, 'format' in found ? found.format : 'what' in found ? found.what : ''].join(' ').trim();
    assert.equal(told, expected, head.toString('latin1').slice(0, 30));
  }
});

test("ffprobe's output in any pieces, with programs, side data and escapes", async () => {
  const text = [
    'packet|codec_type=video|stream_index=0|pts=0|dts=-512|duration=512|size=100|flags=K__',
    'packet|codec_type=audio|stream_index=1|pts=N/A|dts=5|duration=N/A|size=20|flags=KD|side_data|side_data_type=Skip Samples',
    '',
    'packet|codec_type=video|stream_index=0|pts=512|dts=0|duration=512|size=50|flags=___|side_data|side_data_type=Encryption info',
    'program|program_num=7|nb_streams=2|tag:service_name=One\\|1|stream|index=0|codec_name=h264|codec_type=video',
    '',
    'stream|index=1|codec_name=aac|codec_type=audio',
    'program|program_num=8|nb_streams=0',
    'stream|index=0|codec_name=h264|codec_type=video|tag:title=a\\|b\\\\c\\nd=e|side_data|side_data_type=DOVI configuration record|dv_profile=8',
    'side_data|side_data_type=Display Matrix|displaymatrix=\\n00000000: 0 1 0\\n|rotation=-90',
    'stream|index=1|codec_name=aac|codec_type=audio',
    'format|nb_streams=2|format_name=mov,mp4|duration=1.5',
  ].join('\n');
  for (const size of [1, 7, 64, 10_000]) {
    const output = new ProbeOutput();
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      Buffer.from(text.slice(i * size, (i + 1) * size)),
    );
    await output.read(Readable.from(pieces));
    const [video, audio] = [output.streams.get(0), output.scans.get(1)];
    assert.deepEqual([...output.streams.keys()], [0, 1]);
    assert.equal(video?.values.get('tag:title'), 'a|b\\c\nd=e');
    assert.deepEqual(
      video?.sideData.map((data) => data.get('dv_profile') ?? data.get('displaymatrix')),
      ['8', '\n00000000: 0 1 0\n'],
    );
    const scan = output.scans.get(0);
    assert.deepEqual([scan?.packets, scan?.bytes, scan?.encrypted, scan?.start, scan?.end], [2, 150, 1, 0, 1024]);
    assert.deepEqual([audio?.packets, audio?.discarded, audio?.shown], [1, 1, 0]);
    assert.equal(output.format.get('duration'), '1.5');
    assert.deepEqual(
      output.programs.map(({ values, streams }) => [
        values.get('program_num'),
        values.get('tag:service_name'),
        ...streams,
      ]),
      [
        ['7', 'One|1', 0, 1],
        ['8', undefined],
      ],
    );
  }
});

test('the log keeps what tells of damage, each once, without addresses and paths', () => {
  const log = new ProbeLog();
  for (const line of [
    '[h264 @ 0x55d] [error] no frame!',
    '[h264 @ 0x77a] [error] no frame!',
    '    Last message repeated 3 times',
    '[warning] Unsupported codec with id 0 for input stream 2',
    '[mov,mp4 @ 0x1] [error] hit EOF while reading sub-sample encryption info',
    "[hls @ 0x1] [error] Format not on whitelist 'mov'",
    "[magicyuv @ 0x1] [error] Codec (magicyuv) not on whitelist 'h264'",
    '[error] file:/data/x.mp4: Invalid data found when processing input',
  ]) {
    log.add(line);
  }
  assert.deepEqual(log.complaints, ['[h264] no frame!', '[mov,mp4] hit EOF while reading sub-sample encryption info']);
  assert.deepEqual(
    [[...log.refusedFormats], [...log.refusedCodecs], log.mentionsEncryption],
    [['hls'], ['magicyuv'], true],
  );
});
