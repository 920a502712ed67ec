// Packaging out of the original: what the index says against ffprobe, and segments against the source's own frames.
import assert from 'node:assert/strict';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Plan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { detectTool } from '#media/capabilities.ts';
import { makeOriginalInit, makeOriginalSegment, packageOriginal } from '#media/original.ts';
import { makePlan } from '#media/plan.ts';
import { probeSource } from '#media/probe.ts';
import { openSourceBytes } from '#media/source-bytes.ts';
import { openSourceIndex, type SourceIndex } from '#media/source-index.ts';
import type { MediaTool } from '#media/tool.ts';
import { videoOutput } from '#workflows/videos/video-output.ts';
import { type MadeMedia, openMadeMedia, probeLines } from './made-media.ts';
import { LIMITS } from './sample-facts.ts';

let media: MadeMedia;
let tool: MediaTool;

// Within the rate that the ladder gives so small a picture, or it would be encoded again.
const X264 = '-c:v libx264 -preset ultrafast -crf 40 -maxrate 150k -bufsize 150k -pix_fmt yuv420p';
const picture = (rate: string, seconds: number) => `-f lavfi -i testsrc2=s=320x180:r=${rate}:d=${seconds}`;
const sound = (rate: number, seconds: number) => `-f lavfi -i sine=r=${rate}:d=${seconds}`;
/** Keyframes where a scene changes, B-frames, references to and fro: what cameras and editors write. */
const IRREGULAR = `${X264} -bf 3 -b_strategy 2 -force_key_frames 0,2.1,3.9,8.4,11,15.5,19`;

before(async () => {
  media = await openMadeMedia();
  tool = await detectTool({ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', limits: LIMITS.child, hwaccel: 'none' });
});
after(() => media[Symbol.asyncDispose]());

type Opened = { readonly index: SourceIndex; readonly facts: SourceFacts; readonly plan: Plan; close(): Promise<void> };

async function open(file: string): Promise<Opened> {
  const bytes = await openSourceBytes({ kind: 'file', path: file });
  const index = await openSourceIndex(bytes);
  assert.ok(index, `${file} has an index`);
  const facts = await probeSource({ tool, limits: LIMITS, input: { kind: 'file', path: file }, index });
  const output = videoOutput({ qualities: ['180p', '90p'], isFurther: false });
  const options = { segmentSeconds: 6, ladder: [], preset: 'ultrafast', limits: LIMITS, hwaccel: 'none' } as const;
  const plan = makePlan({ facts, outputs: [output], options: { ...options, tool, keepsOriginal: true } });
  const close = async () => {
    await bytes[Symbol.asyncDispose]();
  };
  return { index, facts, plan, close };
}

/** Every packaged rendition as one file: its init and all its segments. */
async function package_({ index, facts, plan }: Opened) {
  const [timeline] = plan.timelines;
  assert.ok(timeline);
  const parts = await packageOriginal({ index, key: 'original', facts, plan }, timeline);
  assert.ok(parts, 'it can be packaged');
  const files = [];
  for (const part of parts) {
    const { original } = part;
    const track = index.tracks.find(({ id }) => id === original?.track);
    assert.ok(original && track);
    const pieces = [await makeOriginalInit(track, original)];
    for (const segment of part.segments) {
      const made = await makeOriginalSegment(track, original, segment);
      assert.equal(made?.length, segment.size, `segment ${segment.index} is as long as it was said to be`);
      pieces.push(made);
    }
    const path = media.path(`packaged-${part.rendition}.mp4`);
    await writeFile(path, Buffer.concat(pieces));
    files.push({ part, path, pieces });
  }
  return files;
}

const frames = async (file: string, stream: string) =>
  (await probeLines(`-select_streams ${stream} -show_entries frame=pts_time -of csv=p=0`, file)).map((line) =>
    Math.round(Number.parseFloat(line) * 1000),
  );
/** Of decoded pictures; of sound its packets, as a decoder fills some of it with noise. */
async function hashes(file: string, stream: string): Promise<string[]> {
  const how = stream.startsWith('a') ? '-c copy' : '-fps_mode passthrough';
  const list = await media.make('hashes.txt', `-i ${file} -map 0:${stream} ${how} -f framemd5`);
  return (await readFile(list, 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)?.trim() ?? '');
}

/** What a recorder does that is too slow for a moment, at the beginning of a segment and at the end of the film as well. */
const DROPS = "select='not(eq(n,64)+eq(n,111)+eq(n,112)+between(n,300,320)+eq(n,333)+between(n,625,627))'";

const FILMS = [
  ['24000/1001 with B-frames', '24000/1001', 44_100, ''],
  ['a clock of milliseconds', '30', 48_000, '-video_track_timescale 1000'],
  ['the index at the beginning', '25', 48_000, '-movflags +faststart'],
  ['single frames are missing, the last ones too', '30', 48_000, `-vf ${DROPS} -fps_mode passthrough`],
  [
    'frames are missing, on a clock of milliseconds',
    '30',
    48_000,
    `-vf ${DROPS} -fps_mode passthrough -video_track_timescale 1000`,
  ],
] as const;

for (const [name, rate, sampleRate, options] of FILMS) {
  test(`the index says what ffprobe reads, and segments hold the source's own frames: ${name}`, async () => {
    const file = await media.make(
      'film.mp4',
      `${picture(rate, 21)} ${sound(sampleRate, 21)} ${IRREGULAR} -c:a aac -ac 2 ${options}`,
    );
    const opened = await open(file);
    const { indexed, ...facts } = opened.facts;
    assert.deepEqual(indexed, { 0: 1, 1: 2 });
    assert.deepEqual(
      facts,
      await probeSource({ tool, limits: LIMITS, input: { kind: 'file', path: file }, index: null }),
    );
    assert.deepEqual(
      [...opened.plan.video, ...opened.plan.audio].map(({ method }) => method),
      ['packaged', 'encoded', 'packaged'],
    );
    const [video, audio] = await package_(opened);
    assert.ok(video && audio);
    assert.deepEqual(await hashes(video.path, 'v:0'), await hashes(file, 'v:0'));
    // Rounded to milliseconds, as the source with a clock of milliseconds has them.
    const [made, source] = [await frames(video.path, 'v:0'), await frames(file, 'v:0')];
    assert.deepEqual(
      made.map((time, i) => Math.abs(time - (source[i] ?? -1)) <= 1),
      source.map(() => true),
    );
    const heard = await hashes(file, 'a:0');
    const cut = await hashes(audio.path, 'a:0');
    // All but the encoder's delay, which is no sound of the film.
    const delay = heard.indexOf(cut[0] ?? '');
    assert.ok(delay >= 0 && delay <= 1 && heard.length - delay - cut.length <= 1, `${cut.length} of ${heard.length}`);
    assert.deepEqual(cut, heard.slice(delay, delay + cut.length));
    await opened.close();
  });
}

test('every segment begins with a keyframe exactly where the grid says, and decodes by itself', async () => {
  const file = await media.make('film.mp4', `${picture('25', 21)} ${sound(48_000, 21)} ${IRREGULAR} -c:a aac -ac 2`);
  const opened = await open(file);
  const [video] = await package_(opened);
  assert.ok(video);
  const [timeline] = opened.plan.timelines;
  const { segments, timescale } = video.part;
  assert.deepEqual(
    segments.map(({ start }) => start / timescale),
    timeline?.boundaries.slice(0, -1).map((frame) => frame / 25),
  );
  for (const [i, { start, samples }] of segments.entries()) {
    await writeFile(
      media.path('one.mp4'),
      Buffer.concat([video.pieces[0] ?? Buffer.alloc(0), video.pieces[i + 1] ?? Buffer.alloc(0)]),
    );
    const times = await frames(media.path('one.mp4'), 'v:0');
    assert.deepEqual([times.length, times[0]], [samples, Math.round((start / timescale) * 1000)]);
  }
  await opened.close();
});

test('what has no complete index is left to ffprobe: Matroska, fragments, a file that was cut off', async () => {
  const film = `${picture('25', 3)} ${sound(48_000, 3)} ${X264} -g 25 -c:a aac`;
  const matroska = await media.make('film.mkv', film);
  const fragments = await media.make('fragments.mp4', `${film} -movflags frag_keyframe+empty_moov`);
  const short = await media.make('short.mp4', `${film} -movflags +faststart`);
  await truncate(short, 60_000);
  for (const path of [matroska, fragments, short]) {
    const bytes = await openSourceBytes({ kind: 'file', path });
    assert.equal(await openSourceIndex(bytes), null, path);
    await bytes[Symbol.asyncDispose]();
    const facts = await probeSource({ tool, limits: LIMITS, input: { kind: 'file', path } });
    assert.deepEqual([facts.indexed, facts.scanned], [undefined, true]);
  }
});

test('hostile indexes take neither memory nor time: counts that the tables do not hold', async () => {
  const film = await media.make('film.mp4', `${picture('25', 2)} ${X264} -g 25`);
  const bytes = await readFile(film);
  const count = bytes.indexOf('stsz') + 12;
  bytes.writeUInt32BE(0xfffffff0, count);
  await writeFile(media.path('huge.mp4'), bytes);
  bytes.writeUInt32BE(1000, count - 4);
  await writeFile(media.path('same.mp4'), bytes);
  for (const name of ['huge.mp4', 'same.mp4']) {
    const source = await openSourceBytes({ kind: 'file', path: media.path(name) });
    const index = await openSourceIndex(source);
    assert.deepEqual(index?.tracks ?? [], [], name);
    await source[Symbol.asyncDispose]();
  }
});

test('sound that is not AAC-LC is encoded, the picture is packaged all the same', async () => {
  const file = await media.make(
    'two.mp4',
    `${picture('25', 8)} ${sound(48_000, 8)} ${sound(22_050, 8)} -map 0 -map 1 -map 2 ${X264} -g 50 -c:a:0 aac -c:a:1 aac -ar:a:1 22050`,
  );
  const opened = await open(file);
  assert.deepEqual(
    [...opened.plan.video, ...opened.plan.audio].map(({ method }) => method),
    ['packaged', 'encoded', 'packaged', 'encoded'],
  );
  assert.deepEqual(
    opened.plan.tasks.map(({ kind }) => kind),
    ['copy', 'chunk', 'audio'],
  );
  assert.equal((await package_(opened)).length, 2);
  await opened.close();
});
