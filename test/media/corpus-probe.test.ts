// The probe and the doctor over the corpus of real odd and broken files, where it is present: what is found, and how each is refused.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { PlatformError } from '#domain/error.ts';
import type { Rational, SourceFacts } from '#domain/source-facts.ts';
import { detectTool } from '#media/capabilities.ts';
import { examine } from '#media/doctor.ts';
import { probeSource } from '#media/probe.ts';
import { CORPUS_FACTS } from './corpus-facts.ts';
import { probeLines } from './made-media.ts';
import { LIMITS } from './sample-facts.ts';

const CORPUS = path.resolve(import.meta.dirname, '../../../shared/corpus');
const skip = existsSync(CORPUS) ? false : `no corpus at ${CORPUS}`;
/** seconds; broken files must fail in bounded time */
const SLOWEST = 120;

const rate = (value: Rational | null) =>
  value === null ? '-' : value.den === 1 ? `${value.num}` : `${value.num}/${value.den}`;

/** Codecs that FFmpeg 5.1 has no decoder for and later ones do: the table holds what 5.1 says. */
const DECODED_LATER = ['torture/vvc-h266.mp4', 'torture/dolby-vision-p10-av1-2160p.mp4'];

/** One line for each source: picture, clock, sound, findings. */
function tell(facts: SourceFacts): string {
  const { video, audio } = facts;
  const picture =
    video &&
    `${video.codec} ${video.displayWidth}x${video.displayHeight} ${video.constantFrameRate ? 'at' : 'about'} ${rate(video.nominalFrameRate)} ${video.frames}f ${video.startTime}-${video.endTime} ${video.keyframes.length}k`;
  const sound = audio.map((one) => `${one.codec}/${one.channels} ${one.startTime}-${one.endTime}`).join(' ');
  const findings = examine(facts, LIMITS)
    .map((one) => one.code)
    .join(' ');
  return [facts.isStill ? 'still' : null, picture, sound || null, `[${findings}]`]
    .filter((one) => one !== null)
    .join(' | ');
}

const tool = await detectTool({ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', limits: LIMITS.child, hwaccel: 'none' });

async function probed(file: string): Promise<string> {
  const started = performance.now();
  try {
    return tell(await probeSource({ tool, input: { kind: 'file', path: path.join(CORPUS, file) }, limits: LIMITS }));
  } catch (error) {
    if (error instanceof PlatformError) return `${error.code}: ${error.message}`;
    throw error;
  } finally {
    const seconds = (performance.now() - started) / 1000;
    assert.ok(seconds < SLOWEST, `${file} took ${seconds} s`);
  }
}

for (const folder of ['torture', 'broken', 'bench']) {
  test(`corpus: ${folder}`, { skip }, async () => {
    const names = (await readdir(path.join(CORPUS, folder))).filter((name) => !name.endsWith('.yuv')).sort();
    const found: Record<string, string> = {};
    for (const name of names) {
      const file = `${folder}/${name}`;
      if (tool.versionNumber < 600 || !DECODED_LATER.includes(file)) found[file] = await probed(file);
    }
    const wanted = Object.fromEntries(Object.entries(CORPUS_FACTS).filter(([name]) => name in found));
    assert.deepEqual(found, wanted);
  });
}

test('corpus: keyframes are those of the decoder', { skip }, async () => {
  const files = [
    'bench/bbb-720p30-h264-aac2.mp4',
    'bench/bbb-1080p24-h264-aac2-43s.mp4',
    'torture/made-interlaced-mpeg2-576i-sar64-45.ts',
    'torture/vfr-cursed-odd-1386p.mp4',
  ];
  for (const name of files) {
    const file = path.join(CORPUS, name);
    const { video } = await probeSource({ tool, input: { kind: 'file', path: file }, limits: LIMITS });
    const decoded = await probeLines(
      '-select_streams v:0 -skip_frame nokey -show_entries frame=pts_time -of csv=p=0',
      file,
    );
    assert.deepEqual(
      video?.keyframes.map((time) => time.toFixed(3)),
      decoded.map((line) => Number.parseFloat(line).toFixed(3)),
      name,
    );
  }
});
