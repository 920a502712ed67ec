// Whole jobs of sources made of unlike parts, with the real FFmpeg: the picture changes its size, the clock begins anew. All of it is shown.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { findJob } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { listTasks } from '#database/tasks.ts';
import { detectTool } from '#media/capabilities.ts';
import { planJob } from '#workflows/plan-job.ts';
import { startWorker, type Worker } from '#workflows/start-worker.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { needTool } from '../kit/decode.ts';
import { eventually } from '../kit/eventually.ts';
import { type FreshDatabase, freshDatabase } from '../kit/postgres.ts';
import { type MadeMedia, openMadeMedia } from '../media/made-media.ts';
import { LIMITS } from '../media/sample-facts.ts';
import { jobRequest, openTestPlatform, streamSpec, type TestPlatform } from './test-platform.ts';

let fresh: FreshDatabase;
let opened: TestPlatform;
let worker: Worker;
let media: MadeMedia;

before(async () => {
  [fresh, media] = await Promise.all([freshDatabase(), openMadeMedia()]);
  const tool = await detectTool({
    ffmpegPath: 'ffmpeg',
    ffprobePath: 'ffprobe',
    limits: LIMITS.child,
    hwaccel: 'none',
  });
  opened = await openTestPlatform(fresh.database, { tool, settings: { FILE_ROOTS: media.folder } });
  worker = await startWorker(opened.platform);
});
after(async () => {
  await worker.stop();
  await opened.close();
  await fresh.drop();
  await media[Symbol.asyncDispose]();
});

const RED = [254, 0, 0];
const BLUE = [0, 0, 254];
const GREEN = [0, 255, 1];
const BLACK = [0, 0, 0];

type Part = {
  readonly colour: string;
  readonly size: string;
  readonly begins: number;
  readonly shape?: string;
  readonly fields?: string;
};

const toneAnd = (colour: string, size: string) =>
  `-f lavfi -i color=${colour}:size=${size}:rate=25:duration=2 -f lavfi -i sine=440:duration=2:sample_rate=48000`;

/** Two seconds of a colour and a tone, as a transport stream whose clock begins at `begins` seconds. */
const part = async (name: string, { colour, size, begins, shape = '1', fields = '' }: Part): Promise<Buffer> =>
  readFile(
    await media.make(
      name,
      `${toneAnd(colour, size)} -vf setsar=${shape} -c:v libx264 -preset ultrafast -g 25 ${fields} -c:a aac ` +
        `-output_ts_offset ${begins} -muxdelay 0 -muxpreload 0 -f mpegts`,
    ),
  );

async function joined(name: string, parts: readonly Part[]): Promise<string> {
  const bytes: Buffer[] = [];
  for (const [i, one] of parts.entries()) bytes.push(await part(`${i}-${name}`, one));
  await writeFile(media.path(name), Buffer.concat(bytes));
  return media.path(name);
}

async function encode(path: string) {
  const request = jobRequest({ source: { kind: 'file', path }, outputs: [streamSpec({ container: 'mp4' })] });
  const { job } = await submitJob(opened.platform, request);
  const ref = { projectId: 'default', jobId: job.id };
  const find = () => findJob(fresh.database.db, ref, opened.platform.sealer);
  await eventually(async () => assert.ok((await find())?.completedAt));
  const [output] = await listOutputs(fresh.database.db, ref, opened.platform.sealer);
  const made = (await listTasks(fresh.database.db, ref)).find(({ kind }) => kind === 'output');
  const key = made?.result?.files[0]?.key ?? assert.fail('no file');
  const done = await find();
  assert.equal(done?.status, 'completed', done?.error?.message);
  return { job: done, result: output?.result, file: opened.platform.storage.localPath(key) ?? assert.fail(key) };
}

type Place = { readonly seconds: number; readonly x: number; readonly y: number };

/** What is seen at places of a film, all read in one run. */
async function assertPixels(file: string, wanted: readonly (readonly [Place, readonly number[]])[]) {
  const times = [...new Set(wanted.map(([{ seconds }]) => seconds))].sort((a, b) => a - b);
  // The first frame at or behind each time.
  const chosen = times.map((time) => `gte(t,${time})*(isnan(prev_selected_t)+lt(prev_selected_t,${time}))`).join('+');
  const filter = ['-vf', `select='${chosen}',format=rgb24`, '-fps_mode', 'passthrough'];
  const { stdout } = await needTool('ffmpeg', [
    '-v',
    'error',
    '-i',
    file,
    ...filter,
    '-c:v',
    'ppm',
    '-f',
    'image2pipe',
    '-',
  ]);
  const head = /^P6\n(\d+) (\d+)\n255\n/.exec(stdout.subarray(0, 30).toString('latin1')) ?? assert.fail('no picture');
  const [width, height] = [Number(head[1]), Number(head[2])];
  const length = head[0].length + 3 * width * height;
  assert.equal(stdout.length, times.length * length);
  for (const [at, colour] of wanted) {
    const start = times.indexOf(at.seconds) * length + head[0].length + 3 * (at.y * width + at.x);
    const seen = [...stdout.subarray(start, start + 3)];
    const isNear = colour.every((value, i) => Math.abs(value - (seen[i] ?? -99)) < 12);
    assert.ok(isNear, `${JSON.stringify(at)}: ${seen} is not ${colour}`);
  }
}

test('a picture that changes its size is fitted into the first one, and its clock goes on', async () => {
  const path = await joined('turns.ts', [
    { colour: 'red', size: '320x240', begins: 0 },
    { colour: 'blue', size: '240x320', begins: 2 },
    { colour: '#00ff00', size: '640x480', begins: 4 },
  ]);
  const { result, file } = await encode(path);
  assert.deepEqual([result?.width, result?.height], [320, 240]);
  assert.ok(Math.abs((result?.frames ?? 0) - 150) <= 1, `${result?.frames} frames`);
  await assertPixels(file, [
    [{ seconds: 1, x: 10, y: 120 }, RED],
    [{ seconds: 3, x: 160, y: 120 }, BLUE],
    [{ seconds: 3, x: 10, y: 120 }, BLACK],
    [{ seconds: 5, x: 10, y: 120 }, GREEN],
  ]);
});

test('a broadcast that goes on under other numbers is shown and heard to its end', async () => {
  const path = await joined('numbers.ts', [
    { colour: 'red', size: '320x240', begins: 0 },
    { colour: 'blue', size: '320x240', begins: 2, fields: '-mpegts_start_pid 0x300' },
  ]);
  const { result, file } = await encode(path);
  assert.ok(Math.abs((result?.frames ?? 0) - 100) <= 1, `${result?.frames} frames`);
  await assertPixels(file, [
    [{ seconds: 1, x: 10, y: 120 }, RED],
    [{ seconds: 3, x: 10, y: 120 }, BLUE],
  ]);
  const late = ['-ss', '2.5', '-t', '1', '-i', file, '-af', 'volumedetect', '-f', 'null', '-'];
  const { stderr } = await needTool('ffmpeg', ['-v', 'info', '-nostats', ...late]);
  const loudness = Number(/mean_volume: (\S+) dB/.exec(stderr)?.[1]);
  assert.ok(loudness > -30, `${loudness} dB`);
});

for (const [name, fields] of [
  ['progressive', ''],
  ['interlaced', '-flags +ildct+ilme -x264opts tff=1'],
] as const)
  test(`pixels that change their shape, ${name}: 16:9 is fitted into the 4:3 that it began with, though both have one size`, async () => {
    const path = await joined(`shapes-${name}.ts`, [
      { colour: 'red', size: '352x288', shape: '12/11', begins: 0, fields },
      { colour: 'blue', size: '352x288', shape: '16/11', begins: 2, fields },
      { colour: '#00ff00', size: '352x288', shape: '12/11', begins: 4, fields },
    ]);
    const { job, result, file } = await encode(path);
    assert.equal(
      job.findings?.some(({ code }) => code === 'interlaced'),
      name === 'interlaced',
    );
    assert.deepEqual([result?.width, result?.height], [384, 288]);
    await assertPixels(file, [
      [{ seconds: 1, x: 192, y: 10 }, RED],
      // 216 of the 288 lines are picture: 36 above and below are not.
      [{ seconds: 3, x: 192, y: 144 }, BLUE],
      [{ seconds: 3, x: 10, y: 44 }, BLUE],
      [{ seconds: 3, x: 192, y: 28 }, BLACK],
      [{ seconds: 3, x: 192, y: 260 }, BLACK],
      [{ seconds: 5, x: 192, y: 10 }, GREEN],
    ]);
  });

for (const [name, begins] of [
  ['back', 0],
  ['an hour ahead', 3600],
] as const)
  test(`parts whose clock jumps ${name} are shown one after the other, and nothing is lost`, async () => {
    const path = await joined(`jumps-${begins}.ts`, [
      { colour: 'red', size: '320x240', begins: 0 },
      { colour: 'blue', size: '320x240', begins },
    ]);
    const { job, result, file } = await encode(path);
    assert.ok(job.findings?.some(({ code }) => code === 'clock_jumps'));
    assert.ok(Math.abs((result?.frames ?? 0) - 100) <= 3, `${result?.frames} frames`);
    await assertPixels(file, [
      [{ seconds: 1, x: 10, y: 120 }, RED],
      [{ seconds: 3, x: 10, y: 120 }, BLUE],
    ]);
    const { facts } = await planJob(opened.platform, {
      source: { kind: 'file', path },
      outputs: [streamSpec()],
      signal: new AbortController().signal,
    });
    assert.ok(Math.abs(facts.duration - 4) < 0.2, `a dry run says ${facts.duration} s`);
  });

test('clips of a disc, of whose pictures only some say when they are shown, are laid behind each other', async () => {
  const clips: Buffer[] = [];
  for (const colour of ['red', 'blue'])
    clips.push(
      await readFile(
        await media.make(`${colour}.vob`, `${toneAnd(colour, '320x240')} -c:v mpeg2video -bf 2 -g 25 -c:a mp2 -f vob`),
      ),
    );
  const path = media.path('disc.vob');
  await writeFile(path, Buffer.concat(clips));
  const { result, file } = await encode(path);
  assert.ok(Math.abs((result?.frames ?? 0) - 100) <= 3, `${result?.frames} frames`);
  await assertPixels(file, [
    [{ seconds: 1, x: 10, y: 120 }, RED],
    [{ seconds: 3, x: 10, y: 120 }, BLUE],
  ]);
});

test('a picture that comes later than the first chunk ends is waited for', async () => {
  const path = await media.make(
    'late.mp4',
    '-f lavfi -i sine=440:duration=2:sample_rate=48000 -itsoffset 16 -f lavfi -i color=red:size=320x240:rate=25:duration=1 ' +
      '-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac',
  );
  const { result, file } = await encode(path);
  assert.ok(Math.abs((result?.frames ?? 0) - 425) <= 2, `${result?.frames} frames`);
  await assertPixels(file, [
    [{ seconds: 13, x: 10, y: 120 }, RED],
    [{ seconds: 16.5, x: 10, y: 120 }, RED],
  ]);
});

for (const [kind, codecs] of [
  ['flv', '-c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a aac -f flv'],
  ['mkv', '-c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a aac -f matroska'],
  // As a browser records: lengths are not known while it is written.
  ['webm', '-c:v libvpx -deadline realtime -cpu-used 8 -g 25 -c:a libopus -live 1 -f webm'],
  ['mp4', '-c:v libx264 -preset ultrafast -bf 2 -g 25 -c:a aac -movflags +faststart -f mp4'],
] as const)
  test(`files of ${kind} that were written one behind the other are shown whole, each with its own headers`, async () => {
    const bytes: Buffer[] = [];
    for (const [colour, size] of [
      ['red', '320x240'],
      ['blue', '320x240'],
      ['#00ff00', '640x480'],
    ] as const)
      bytes.push(await readFile(await media.make(`${colour}-part.${kind}`, `${toneAnd(colour, size)} ${codecs}`)));
    const path = media.path(`one behind, the other's.${kind}`);
    await writeFile(path, Buffer.concat(bytes));
    const { job, result, file } = await encode(path);
    assert.match(job.findings?.find(({ code }) => code === 'clock_jumps')?.detail ?? '', /3 files/);
    assert.deepEqual([result?.width, result?.height], [320, 240]);
    // Where sound outlasts picture, a frame or two are held at a join.
    assert.ok(Math.abs((result?.frames ?? 0) - 150) <= 6, `${result?.frames} frames`);
    await assertPixels(file, [
      [{ seconds: 1, x: 10, y: 120 }, RED],
      [{ seconds: 3, x: 10, y: 120 }, BLUE],
      [{ seconds: 5, x: 10, y: 230 }, GREEN],
    ]);
  });
