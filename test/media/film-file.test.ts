// Films for older players, and loudnesses by name: from wishes to plans and whole command lines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OutputSpec, outputSpec } from '#domain/output.ts';
import { filmFileCommand } from '#media/command/film-file.ts';
import { directOf, planOf } from './plan-output.ts';
import { audioFacts, sourceFacts } from './sample-facts.ts';

test('a film for older players: one run, a rate and a codec that they know, sound on its own clock', () => {
  const facts = sourceFacts({ audio: [audioFacts({ streamIndex: 1 })] });
  const filters = [
    'asetpts=PTS-(0.000000)/TB,atrim=start=0,aresample=async=1:min_hard_comp=0.1:first_pts=0',
    'apad=whole_dur=10.000000,atrim=end=10.000000',
  ].join(',');
  const film = (container: 'avi' | 'mpg' | 'ogv' | 'wmv', wish: Partial<OutputSpec> = {}) => {
    const plan = planOf(outputSpec({ container, ...wish }), facts);
    const [timeline] = plan.timelines;
    if (!timeline) throw new Error('there is no timeline');
    const args = filmFileCommand({
      ...{ container, direct: directOf(plan), facts, preparation: plan.preparation, timeline },
      ...{ inputArguments: ['-i', 'in'], loudness: null, drawing: null, path: '/out' },
    });
    return args.slice(args.indexOf('-map'));
  };
  const clock = ['-fps_mode', 'passthrough', '-enc_time_base:v', '1:24', '-map', '0:1', '-af', filters];
  const end = ['-ac', '2', '-ar', '48000', '-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1', '-f'];
  assert.deepEqual(film('avi'), [
    ...['-map', '[v0]', '-c:v', 'mpeg4', '-vtag', 'xvid', '-q:v', '5', '-g', '120', ...clock],
    ...['-c:a', 'libmp3lame', '-b:a', '192000', ...end, 'avi', 'file:/out'],
  ]);
  const slow = film('mpg', { fps: { num: 12, den: 1 }, rate: { mode: 'abr', bitrate: 1_000_000, maxBitrate: null } });
  assert.deepEqual(slow.slice(0, 20), [
    ...['-map', '[v0]', '-c:v', 'mpeg2video', '-b:v', '1000000', '-maxrate', '1500000', '-bufsize', '2000000'],
    ...['-g', '15', '-bf', '2', '-fps_mode', 'passthrough', '-enc_time_base:v', '1001:24000', '-map', '0:1'],
  ]);
  assert.deepEqual(film('ogv', { rate: { mode: 'capped-crf', crf: 28, maxBitrate: null }, audioCodec: 'none' }), [
    ...['-map', '[v0]', '-c:v', 'libtheora', '-q:v', '5', '-g', '120', ...clock.slice(0, 4), '-an'],
    ...['-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1', '-f', 'ogg', 'file:/out'],
  ]);
  assert.throws(() => planOf(outputSpec({ container: 'wmv' }), { ...facts, video: null }), { code: 'no_video' });
});

test("a loudness of one's own is that of the sound file and of every track", () => {
  const wish = { normalizeAudio: true, loudness: { integrated: -23, truePeak: -1 } };
  const facts = sourceFacts({ audio: [audioFacts({ streamIndex: 1 })] });
  assert.deepEqual(directOf(planOf(outputSpec({ container: 'wav', ...wish }), facts)).loudness, wish.loudness);
  const [track] = planOf(outputSpec({ container: 'mp4', ...wish }), facts).audio;
  assert.deepEqual(track?.loudness, wish.loudness);
});

test('FLV, which has room for one sound, is copied with the default one', () => {
  const audio = [audioFacts({ streamIndex: 1, isDefault: false }), audioFacts({ streamIndex: 2 })];
  const facts = sourceFacts({ audio });
  const streams = (container: 'flv' | '3gp') =>
    directOf(planOf(outputSpec({ container, videoCodec: 'copy' }), facts)).audioStreams;
  assert.deepEqual([streams('flv'), streams('3gp')], [[2], [1, 2]]);
});
