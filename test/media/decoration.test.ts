import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlatformError } from '#domain/error.ts';
import type { Location } from '#domain/location.ts';
import { burnScript } from '#media/burn-script.ts';
import { drawOn, overlayInputs } from '#media/command/decoration.ts';
import { imageOf } from '#media/plan-decoration.ts';
import { canvasBox, readSlides, slideList, slidesBetween } from '#media/slides.ts';
import { watermarkBox } from '#media/watermark.ts';
import { videoFacts } from './sample-facts.ts';

test('of a stranger’s script only what draws text is kept, and it cannot pass for another format', () => {
  const extracted = [
    '#EXTM3U',
    'file:///etc/passwd',
    '[Script Info]',
    'Title: mine',
    'PlayResX: 640',
    'PlayResY: 360; nonsense\u0000',
    '[V4+ Styles]',
    'Format: Name, Fontname',
    'Style: Default,Arial',
    '[Fonts]',
    'fontname: evil.ttf',
    '!!!!',
    '[Events]',
    'Format: Layer, Start, End, Text',
    'Dialogue: 0,0:00:01.00,0:00:02.00,Hello',
    'Movie: x',
  ].join('\n');
  assert.equal(
    burnScript(extracted, { kind: 'styled', video: videoFacts() }),
    '[Script Info]\nPlayResX: 640\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\nFormat: Layer, Start, End, Text\nDialogue: 0,0:00:01.00,0:00:02.00,Hello\n',
  );
});

test('plain text gets a look of ours, as large as the short side of the picture allows', () => {
  const extracted = '[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Hello\n';
  const size = (displayWidth: number, displayHeight: number) =>
    /Style: Default,sans-serif,(\d+),/.exec(
      burnScript(extracted, { kind: 'plain', video: videoFacts({ displayWidth, displayHeight }) }),
    )?.[1];
  assert.deepEqual([size(1920, 1080), size(1080, 1920), size(320, 180)], ['65', '65', '11']);
  assert.throws(() => burnScript('[Events]\n', { kind: 'plain', video: videoFacts() }), PlatformError);
});

test('slides: ends of their own count where nothing follows first', () => {
  const slides = readSlides(
    ['12000.png', '1000.png', '5000.png', 'blank.txt'],
    [
      'pts_time=1.000|start_display_time=0|end_display_time=2000|num_rects=1',
      'pts_time=5.000|start_display_time=0|end_display_time=9000|num_rects=1',
      'pts_time=12.000|start_display_time=0|end_display_time=4294967295|num_rects=0',
    ],
  );
  assert.deepEqual(slides, [
    { at: 1, picture: '1000.png' },
    { at: 3, picture: null },
    { at: 5, picture: '5000.png' },
    { at: 12, picture: '12000.png' },
  ]);
  // A chunk that begins while one is shown begins with it.
  const shown = slidesBetween(slides, 2, 6);
  assert.deepEqual(shown, [
    { from: 0, until: 1, picture: '1000.png' },
    { from: 1, until: 3, picture: null },
    { from: 3, until: 4, picture: '5000.png' },
  ]);
  assert.equal(
    slideList(shown.slice(0, 2), 'blank.png'),
    "ffconcat version 1.0\nfile '1000.png'\noption framerate 1000\nduration 1.000\nfile 'blank.png'\noption framerate 1000\nduration 2.000\n",
  );
  assert.deepEqual(slidesBetween([], 10, 20), [{ from: 0, until: 10, picture: null }]);
});

test('a canvas of the stored picture is stretched with it, another lies wholly inside', () => {
  const dvd = videoFacts({ width: 720, height: 576, displayWidth: 1024, displayHeight: 576 });
  const canvas = { width: 720, height: 576 };
  assert.deepEqual(canvasBox({ width: 1024, height: 576, fit: 'contain' }, canvas, dvd), {
    width: 1024,
    height: 576,
    x: 0,
    y: 0,
  });
  assert.deepEqual(canvasBox({ width: 576, height: 576, fit: 'pad' }, canvas, dvd), {
    width: 576,
    height: 324,
    x: 0,
    y: 126,
  });
  const cropped = videoFacts({ width: 1920, height: 800, displayWidth: 1920, displayHeight: 800 });
  assert.deepEqual(canvasBox({ width: 1920, height: 800, fit: 'contain' }, { width: 1920, height: 1080 }, cropped), {
    width: 1422,
    height: 800,
    x: 248,
    y: 0,
  });
});

test('a watermark keeps its aspect, its corner and its margin', () => {
  const box = (position: 'top-left' | 'top-right' | 'bottom-left' | 'bottom-right' | 'center', scale = 0.2) =>
    watermarkBox({ width: 1280, height: 720 }, { width: 400, height: 100 }, { position, scale, margin: 0.05 });
  assert.deepEqual(box('top-left'), { width: 256, height: 64, x: 36, y: 36 });
  assert.deepEqual(box('top-right'), { width: 256, height: 64, x: 988, y: 36 });
  assert.deepEqual(box('bottom-left'), { width: 256, height: 64, x: 36, y: 620 });
  assert.deepEqual(box('bottom-right'), { width: 256, height: 64, x: 988, y: 620 });
  assert.deepEqual(box('center'), { width: 256, height: 64, x: 512, y: 328 });
  const tall = watermarkBox(
    { width: 1280, height: 720 },
    { width: 100, height: 400 },
    { position: 'center', scale: 1, margin: 0.05 },
  );
  assert.deepEqual(tall, { width: 162, height: 648, x: 558, y: 36 });
});

test('text is drawn by the script’s clock and numbers stay exact; overlays follow', () => {
  const overlay = (name: string, size: { width: number; height: number } | null) => ({
    inputArguments: ['-i', name],
    x: 4,
    y: 6,
    size,
  });
  const drawing = {
    text: { file: 'burn-2.ass', zero: 36000 },
    overlays: [overlay('slides', { width: 640, height: 360 }), overlay('mark', null)],
  };
  const other = { text: null, overlays: [overlay('slides', { width: 320, height: 180 })] };
  const { args, numbers } = overlayInputs([drawing, null, other]);
  assert.deepEqual(
    [args, numbers],
    [
      ['-i', 'slides', '-i', 'mark'],
      [[1, 2], [], [1]],
    ],
  );
  const clock = { fps: { num: 30000, den: 1001 }, start: 36012.5 };
  assert.equal(
    drawOn(['scale=640:360', 'format=yuv420p'], {
      drawing,
      inputs: [1, 2],
      clock,
      video: videoFacts(),
      pixelFormat: 'yuv420p',
      label: 'd0',
    }),
    'scale=640:360,format=yuv420p,settb=1/1000000,setpts=PTS+(12.500000)/TB,subtitles=filename=burn-2.ass,settb=1001/30000,setpts=N[d0u0];' +
      '[1:v]format=rgba,scale=640:360:flags=bicubic:out_color_matrix=bt709:out_range=tv,format=yuva420p[d0o0];' +
      '[d0u0][d0o0]overlay=x=4:y=6:format=yuv420:eof_action=repeat,format=yuv420p[d0u1];' +
      '[2:v]format=rgba,scale=out_color_matrix=bt709:out_range=tv,format=yuva420p[d0o1];' +
      '[d0u1][d0o1]overlay=x=4:y=6:format=yuv420:eof_action=repeat,format=yuv420p',
  );
});

test('outputs with one watermark share its image; what came inside a request is never taken for another', () => {
  const mark = (source: Location) => ({
    watermark: { source, position: 'center' as const, opacity: 1, scale: 0.1, margin: 0 },
  });
  const file = { kind: 'file', path: 'logo.png' } as const;
  const inline = { kind: 'inline', data: '', filename: null } as const;
  const specs = [{ watermark: null }, mark(file), mark(inline), mark(inline), mark({ ...file })];
  assert.deepEqual(
    [1, 2, 3, 4].map((i) => imageOf(specs, i)),
    [1, 2, 3, 1],
  );
});
