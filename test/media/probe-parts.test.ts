// The pure parts of the probe: matrices, pixel formats, sniffing, ffprobe's output.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readDisplayMatrix, readExifOrientation } from '#media/display-matrix.ts';
import { readPixelFormat } from '#media/pixel-format.ts';
import { ProbeLog } from '#media/probe-log.ts';
import { ProbeOutput } from '#media/probe-output.ts';
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

test('packets of more streams than a source may have are not counted', () => {
  const output = new ProbeOutput(false, 32);
  for (let line = 0; line < 2000; line++)
    output.addLine(`packet|codec_type=video|stream_index=${line % 1000}|pts=0|dts=0|duration=1|size=1|flags=K_`);
  // One more than allowed is enough to be refused for.
  assert.deepEqual([output.scans.size, output.scans.get(0)?.packets, output.scans.has(33)], [33, 2, false]);
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
