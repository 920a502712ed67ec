// `npm run soak -- MINUTES`: four live channels for a while (30 minutes), each output checked all the time; at the end flat memory and descriptors, no lost segment, bounded logs.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { missingRtmp, startRtmp } from '../test/kit/nginx-rtmp.ts';
import { freePort } from '../test/kit/server-process.ts';

const minutes = Number(process.argv[2] ?? 30);
if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error('npm run soak -- MINUTES');
const ROOT = resolve(import.meta.dirname, '..');
const LOG_LIMIT = 10_000_000;
const SAMPLE_MS = 5000;
const SEGMENT = 2;
/** Before it memory grows to its working size. */
const WARM_SECONDS = Math.min(120, minutes * 20);

const folder = await mkdtemp(join(tmpdir(), 'rendition-soak-'));
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
const server = spawn(process.execPath, [join(ROOT, 'src/main.ts'), 'serve'], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, HOST: '127.0.0.1', PORT: String(port), DATA_DIR: folder },
    ...{ LOG_LEVEL: 'warn', EGRESS_ALLOW: '127.0.0.0/8', LIVE_CPU_PERCENT: '0' },
  },
});
const problems: string[] = [];
type Job = {
  readonly id: number;
  readonly status: string;
  readonly restarts: number;
  readonly ffmpeg_pid: number | null;
};
type Made = { readonly id: number; readonly job: number; readonly slug: string };
type Sample = { readonly at: number; readonly memory: number; readonly descriptors: number; readonly children: number };

async function soak(): Promise<boolean> {
  const rtmp = missingRtmp() ? null : await startRtmp();
  const channels = await Promise.all([
    make('hls'),
    make('ladder', { is_abr: true, abr: [{ resolution: '320x180' }, { resolution: '160x90', video_bitrate: 100 }] }),
    make('multicast', { output_type: 'udp', output_multicast_ip: '239.3.3.3:5003', output_network: '127.0.0.1' }),
    rtmp ? make('rtmp', { output_type: 'rtmp', output_url: rtmp.url('soak') }) : make('hls-too'),
  ]);
  for (const { job } of channels) await call('POST', `/api/job/${job}/start/`);
  const samples: Sample[] = [];
  const lists = new Map<string, { first: number; last: number }>();
  const end = Date.now() + minutes * 60_000;
  const began = Date.now();
  while (Date.now() < end) {
    await sleep(SAMPLE_MS);
    for (const { job, slug } of channels) {
      const now = (await call('GET', `/api/job/${job}/`)) as Job;
      if (Date.now() - began > 20_000 && now.status !== 'running') problems.push(`${slug} is ${now.status}`);
    }
    for (const place of ['hls/180p', 'ladder/180p', 'ladder/90p']) await follow(place, lists);
    if (Date.now() - began > WARM_SECONDS * 1000) samples.push(await sample());
  }
  const jobs = (await call('GET', '/api/job/')) as Job[];
  for (const { id, restarts } of jobs) if (restarts > 0) problems.push(`job ${id} was started anew ${restarts} times`);
  for (const [place, { first, last }] of lists) {
    const wanted = ((Date.now() - began) / 1000 / SEGMENT) * 0.93 - 6;
    if (last - first < wanted) problems.push(`${place} has ${last - first} segments of ${Math.floor(wanted)}`);
  }
  const logs = join(folder, 'logs', 'channels');
  const sizes = await Promise.all((await readdir(logs)).map(async (name) => (await stat(join(logs, name))).size));
  if (Math.max(...sizes) > LOG_LIMIT) problems.push(`a log of ${Math.max(...sizes)} bytes`);
  report(samples, sizes);
  for (const { job } of channels) await call('POST', `/api/job/${job}/stop/`);
  await rtmp?.stop();
  for (const problem of new Set(problems)) console.log(`✖ ${problem}`);
  if (problems.length === 0) console.log(`✔ ${minutes} minutes, four channels, nothing lost`);
  return problems.length === 0;
}

function report(samples: readonly Sample[], logs: readonly number[]): void {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const mean = (part: readonly Sample[], of: (sample: Sample) => number) =>
    part.reduce((sum, one) => sum + of(one), 0) / Math.max(1, part.length);
  const compare = (of: (sample: Sample) => number) =>
    [mean(samples.slice(0, third), of), mean(samples.slice(-third), of)] as const;
  const [memoryBefore, memoryAfter] = compare(({ memory }) => memory);
  const [filesBefore, filesAfter] = compare(({ descriptors }) => descriptors);
  const growth = memoryAfter / memoryBefore - 1;
  console.log(
    `memory of the server ${(memoryBefore / 1e6).toFixed(1)} → ${(memoryAfter / 1e6).toFixed(1)} MB (${(growth * 100).toFixed(1)} %)`,
  );
  console.log(`descriptors ${filesBefore.toFixed(1)} → ${filesAfter.toFixed(1)}; FFmpegs ${samples.at(-1)?.children}`);
  console.log(`largest log ${Math.max(...logs)} bytes`);
  // Short runs end before the first collection of old garbage: they judge descriptors alone.
  if (growth > 0.05 && minutes >= 10) problems.push(`memory grew by ${(growth * 100).toFixed(1)} %`);
  if (filesAfter > filesBefore + 3) problems.push(`descriptors grew from ${filesBefore} to ${filesAfter}`);
}

/** Every listed segment must be there, and numbers never fall or leave one out. */
async function follow(place: string, lists: Map<string, { first: number; last: number }>): Promise<void> {
  const [slug, rendition] = place.split('/');
  const answer = await fetch(`${base}/live/${slug}/${rendition}/playlist.m3u8`);
  if (!answer.ok) return;
  const text = await answer.text();
  const numbers = [...text.matchAll(/^(\d+)\.ts$/gm)].map(([, number]) => Number(number));
  const [first = 0, last = 0] = [numbers[0], numbers.at(-1)];
  const known = lists.get(place);
  if (known && last < known.last) problems.push(`${place}: numbers fell from ${known.last} to ${last}`);
  if (/^#EXT-X-DISCONTINUITY$/m.test(text)) problems.push(`${place}: a break`);
  for (const number of [first, last]) {
    const segment = await fetch(`${base}/live/${slug}/${rendition}/${number}.ts`);
    const bytes = (await segment.arrayBuffer()).byteLength;
    if (!segment.ok || bytes % 188 !== 0) problems.push(`${place}: segment ${number} answers ${segment.status}`);
  }
  lists.set(place, { first: known?.first ?? first, last });
}

async function sample(): Promise<Sample> {
  const pid = server.pid ?? 0;
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(names.map((name) => readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')));
  const children = stats.filter(
    (text) => text.includes('(ffmpeg)') && Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) === pid,
  );
  return {
    at: Date.now(),
    memory: Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024,
    descriptors: (await readdir(`/proc/${pid}/fd`)).length,
    children: children.length,
  };
}

const make = (name: string, more: Record<string, unknown> = {}): Promise<Made> =>
  call('POST', '/api/channels/', {
    ...{ name, input_type: 'test', preset: 'ultrafast', resolution: '320x180', frame_rate: 25, video_bitrate: 300 },
    ...{ audio_bitrate: 64, gop_seconds: 1, hls_segment_seconds: SEGMENT, hls_window_seconds: 12, ...more },
  }) as Promise<Made>;

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const sent =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const answer = await fetch(base + path, { method, ...sent });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function ready(): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (
      await fetch(`${base}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await sleep(200);
  }
  throw new Error('the server does not get ready');
}

try {
  await ready();
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  server.kill('SIGTERM');
  if (server.exitCode === null) await new Promise((done) => server.once('exit', done));
  await rm(folder, { recursive: true, force: true });
}
