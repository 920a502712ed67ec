// What the record of a result says of its content: what was copied is as it was in the source.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutputResult } from '#domain/job.ts';
import { type OutputSpec, outputSpec } from '#domain/output.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { makePlan } from '#media/plan.ts';
import { resultMetadata } from '#workflows/operations/file-metadata.ts';
import { audioFacts, LIMITS, sourceFacts, videoFacts } from '../media/sample-facts.ts';

const turned = sourceFacts({
  video: videoFacts({ rotation: 90, displayWidth: 1080, displayHeight: 1920, bitrate: 2_000_000 }),
  audio: [audioFacts({ channels: 6, sampleRate: 22_050, codec: 'ac3' })],
});

function metadataOf(facts: SourceFacts, spec: OutputSpec, changes: Partial<OutputResult>) {
  const options = {
    segmentSeconds: 6,
    ladder: [],
    preset: 'veryfast' as const,
    limits: LIMITS,
    tool: { hardware: [], encoders: new Set(['libx264']) },
    hwaccel: 'auto' as const,
  };
  const plan = makePlan({ facts, outputs: [spec], options });
  const result: OutputResult = {
    url: '',
    container: spec.container,
    size: 1_000_000,
    duration: 10,
    width: null,
    height: null,
    videoCodec: null,
    audioCodec: null,
    frames: null,
    renditions: [],
    files: [],
    thumbnails: [],
    ...changes,
  };
  return resultMetadata(result, plan, facts);
}

test('a copy has the size, the rate and the sound of its source', () => {
  const copied = { videoCodec: 'copy', audioCodec: 'copy' };
  assert.deepEqual(metadataOf(turned, outputSpec({ container: 'mp4', videoCodec: 'copy' }), copied), {
    format: 'mp4',
    duration: 10,
    width: 1080,
    height: 1920,
    video_codec: 'h264',
    frame_rate: 24,
    audio_codec: 'ac3',
    sample_rate: 22_050,
    channels: 6,
    bitrate: 800_000,
  });
});

test('plain sound is called by its coding, as it is in a source', () => {
  const sound = { keepChannels: true, copy: false, loudness: null, metadata: 'safe' } as const;
  const codecOf = (bitDepth: number) => {
    const facts = sourceFacts({ video: null, audio: [audioFacts({ codec: 'flac', bitDepth })] });
    return metadataOf(facts, outputSpec({ container: 'wav', sound }), { audioCodec: 'wav' }).audio_codec;
  };
  assert.deepEqual([codecOf(16), codecOf(24)], ['pcm_s16le', 'pcm_s24le']);
});
