// Parameters of operations: what callers may write, what becomes of it, and what each mistake is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateParameters } from '#domain/operations/parameters.ts';
import {
  type AnyOperation,
  describeOperation,
  findOperation,
  OPERATION_NAMES,
  requireInput,
} from '#domain/operations/registry.ts';

function operation(name: string): AnyOperation {
  const found = findOperation(name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}

const valuesOf = (name: string, given: Record<string, unknown>) => {
  const checked = validateParameters(operation(name), given);
  return 'values' in checked ? checked.values : checked.errors.map(({ path, message }) => `${path}: ${message}`);
};

test('what is left out has its default', () => {
  assert.deepEqual(valuesOf('video_compress', { quality: 23, preset: 'medium' }), {
    quality: 23,
    preset: 'medium',
    audio_bitrate: 128_000,
    target_size_mb: null,
    output_format: 'mp4',
  });
  assert.deepEqual(valuesOf('image_resize', { width: 300, height: null, quality: '' }), {
    width: 300,
    height: null,
    maintain_aspect_ratio: true,
    fit: null,
    allow_upscale: true,
    output_format: null,
    quality: null,
    background: '#ffffff',
    metadata: 'safe',
  });
});

test('form data has only strings: they become what they mean', () => {
  const given = {
    width: '300',
    height: ' 200 ',
    maintain_aspect_ratio: 'False',
    output_format: '.JPEG',
    background: 'F80',
  };
  const values = valuesOf('image_resize', given);
  assert.deepEqual(
    { ...values },
    {
      width: 300,
      height: 200,
      maintain_aspect_ratio: false,
      fit: null,
      allow_upscale: true,
      output_format: 'jpg',
      quality: null,
      background: '#ff8800',
      metadata: 'safe',
    },
  );
  assert.deepEqual(valuesOf('video_trim', { start: '1:02.5', end: '00:01:10' }), {
    start: 62.5,
    end: 70,
    duration: null,
    mode: 'exact',
    quality: 23,
    output_format: null,
  });
});

test('bitrates are bits/s, with k or M, and below a thousand kilobits', () => {
  const bitrates = [192_000, '192k', '192 kbps', '0.192M', 192, '192000'];
  for (const bitrate of bitrates) {
    const values = valuesOf('audio_convert', { output_format: 'mp3', bitrate });
    assert.deepEqual(values, {
      output_format: 'mp3',
      bitrate: 192_000,
      sample_rate: null,
      channels: null,
      metadata: 'safe',
    });
  }
});

test('words stand for numbers', () => {
  const values = valuesOf('video_convert', { output_format: 'WebM', quality: 'high' });
  assert.deepEqual(values, { output_format: 'webm', quality: 18 });
});

test('each mistake names its field and what is allowed, all of them at once', () => {
  assert.deepEqual(valuesOf('video_compress', { quality: 29, preset: 'quick', audio_bitrate: 'much', size: 3 }), [
    'size: video_compress takes quality, preset, audio_bitrate, target_size_mb, output_format',
    'quality: a whole number from 18 to 28, or low, medium, high',
    'preset: one of ultrafast, superfast, veryfast, faster, fast, medium, slow, slower, veryslow',
    'audio_bitrate: bits/s, such as 128000 or "128k" from 32000 to 512000',
  ]);
  assert.deepEqual(valuesOf('video_convert', {}), [
    'output_format: needed: one of mp4, webm, mov, mkv, gif, ts, flv, 3gp, avi, wmv, mpg, ogv',
  ]);
});

test('nonsense is refused before anything is stored', () => {
  const nonsense: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ['image_resize', {}, 'width'],
    ['image_resize', { width: 10, fit: 'cover' }, 'fit'],
    ['image_resize', { width: 0 }, 'width'],
    ['image_resize', { width: 1.5 }, 'width'],
    ['image_resize', { width: 'NaN' }, 'width'],
    ['image_resize', { width: { a: 1 } }, 'width'],
    ['image_resize', { width: true }, 'width'],
    ['image_resize', { width: 20, background: 'red; drop' }, 'background'],
    ['image_convert', { output_format: 'svg' }, 'output_format'],
    ['image_convert', { output_format: 'jpg', lossless: true }, 'lossless'],
    ['image_convert', { output_format: 'webp', lossless: 'yes', quality: 50 }, 'quality'],
    ['image_convert', { output_format: 'jpg', quality: 0 }, 'quality'],
    ['image_compress', { target_size_kb: 10, output_format: 'gif' }, 'target_size_kb'],
    ['video_resize', {}, 'width'],
    ['video_trim', {}, 'start'],
    ['video_trim', { start: 5, end: 5 }, 'end'],
    ['video_trim', { start: 5, end: 6, duration: 1 }, 'duration'],
    ['video_trim', { start: -1 }, 'start'],
    ['video_to_gif', { fps: 0 }, 'fps'],
    ['audio_convert', { output_format: 'mp3', channels: 6 }, 'channels'],
    ['audio_convert', { output_format: 'mp3', channels: 3 }, 'channels'],
    ['audio_convert', { output_format: 'mp3', sample_rate: 96_000 }, 'sample_rate'],
    ['audio_convert', { output_format: 'opus', sample_rate: 44_100 }, 'sample_rate'],
    ['audio_convert', { output_format: 'wav', bitrate: '192k' }, 'bitrate'],
    ['audio_convert', { output_format: 'mp3', bitrate: '500k' }, 'bitrate'],
    ['video_to_gif', { colors: 3 }, 'colors'],
    ['audio_convert', { output_format: 'mp4v' }, 'output_format'],
    ['audio_extract', { output_format: 'flac', bitrate: 100_000 }, 'bitrate'],
    ['audio_normalize', { target_lufs: 3 }, 'target_lufs'],
    ['audio_convert', JSON.parse('{"output_format":"mp3","__proto__":1}') as Record<string, unknown>, '__proto__'],
  ];
  for (const [name, given, path] of nonsense) {
    const checked = validateParameters(operation(name), given);
    assert.ok('errors' in checked, `${name} ${JSON.stringify(given)} was taken`);
    assert.deepEqual(
      checked.errors.map((error) => error.path),
      [path],
      `${name} ${JSON.stringify(given)}`,
    );
  }
});

test('a definition shows what the API promises, and nothing of ours', () => {
  const limits = { video: 500, image: 25, audio: 100 };
  for (const name of OPERATION_NAMES) {
    const shown = describeOperation(operation(name), limits);
    assert.deepEqual(Object.keys(shown), [
      'name',
      'media_type',
      'description',
      'parameters',
      'input_formats',
      'output_formats',
      'max_file_size',
    ]);
    for (const [key, parameter] of Object.entries(shown.parameters)) {
      const keys = ['choices', 'default', 'description', 'max', 'min', 'required', 'type'];
      assert.deepEqual(Object.keys(parameter).sort(), keys, `${name}.${key}`);
      assert.ok(parameter.description.length > 10, `${name}.${key} says nothing`);
      assert.ok(parameter.required || parameter.default !== undefined);
    }
    const { output_format: format } = shown.parameters;
    if (format) assert.deepEqual(format.choices, shown.output_formats, name);
    // Every default is itself allowed.
    const needed = Object.entries(shown.parameters).filter(([, { required }]) => required);
    const defaults = Object.entries(shown.parameters).filter(([, one]) => !one.required && one.default !== null);
    const given = Object.fromEntries(
      [...needed, ...defaults].map(([key, one]) => [key, one.default ?? one.choices?.[0]]),
    );
    const checked = validateParameters({ ...operation(name), rules: () => [] }, given);
    assert.ok('values' in checked, `${name}: ${JSON.stringify(checked)}`);
  }
  assert.equal(describeOperation(operation('audio_extract'), limits).max_file_size, 500);
  assert.equal(describeOperation(operation('audio_convert'), limits).max_file_size, 100);
});

test('the seed: its operations, parameters and formats are all there', () => {
  const seed: readonly (readonly [string, readonly string[], readonly string[], readonly string[]])[] = [
    ['video_compress', ['quality', 'preset', 'audio_bitrate'], ['mp4'], VIDEOS],
    ['video_convert', ['output_format', 'quality'], ['mp4', 'webm', 'mov', 'mkv', 'gif'], VIDEOS],
    ['image_resize', ['width', 'height', 'maintain_aspect_ratio'], PICTURES, [...PICTURES, 'jpeg', 'bmp', 'heic']],
    ['image_convert', ['output_format', 'quality'], PICTURES, [...PICTURES, 'jpeg', 'bmp', 'heic']],
    ['audio_convert', ['output_format', 'bitrate', 'sample_rate', 'channels'], SOUNDS, SOUNDS],
    ['audio_extract', ['output_format', 'bitrate'], SOUNDS, VIDEOS],
  ];
  for (const [name, parameters, outputs, inputs] of seed) {
    const { parameters: own, output_formats, input_formats } = operation(name);
    for (const one of parameters) assert.ok(Object.hasOwn(own, one), `${name} has no ${one}`);
    for (const one of outputs) assert.ok(output_formats.includes(one), `${name} writes no ${one}`);
    for (const one of inputs) assert.ok(input_formats.includes(one), `${name} reads no ${one}`);
  }
});

const VIDEOS = ['mp4', 'mov', 'avi', 'mkv', 'webm', 'wmv', 'flv'];
const PICTURES = ['jpg', 'png', 'webp', 'gif', 'avif', 'tiff'];
const SOUNDS = ['mp3', 'wav', 'aac', 'ogg', 'flac', 'm4a', 'opus'];

test('a file of another kind is refused with what could be done with it', () => {
  assert.throws(() => requireInput(operation('image_resize'), 'mp4'), {
    code: 'unsupported_media',
    message: /^image_resize takes jpg, .*, and the file is mp4; mp4 can be given to video_compress, /,
  });
  assert.throws(() => requireInput(operation('image_resize'), 'xm'), {
    message: /and the file is xm$/,
  });
  requireInput(operation('image_resize'), 'heic');
});
