import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitPlan, type LiveFacts, LiveFactsReader } from '#media/live-fit.ts';
import type { LiveOutput, LivePlan, LiveRendition } from '#media/live-plan.ts';

const copied = { id: 'source', video: 'copy', audio: 'copy' } as unknown as LiveRendition;
const encoded = { id: '360p', video: 'h264', audio: 'aac' } as unknown as LiveRendition;
const H264: LiveFacts = { video: { codec: 'h264', pixels: 'yuv420p' }, audio: { codec: 'aac' }, isUncut: false };

function fit(facts: Partial<LiveFacts>, where: { hls?: boolean; push?: Partial<LiveOutput> }) {
  const pushes = where.push ? [{ outputUrl: null, ...where.push, rendition: 0 } as LiveOutput] : [];
  const plan = { renditions: [copied, encoded], hls: where.hls ? [0, 1] : [1], pushes } as unknown as LivePlan;
  const fitted = fitPlan(plan, { ...H264, ...facts });
  assert.deepEqual(fitted.plan.renditions[1], encoded, 'what is encoded stays as it is');
  const [first] = fitted.plan.renditions;
  return { as: `${first?.video} ${first?.audio}`, reasons: fitted.reasons };
}

test('a stream is copied where its codecs fit everything that it goes to; else it is encoded, and why is said', () => {
  const mpeg2 = { video: { codec: 'mpeg2video', pixels: 'yuv420p' }, audio: { codec: 'mp2' } };
  const hevc = { video: { codec: 'hevc', pixels: 'yuv420p10le' } };
  const cases = [
    [{}, { hls: true }, 'copy copy'],
    [mpeg2, { hls: true }, 'h264 aac'],
    [mpeg2, { push: { outputType: 'udp' } }, 'copy copy'],
    [mpeg2, { hls: true, push: { outputType: 'udp' } }, 'h264 aac'],
    [hevc, { hls: true }, 'copy copy'],
    [hevc, { push: { outputType: 'rtmp' } }, 'h264 copy'],
    [hevc, { push: { outputType: 'file', outputUrl: 'a/news.flv' } }, 'h264 copy'],
    [hevc, { push: { outputType: 'file', outputUrl: 'a/news.ts' } }, 'copy copy'],
    [{ video: { codec: 'h264', pixels: 'yuv422p' } }, { hls: true }, 'h264 copy'],
    [{ video: { codec: 'h264', pixels: 'yuv422p' } }, { push: { outputType: 'srt' } }, 'copy copy'],
    [
      { video: { codec: 'vp9', pixels: 'yuv420p' }, audio: { codec: 'opus' } },
      { push: { outputType: 'srt' } },
      'h264 aac',
    ],
    [{ isUncut: true }, { hls: true }, 'h264 copy'],
    [{ isUncut: true }, { push: { outputType: 'srt' } }, 'copy copy'],
    [{ video: null, audio: { codec: 'pcm_alaw' } }, { hls: true }, 'copy aac'],
  ] as const;
  for (const [facts, where, wanted] of cases)
    assert.equal(fit(facts, where).as, wanted, `${JSON.stringify(facts)} ${JSON.stringify(where)}`);
  assert.deepEqual(fit(mpeg2, { hls: true }).reasons, [
    'source: the picture is encoded to h264, hls carries no mpeg2video',
    'source: the sound is encoded to aac, hls carries no mp2',
  ]);
});

test('what an input is, out of what FFmpeg says of it', () => {
  const read = (lines: readonly string[]) => {
    const reader = new LiveFactsReader();
    return lines.map((line) => reader.read(line));
  };
  const seen = read([
    "[info] Input #0, mpegts, from 'udp://239.1.1.1:5000':",
    '[info]   Stream #0:0[0x100](eng): Audio: mp2 ([3][0][0][0] / 0x0003), 48000 Hz, stereo, fltp, 192 kb/s',
    '[info]   Stream #0:1[0x101]: Video: mpeg2video (Main) ([2][0][0][0] / 0x0002), yuv422p(tv, bt709, top first), 720x576 [SAR 64:45 DAR 16:9], 25 fps',
    '[info]   Stream #0:2[0x102]: Video: h264 (High), yuv420p, 1280x720',
    '[info] Stream mapping:',
    '[info]   Stream #0:0: Video: h264, yuv420p(tv), 1280x720',
    "[info] Output #0, mpegts, to 'pipe:4':",
  ]);
  const facts = { video: { codec: 'mpeg2video', pixels: 'yuv422p' }, audio: { codec: 'mp2' } };
  assert.deepEqual(seen, [null, null, null, null, facts, null, null]);
  assert.deepEqual(
    read([
      '[info]   Stream #0:0: Video: h264 (Main), yuvj420p(pc), 64x64',
      "[info] Output #0, mpegts, to 'pipe:4':",
    ]).at(-1),
    {
      video: { codec: 'h264', pixels: 'yuvj420p' },
      audio: null,
    },
  );
});
