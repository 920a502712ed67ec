// The operations through a real worker, a thin slice of the matrix (`npm run test:operations` runs all of it), and what each nonsense is told.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it, test } from 'node:test';
import sharp from 'sharp';
import { OPERATION_NAMES } from '#domain/operations/registry.ts';
import { describeMedia, needTool, readFrames } from '../kit/decode.ts';
import { type MadeMedia, openMadeMedia } from '../media/made-media.ts';
import { CASES, type Case } from './cases.ts';
import { type Conversion, type Converter, openConverter } from './conversion.ts';
import { caseName } from './report.ts';
import { runCase } from './run-case.ts';
import { makeSource } from './sources.ts';

let media: MadeMedia;
let converter: Converter;
before(async () => {
  media = await openMadeMedia();
  converter = await openConverter([media.folder]);
});
after(async () => {
  await converter[Symbol.asyncDispose]();
  await media[Symbol.asyncDispose]();
});

/** Operation, source, format: every operation, every kind of source, every output format once. */
const SLICE = [
  'video_compress mp4.mp4 mp4',
  'video_compress mp4.mp4 mkv',
  'video_convert avi.avi webm',
  'video_convert mov.mov mp4',
  'video_convert wmv.wmv mov',
  'video_convert flv.flv gif',
  'video_convert turned.mp4 mp4',
  'video_convert surround.mp4 flv',
  'video_convert mp4.mp4 3gp',
  'video_convert mp4.mp4 ts',
  'video_convert hdr.mp4 avi',
  'video_convert mp4.mp4 wmv',
  'video_convert mp4.mp4 mpg',
  'video_convert silent.mp4 ogv',
  'video_resize mkv.mkv mkv',
  'video_trim mp4.mp4 mp4',
  'video_thumbnail webm.webm jpg',
  'video_to_gif mp4.mp4 webp',
  'image_convert alpha.png jpg',
  'image_convert heic.heic png',
  'image_convert bmp.bmp avif',
  'image_convert cmyk.jpg tiff',
  'image_convert moving.gif webp',
  'image_convert moving.gif avif',
  'image_resize turned.jpg jpg',
  'image_resize moving.webp webp',
  'image_compress png.png webp',
  'audio_convert flac.flac mp3',
  'audio_convert wma.wma ogg',
  'audio_convert surround.wav opus',
  'audio_convert deep-96k.flac flac',
  'audio_convert mp3.mp3 m4b',
  'audio_convert surround.wav ac3',
  'audio_convert aiff.aiff wma',
  'audio_convert deep-96k.flac aiff',
  'audio_extract surround.mp4 m4a',
  'audio_extract webm.webm wav',
  'audio_extract mp4.mp4 aac',
  'audio_normalize mp3.mp3 mp3',
];

const short = ({ operation, source, format }: Case) => `${operation} ${source} ${format}`;
const slice = SLICE.map((name) => {
  const one = CASES.find((candidate) => short(candidate) === name);
  if (!one) throw new Error(`the matrix has no ${name}`);
  return one;
});

test('the slice holds every operation and every output format', () => {
  assert.deepEqual(new Set(slice.map(({ operation }) => operation)), new Set(OPERATION_NAMES));
  const formats = (cases: readonly Case[]) => new Set(cases.map(({ format }) => format));
  assert.deepEqual(formats(slice), formats(CASES));
});

// Pictures, sounds and films have workers of their own: beside each other none waits for another.
describe('the slice', { concurrency: 3 }, () => {
  for (const one of slice)
    it(caseName(one), async () => {
      assert.deepEqual((await runCase({ media, converter }, one)).misses, []);
    });
});

async function make(
  operation: string,
  parameters: Record<string, unknown>,
  source: string,
): Promise<Conversion & { path: string }> {
  const made = await converter.convert(operation, parameters, await makeSource(media, source));
  if (made.path === null) throw new Error(`${made.failure?.code}: ${made.failure?.message}`);
  return { ...made, path: made.path };
}

test('a trim begins and ends at the very frame', async () => {
  const { path } = await make('video_trim', { start: 0.52, end: 2 }, 'mp4.mp4');
  const [stream] = (await describeMedia(path)).streams.filter(({ type }) => type === 'video');
  assert.ok(stream);
  assert.equal((await readFrames(path, stream)).length, 37);
  const source = media.path('mp4.mp4');
  const likeness = async (ours: number, theirs: number) => {
    const graph = `[0:v]trim=start_frame=${ours}:end_frame=${ours + 1},setpts=0[a];[1:v]trim=start_frame=${theirs}:end_frame=${theirs + 1},setpts=0[b];[a][b]ssim`;
    const { stderr } = await needTool('ffmpeg', [
      '-nostdin',
      '-i',
      path,
      '-i',
      source,
      '-filter_complex',
      graph,
      '-f',
      'null',
      '-',
    ]);
    return Number(/All:([\d.]+)/.exec(stderr)?.[1]);
  };
  for (const [ours, theirs] of [
    [0, 13],
    [36, 49],
  ] as const) {
    const right = await likeness(ours, theirs);
    assert.ok(right > 0.97, `frame ${ours}: ${right}`);
    for (const near of [theirs - 1, theirs + 1])
      assert.ok(right > (await likeness(ours, near)) + 0.005, `frame ${ours} is as like ${near}`);
  }
});

test('a copy of a film in another container is the same film', async () => {
  const { path } = await make('video_convert', { output_format: 'mkv' }, 'mov.mov');
  const packets = async (file: string) =>
    (
      await needTool('ffprobe', [
        '-v',
        'error',
        '-select_streams',
        'v',
        '-show_entries',
        'packet=size',
        '-of',
        'csv',
        file,
      ])
    ).stdout.toString();
  assert.equal(await packets(path), await packets(media.path('mov.mov')));
  // Where it was taken stays behind.
  assert.doesNotMatch((await needTool('ffprobe', ['-v', 'error', '-show_format', path])).stdout.toString(), /52\.5/);
});

test('songs keep their tags and their cover, not the place they were recorded at', async () => {
  await media.make('cover.png', '-f lavfi -i testsrc2=size=64x64 -frames:v 1');
  const song = await media.make(
    'song.mp3',
    `-f lavfi -i sine=440:duration=1 -i ${media.path('cover.png')} -map 0 -map 1 -c:a libmp3lame -c:v copy -disposition:v:0 attached_pic -metadata title=Song -metadata artist=Someone -metadata location=+52.5+013.4/`,
  );
  for (const format of ['m4a', 'flac', 'ogg', 'mp3']) {
    const { path, failure } = await converter.convert('audio_convert', { output_format: format }, song);
    assert.ok(path, `${failure?.message}`);
    const seen = (await needTool('ffprobe', ['-v', 'error', '-show_format', '-show_streams', path])).stdout.toString();
    assert.match(seen, /TAG:title=Song/i, format);
    assert.match(seen, /TAG:artist=Someone/i, format);
    assert.doesNotMatch(seen, /52\.5/, format);
    assert.equal(/DISPOSITION:attached_pic=1/.test(seen), format !== 'ogg', format);
  }
  const bare = await converter.convert('audio_convert', { output_format: 'mp3', metadata: 'none' }, song);
  const seen = (
    await needTool('ffprobe', ['-v', 'error', '-show_format', '-show_streams', bare.path ?? ''])
  ).stdout.toString();
  assert.doesNotMatch(seen, /Song|Someone|attached_pic=1/);
});

test('a picture tells no place, unless asked', async () => {
  const meta = async (metadata: string) => {
    const { path } = await make('image_convert', { output_format: 'jpg', metadata }, 'turned.jpg');
    return (await sharp(path).metadata()).exif?.toString('latin1') ?? '';
  };
  assert.match(await meta('safe'), /Camera 1/);
  assert.doesNotMatch(await meta('safe'), /\x25\x88|\x88\x25/);
  assert.match(await meta('all'), /\x25\x88|\x88\x25/);
});

test('what cannot be is refused with a code and in words', async () => {
  const svg = media.path('drawing.png');
  await writeFile(svg, '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  const pdf = media.path('paper.jpg');
  await writeFile(pdf, '%PDF-1.7\n1 0 obj\n');
  const empty = media.path('empty.mp4');
  await writeFile(empty, '');
  const bomb = media.path('bomb.png');
  await sharp({ create: { width: 12_000, height: 9000, channels: 3, background: '#000' } })
    .png()
    .toFile(bomb);
  const film = await makeSource(media, 'mp4.mp4');
  const silent = await makeSource(media, 'silent.mp4');
  const photo = await makeSource(media, 'jpg.jpg');
  const song = await makeSource(media, 'mp3.mp3');
  const nonsense: readonly (readonly [string, Record<string, unknown>, string, string, RegExp])[] = [
    ['image_convert', { output_format: 'png' }, svg, 'not_media', /SVG/],
    ['image_convert', { output_format: 'png' }, pdf, 'not_media', /PDF/],
    ['video_compress', {}, empty, 'empty_source', /no bytes/],
    ['image_resize', { width: 10 }, bomb, 'media_limit', /12000x9000/],
    ['image_resize', { width: 10 }, film, 'unsupported_media', /the file is mp4/],
    ['video_compress', {}, photo, 'unsupported_media', /the file is jpg/],
    ['audio_convert', { output_format: 'mp3' }, film, 'unsupported_media', /audio_extract/],
    ['audio_extract', {}, silent, 'no_audio', /no sound/],
    ['audio_normalize', {}, silent, 'no_audio', /no sound/],
    ['video_trim', { start: 100 }, film, 'invalid_request', /start is 100 s, but the source lasts 3\./],
    ['video_thumbnail', { time: 100 }, film, 'invalid_request', /start is 100 s/],
    [
      'video_trim',
      { start: 1, mode: 'copy', output_format: 'webm' },
      film,
      'unsupported_media',
      /h264 cannot be copied into webm/,
    ],
    ['video_compress', { target_size_mb: 0.05 }, song, 'unsupported_media', /the file is mp3/],
    ['image_compress', { target_size_kb: 1 }, photo, 'invalid_request', /cannot be brought to 1000 bytes/],
    ['video_convert', { output_format: 'svg' }, film, 'invalid_request', /one of mp4, webm, mov, mkv, gif/],
  ];
  for (const [operation, parameters, file, code, message] of nonsense) {
    const { path, failure } = await converter.convert(operation, parameters, file);
    assert.equal(path, null, `${operation} ${JSON.stringify(parameters)} made something`);
    assert.equal(failure?.code, code, `${operation}: ${failure?.message}`);
    assert.match(failure?.message ?? '', message);
  }
});
