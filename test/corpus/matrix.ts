// One file of the corpus through the real server, and the judgement of what came out. Used by run.ts.
import type { Player } from '../kit/browser.ts';
import { describeMedia } from '../kit/decode.ts';
import type { JobReport, MemoryPeak, RenditionServer } from '../kit/rendition-server.ts';
import { Refused } from '../kit/rendition-server.ts';
import { type Checked, checkFile, checkStream, expectedDuration } from './check-output.ts';
import { checkPicture } from './check-picture.ts';
import { type Expected, expectedOf } from './expected.ts';

/** Pixels of all frames together above which only the beginning is made, in one small rendition. */
const HUGE_WORK = 5e9;
const HUGE_SECONDS = 20;
/** Seconds that a job may take. */
const TIME_LIMIT = 300;
/** A broken file must be known for one within so many seconds, in so much memory (bytes). */
const BROKEN_SECONDS = 60;
const MEMORY_LIMIT = 2 * 1024 ** 3;
/** Stills become each of these too. */
const PICTURES = ['jpg', 'png', 'webp', 'avif'];
/** Failures that are not the file's: a defect. */
const OUR_FAULTS = new Set(['platform', 'caller', 'destination']);

export type Row = {
  readonly file: string;
  readonly findings: readonly string[];
  /** What was asked for beside the usual, in words. */
  readonly asked: string;
  /** completed, or the code of the failure. */
  readonly status: string;
  readonly message: string;
  readonly stream: Checked | null;
  readonly mp4: Checked | null;
  readonly pictures: Checked | null;
  readonly playback: Checked | null;
  /** Everything that is wrong with the row. */
  readonly misses: readonly string[];
  /** Of the job alone. */
  readonly seconds: number;
  readonly memory: MemoryPeak;
};

export type Bench = { readonly server: RenditionServer; readonly player: Player | null };

/** A file that must come out right where FFmpeg can decode it, and fail clearly where it cannot. */
export async function runTorture(bench: Bench, file: string): Promise<Row> {
  const isHuge = await hasHugeWork(file);
  const expected = await expectedOf(file, isHuge ? HUGE_SECONDS : undefined);
  const done = await convert(bench, { file, expected, isHuge, isBroken: false });
  if (!expected.isDecodable) {
    const judged = done.status === 'completed' ? missesOf(done) : unclear(done);
    return { ...done, misses: [...done.misses, ...judged] };
  }
  const failed = done.status === 'completed' ? [] : [`it failed: ${done.status}, ${done.message}`];
  return { ...done, misses: [...done.misses, ...failed, ...missesOf(done)] };
}

/** A file that must fail clearly, or come out as far as it can be read. */
export async function runBroken(bench: Bench, file: string): Promise<Row> {
  const expected = await expectedOf(file, HUGE_SECONDS);
  const done = await convert(bench, { file, expected, isHuge: false, isBroken: true });
  const bounds = [
    ...(done.seconds > BROKEN_SECONDS ? [`it took ${done.seconds.toFixed(0)} s`] : []),
    ...(done.memory.total > MEMORY_LIMIT ? [`it took ${megabytes(done.memory.total)} of memory`] : []),
  ];
  const judged = done.status === 'completed' ? missesOf(done) : unclear(done);
  return { ...done, misses: [...done.misses, ...bounds, ...judged] };
}

export const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MB`;

function missesOf(row: Row): string[] {
  const parts = { stream: row.stream, mp4: row.mp4, pictures: row.pictures, playback: row.playback };
  return Object.entries(parts).flatMap(([name, part]) => (part?.misses ?? []).map((miss) => `${name}: ${miss}`));
}

const unclear = (row: Row): string[] => (row.message.length < 10 ? ['the failure says nothing'] : []);

async function hasHugeWork(file: string): Promise<boolean> {
  const { streams, duration } = await describeMedia(file);
  const video = streams.find((stream) => stream.type === 'video');
  return (video?.width ?? 0) * (video?.height ?? 0) * (duration ?? 0) * 30 > HUGE_WORK;
}

type Wish = {
  readonly file: string;
  readonly expected: Expected;
  readonly isHuge: boolean;
  readonly isBroken: boolean;
};

async function convert(bench: Bench, { file, expected, isHuge, isBroken }: Wish): Promise<Row> {
  const outputs = wishes(expected, isHuge);
  const started = performance.now();
  bench.server.takePeak();
  const report = await submitAndWait(bench.server, file, outputs);
  const seconds = (performance.now() - started) / 1000;
  const memory = bench.server.takePeak();
  const row: Row = {
    file,
    findings: report.findings
      .filter((one) => one.severity !== 'note' || one.code !== 'standard')
      .map((one) => one.code),
    asked: isHuge ? `the first ${HUGE_SECONDS} s, ultrafast, 360p stream, MP4 240 high` : '',
    status: report.status === 'completed' ? 'completed' : (report.error?.code ?? report.status),
    message: report.error?.message ?? '',
    stream: null,
    mp4: null,
    pictures: null,
    playback: null,
    misses: [
      ...((await bench.server.isHealthy()) ? [] : ['the server is not healthy afterwards']),
      ...(report.error && OUR_FAULTS.has(report.error.fault)
        ? [`the failure ${report.error.code} blames the platform`]
        : []),
    ],
    seconds,
    memory,
  };
  if (report.status !== 'completed') return row;
  const judged = expected.isDecodable ? { ...row, ...(await judge(bench, report, expected)) } : null;
  if (judged && (!isBroken || missesOf(judged).length === 0)) return judged;
  return { ...row, ...(await judgeByItself(bench, report, judged)) };
}

/**
 * What FFmpeg's own tools cannot decode, or see otherwise than the engine does (of a broken file two decoders may save two different
 * parts), is held against its own MP4: stream and file must agree, in form as in content.
 */
async function judgeByItself(bench: Bench, report: JobReport, judged: Row | null): Promise<Partial<Row>> {
  const mp4 = report.outputs[1]?.result?.url;
  if (!mp4) return { stream: missing('MP4') };
  const own = await expectedOf(mp4);
  const parts = await judge(bench, { ...report, outputs: report.outputs.slice(0, 2) }, own);
  const why = judged
    ? `in part; FFmpeg’s own decode: ${missesOf(judged)[0] ?? ''}`
    : 'FFmpeg’s own tools cannot decode the source';
  return { ...parts, stream: { misses: parts.stream?.misses ?? [], notes: [...(parts.stream?.notes ?? []), why] } };
}

function wishes(expected: Expected, isHuge: boolean): object[] {
  if (isHuge) {
    const part = { preset: 'ultrafast', duration: HUGE_SECONDS };
    return [
      { container: 'hls', renditions: ['360p'], ...part },
      { container: 'mp4', height: 240, ...part },
    ];
  }
  const still = expected.isStill ? PICTURES.map((container) => ({ container })) : [];
  return [{ container: 'hls' }, { container: 'mp4' }, ...still];
}

/** A job that is refused at once is one that failed. */
async function submitAndWait(server: RenditionServer, file: string, outputs: readonly object[]): Promise<JobReport> {
  try {
    return await server.waitFor(await server.submit(file, outputs), TIME_LIMIT);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const failure = { code: error.code, message: error.message, fault: error.status >= 500 ? 'platform' : 'source' };
    return { id: 0, uuid: '', status: 'refused', findings: [], outputs: [], error: failure };
  }
}

async function judge(bench: Bench, report: JobReport, expected: Expected): Promise<Partial<Row>> {
  const [stream, mp4, ...pictures] = report.outputs.map((output) => output.result?.url ?? null);
  const playback = stream && bench.player ? await play(bench.player, stream, expected) : null;
  const images: Checked[] = [];
  for (const [i, url] of pictures.entries()) {
    if (url) images.push(await checkPicture(url, PICTURES[i] ?? '', expected));
  }
  return {
    stream: stream ? await checkStream(stream, expected) : missing('stream'),
    mp4: mp4 ? await checkFile(mp4, expected) : missing('MP4'),
    pictures:
      images.length > 0
        ? { misses: images.flatMap((one) => one.misses), notes: images.flatMap((one) => one.notes) }
        : null,
    playback,
  };
}

const missing = (what: string): Checked => ({ misses: [`there is no ${what}`], notes: [] });

async function play(player: Player, url: string, expected: Expected): Promise<Checked> {
  const { video, audio } = expected;
  const seen = await player.play({
    url,
    aspect: video ? video.width / video.height : null,
    hasAudio: audio !== null,
    duration: expectedDuration(expected),
  });
  const shown = video ? `${seen.width}x${seen.height}` : 'sound';
  return { misses: seen.misses, notes: [`${shown}, ${seen.levels} level${seen.levels === 1 ? '' : 's'}`] };
}
