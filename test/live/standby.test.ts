import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { ChannelSpec } from '#domain/channel.ts';
import { GopBuffer } from '#live/gop-buffer.ts';
import { nextInput, patienceWith } from '#live/input-order.ts';
import { PacketCutter } from '#live/packet-cutter.ts';
import { PlanFitter } from '#live/plan-fitter.ts';
import { Segmenter } from '#live/segmenter.ts';
import type { LivePlan } from '#media/live-plan.ts';

/** Four seconds with a keyframe each second, and sound. */
function stream(...picture: string[]): Buffer {
  const pattern = 'testsrc2=size=160x90:rate=25[out0];sine=frequency=440:sample_rate=48000[out1]';
  const mux = ['-c:a', 'aac', '-t', '4', '-muxdelay', '0', '-muxpreload', '0', '-f', 'mpegts', 'pipe:1'];
  return execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', pattern, ...picture, ...mux], {
    maxBuffer: 1e8,
  });
}
const VIDEO = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p'];

/** Pictures, and pieces of sound, that a decoder gets out of it. */
function decoded(bytes: readonly Buffer[]): { video: number; audio: number } {
  const json = execFileSync(
    'ffprobe',
    ['-v', 'error', '-count_frames', '-show_entries', 'stream=codec_type,nb_read_frames', '-of', 'json', 'pipe:0'],
    { input: Buffer.concat([...bytes]), encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const { streams } = JSON.parse(json) as { streams: { codec_type: string; nb_read_frames: string }[] };
  const of = (type: string) => Number(streams.find(({ codec_type }) => codec_type === type)?.nb_read_frames ?? 0);
  return { video: of('video'), audio: of('audio') };
}

/** In pieces that no packet fits. */
function pushAll(buffer: GopBuffer, bytes: Buffer): void {
  const packets = new PacketCutter();
  for (let at = 0; at < bytes.length; at += 1000) buffer.push(packets.whole(bytes.subarray(at, at + 1000)));
}

test('what stands by keeps the pictures from a keyframe on, and an encoder can begin with them', () => {
  const bytes = stream(...VIDEO);
  const keep = (kept: number) => {
    const buffer = new GopBuffer(kept);
    pushAll(buffer, bytes);
    return buffer;
  };
  const short = keep(0);
  assert.equal(short.pieces, 100);
  assert.ok(Math.abs(short.behind(3) - 0.96) < 0.001, 'the last group alone is left');
  assert.equal(decoded(short.take(3)).video, 25);
  assert.equal(short.isReady, false);

  const long = keep(2.5);
  assert.ok(Math.abs(long.behind(0) - 0.96) < 0.001, 'no more than is needed');
  assert.ok(Math.abs(long.behind(1.5) - 1.96) < 0.001);
  const { video, audio } = decoded(long.take(1.5));
  assert.equal(video, 50);
  assert.ok(audio > 80, `${audio} pieces of sound`);
});

test('sound alone can be begun with anywhere; a stream without keyframes is not kept', () => {
  const sound = new GopBuffer(1);
  pushAll(sound, stream('-vn'));
  assert.ok(sound.isReady && sound.behind(1) < 1.2, `${sound.behind(1)} s`);
  assert.ok(decoded(sound.take(1)).audio > 40);
  const endless = new GopBuffer(0);
  const packets = stream(...VIDEO);
  pushAll(endless, packets);
  // One keyframe, and then pictures for more than may be kept.
  const rest = packets.subarray(Math.floor(packets.length / 188 / 1.2) * 188);
  for (let bytes = 0; bytes < 40 * 1024 ** 2; bytes += rest.length) endless.push(rest);
  assert.equal(endless.isReady, false);
});

test('the best input that is ready takes over, else the slate; what has no substitute is not left early', () => {
  const input = { inputType: 'udp', inputUrl: 'udp://@:5000', inputListen: false };
  const spec = { ...input, fallbackInput: input, slate: 'off', failoverSeconds: null } as unknown as ChannelSpec;
  const slate = { ...spec, slate: 'bars' } as ChannelSpec;
  const all = () => true;
  const none = () => false;
  const cases = [
    [spec, 'primary', all, 'fallback'],
    [spec, 'primary', none, null],
    [spec, 'fallback', all, 'primary'],
    [spec, 'fallback', none, null],
    [slate, 'primary', all, 'fallback'],
    [slate, 'primary', none, 'slate'],
    [slate, 'slate', all, 'primary'],
    [slate, 'slate', none, null],
  ] as const;
  for (const [of, name, isReady, wanted] of cases)
    assert.equal(nextInput(of, name, isReady), wanted, `${of.slate} ${name} ${isReady === all}`);

  const ask = (more: object) =>
    patienceWith(spec, { name: 'primary', hadFrames: true, isLive: false, hasOther: true, watchdog: 15, ...more });
  assert.equal(ask({}), 1.2);
  assert.equal(ask({ hadFrames: false }), 5);
  assert.equal(ask({ hasOther: false }), 15);
  const listening = { ...spec, inputType: 'srt', inputListen: true } as ChannelSpec;
  const waits = { name: 'primary', hadFrames: false, isLive: false, hasOther: false, watchdog: 15 } as const;
  assert.equal(patienceWith(listening, waits), Number.POSITIVE_INFINITY);
  assert.equal(patienceWith(listening, { ...waits, hasOther: true }), 5);
  assert.equal(
    patienceWith({ ...spec, inputType: 'hls' } as ChannelSpec, { ...waits, hadFrames: true, hasOther: true }),
    12,
  );
});

test('a stream whose keyframes lie too far apart is not copied to players', () => {
  const reasons: string[] = [];
  const rendition = { id: 'source', video: 'copy', audio: 'copy' };
  const plan = { renditions: [rendition], hls: [0], pushes: [], segmentSeconds: 4 } as unknown as LivePlan;
  const fitter = new PlanFitter(plan, (reason) => void reasons.push(reason));
  const found = { video: { codec: 'h264', pixels: 'yuv420p' }, audio: null };
  assert.equal(fitter.hear('primary', found), false);
  assert.equal(fitter.planFor('primary'), fitter.planFor('primary'));
  // Keyframes at 0 and 1 s, then none: three seconds without one when four are over.
  const segmenter = new Segmenter(1, () => undefined);
  segmenter.push(
    stream('-c:v', 'libx264', '-preset', 'ultrafast', '-g', '999', '-force_key_frames', '0,1', '-sc_threshold', '0'),
  );
  assert.ok(Math.abs(segmenter.uncut - 2.96) < 0.001, `${segmenter.uncut} s`);
  assert.equal(fitter.wait('primary', 11.9), false);
  assert.equal(fitter.wait('primary', 12.1), true);
  assert.equal(fitter.planFor('primary').renditions[0]?.video, 'h264');
  assert.equal(fitter.planFor('fallback').renditions[0]?.video, 'copy', 'another input is another stream');
  assert.equal(fitter.wait('primary', 13), false);
  // It is still the same one after it was begun anew.
  assert.equal(fitter.hear('primary', found), false);
  assert.deepEqual(reasons, ['source: the picture is encoded to h264, its keyframes lie too far apart for segments']);
});

test('time goes on in a run that begins after the stamps of MPEG-TS have begun anew', () => {
  const begin = 2 ** 33 / 90_000 + 7;
  const starts: number[] = [];
  const segmenter = new Segmenter(1, ({ start }) => void starts.push(start), begin);
  segmenter.push(stream(...VIDEO, '-output_ts_offset', begin.toFixed(3)));
  assert.deepEqual(
    starts.map((start) => Math.round(start - begin)),
    [0, 1, 2],
  );
  assert.equal(Math.round((segmenter.latest ?? 0) - begin), 4);
});
