// What a failed FFmpeg is said to mean: the line that tells why, and whose fault it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceFacts } from '#domain/source-facts.ts';
import { explainFailure } from '#workflows/tasks/direct-options.ts';
import { commandFailure, outputRefused, wasKilled } from '#workflows/tasks/run-command.ts';

const ended = (...tail: string[]) => ({ exitCode: 1, signal: null, tail, seconds: 1 });

test('the error is told, not what follows from it', () => {
  const muxer = ended(
    '[mp4 @ 0x1] [error] Could not find tag for codec pcm_s16le in stream #0, codec not currently supported in container',
    '[error] Could not write header for output file #4 (incorrect codec parameters ?): Invalid argument',
    '[error] Error initializing output stream 4:0 -- ',
    '[libopus @ 0x2] [warning] 1 frames left in the queue on closing',
  );
  assert.match(commandFailure(muxer).message, /ended with code 1: .*Could not find tag for codec pcm_s16le/);
  assert.ok(outputRefused(muxer));
  const encoder = ended(
    "[libx264 @ 0x1] [error] ratecontrol_init: can't open stats file",
    '[error] Error initializing output stream 1:0 -- Error while opening encoder for output stream #1:0 - maybe incorrect parameters such as bit_rate, rate, width or height',
  );
  assert.match(commandFailure(encoder).message, /can't open stats file/);
  assert.ok(outputRefused(encoder));
  const alone = ended('[error] Error initializing output stream 0:0 -- ');
  assert.match(commandFailure(alone).message, /Error initializing output stream/);
});

test('what the source does is not the encoder’s', () => {
  const broken = ended('[h264 @ 0x1] [error] error while decoding MB 3 4', '[h264 @ 0x1] [warning] concealing');
  assert.match(commandFailure(broken).message, /error while decoding MB 3 4/);
  assert.equal(outputRefused(broken), false);
  assert.equal(commandFailure({ ...broken, exitCode: 69 }).code, 'corrupt_media');
  assert.match(commandFailure(ended('only a warning')).message, /only a warning/);
  assert.match(commandFailure(ended()).message, /it said nothing/);
});

test('who is killed from outside tries again: that says nothing of the source', () => {
  const facts = { audio: [], video: null } as unknown as SourceFacts;
  const killed = [
    { exitCode: null, signal: 'SIGKILL' as const, tail: ['[h264 @ 0x1] [warning] concealing'], seconds: 1 },
    { exitCode: 255, signal: null, tail: [], seconds: 1 },
  ];
  for (const run of killed) {
    assert.ok(wasKilled(run));
    const failure = explainFailure({ facts }, commandFailure(run), 'audio');
    assert.deepEqual([failure.code, failure.retryable], ['encode_failed', true]);
  }
  for (const run of [{ ...ended('[error] Operation not permitted'), exitCode: 255 }, ended()]) {
    assert.equal(wasKilled(run), false);
    assert.equal(explainFailure({ facts }, commandFailure(run), 'audio').code, 'corrupt_media');
  }
  const crashed = { exitCode: null, signal: 'SIGSEGV' as const, tail: [], seconds: 1 };
  assert.match(commandFailure(crashed).message, /was ended by SIGSEGV: it said nothing/);
});
