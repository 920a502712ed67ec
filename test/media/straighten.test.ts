// The command that lays parts behind each other: what is copied, into what, and what cannot be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { straightenCommand } from '#media/command/straighten.ts';
import { audioFacts, sourceFacts, videoFacts } from './sample-facts.ts';

const PREAMBLE =
  '-hide_banner -nostdin -y -loglevel level+warning -nostats -stats_period 0.5 -progress pipe:3 -dts_delta_threshold 1 -i in';

test('a broadcast stays a transport stream, a disc becomes Matroska with samples it can hold', () => {
  const broadcast = sourceFacts({
    container: 'mpegts',
    video: videoFacts({ streamIndex: 1 }),
    audio: [audioFacts({ streamIndex: 3 })],
  });
  assert.equal(
    straightenCommand(broadcast, ['-i', 'in'], '/out').join(' '),
    `${PREAMBLE} -map 0:1 -map 0:3 -c copy -f mpegts file:/out`,
  );
  const video = sourceFacts({
    container: 'avi',
    video: videoFacts(),
    audio: [audioFacts({ streamIndex: 1, right: 2 })],
  });
  assert.equal(
    straightenCommand(video, ['-i', 'in'], '/out').join(' '),
    `${PREAMBLE.replace('-i in', '-fflags +genpts -i in')} -map 0:0 -map 0:1 -map 0:2 -c copy -f matroska file:/out`,
  );
  const disc = sourceFacts({
    container: 'mpeg',
    video: videoFacts({ streamIndex: 0 }),
    audio: [audioFacts({ streamIndex: 1, codec: 'ac3' }), audioFacts({ streamIndex: 2, codec: 'pcm_dvd' })],
  });
  assert.equal(
    straightenCommand(disc, ['-i', 'in'], '/out').join(' '),
    `${PREAMBLE.replace('-i in', '-fflags +genpts -i in')} -map 0:0 -map 0:1 -map 0:2 -c copy -c:a:1 pcm_s24le -f matroska file:/out`,
  );
});
