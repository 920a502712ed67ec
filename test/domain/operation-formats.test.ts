// What a probed file is called: by what is in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recognizeFormat } from '#domain/operations/formats.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { audioFacts, sourceFacts, videoFacts } from '../media/sample-facts.ts';

const MP4 = 'mov,mp4,m4a,3gp,3g2,mj2';
const MATROSKA = 'matroska,webm';
const called = (changes: Partial<SourceFacts>): string => {
  const { format, media_type, mime_type } = recognizeFormat(sourceFacts(changes));
  return `${format} ${media_type} ${mime_type}`;
};

test('films', () => {
  assert.deepEqual(
    [
      called({ container: MP4, brand: 'isom' }),
      called({ container: MP4 }),
      called({ container: MP4, brand: 'qt' }),
      called({ container: MP4, brand: '3gp4' }),
      called({ container: MATROSKA }),
      called({
        container: MATROSKA,
        video: videoFacts({ codec: 'vp9' }),
        audio: [audioFacts({ codec: 'opus' })],
      }),
      called({ container: 'avi' }),
      called({ container: 'asf' }),
      called({ container: 'flv' }),
      called({ container: 'mpegts' }),
      called({ container: 'ogg' }),
    ],
    [
      'mp4 video video/mp4',
      'mp4 video video/mp4',
      'mov video video/quicktime',
      '3gp video video/3gpp',
      'mkv video video/x-matroska',
      'webm video video/webm',
      'avi video video/x-msvideo',
      'wmv video video/x-ms-wmv',
      'flv video video/x-flv',
      'ts video video/mp2t',
      'ogv video video/ogg',
    ],
  );
});

test('sound, also where it lies in a container of films', () => {
  const sound = (container: string, codec = 'aac') =>
    called({ container, video: null, audio: [audioFacts({ codec })] });
  assert.deepEqual(
    [
      sound('mp3', 'mp3'),
      sound(MP4),
      sound('ogg', 'vorbis'),
      sound('ogg', 'opus'),
      sound('asf', 'wmav2'),
      sound(MATROSKA),
      sound(MATROSKA, 'opus'),
      sound('flac', 'flac'),
      sound('xyz', 'pcm'),
    ],
    [
      'mp3 audio audio/mpeg',
      'm4a audio audio/mp4',
      'ogg audio audio/ogg',
      'opus audio audio/ogg',
      'wma audio audio/x-ms-wma',
      'mka audio audio/x-matroska',
      'weba audio audio/webm',
      'flac audio audio/flac',
      'xyz audio application/octet-stream',
    ],
  );
});

test('pictures, those that move too', () => {
  const still = (codec: string) =>
    called({ container: 'still', isStill: true, audio: [], video: videoFacts({ codec }) });
  assert.deepEqual(
    [still('jpeg'), still('heic'), called({ container: 'gif' }), called({ container: MP4, brand: 'avis' })],
    ['jpg image image/jpeg', 'heic image image/heic', 'gif image image/gif', 'avif image image/avif'],
  );
});
