// Rows of serving: segments and playlists of a video, beside nginx that serves the same bytes from files.
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startRendition } from '../../test/kit/rendition-server.ts';
import { freePort, missingPrograms, startServer } from '../../test/kit/server-process.ts';
import { startBareServer } from '../bare-server.ts';
import { runFfmpeg } from '../baseline.ts';
import { measure, median } from '../meter.ts';
import type { Row } from '../row.ts';

const run = promisify(execFile);
/** Short and many: what else the machine does meets both sides alike. */
const ROUNDS = { full: 11, quick: 5 } as const;
const SECONDS = 1;
const CONNECTIONS = 16;
const BARE = "Node's HTTP server with one answer in memory and nothing else, a thousand answers";

const nginxConfig = (folder: string, port: number): string => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${port}; root ${folder}/files; }
}
`;

/** Answers a second. @param script of wrk, where it asks for more than one address */
async function load(url: string, script: readonly string[]): Promise<number> {
  const { stdout } = await run('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, ...script, url]);
  if (/Non-2xx/.test(stdout)) throw new Error(stdout);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
}

/** Milliseconds of a thousand answers. @param rate of them a second */
const timeOf = (rate: number): number => 1e6 / rate;

/** Seconds of a film before it begins anew. */
const ROUND = 24;

/** A film whose own stream is its one quality, in segments of about 500 kB. Out of Matroska they are stored, out of MP4 cut when asked for. */
async function makeFilm(folder: string, rounds: number): Promise<string> {
  const quiet = ['-v', 'error', '-y'];
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=24:d=${ROUND},noise=alls=20:allf=t`];
  const rate = ['-b:v', '680k', '-maxrate', '700k', '-bufsize', '700k', '-g', '48', '-pix_fmt', 'yuv420p'];
  const round = join(folder, 'film.mp4');
  await runFfmpeg([...quiet, ...picture, '-c:v', 'libx264', '-preset', 'veryfast', ...rate, round]);
  if (rounds === 1) return round;
  const film = join(folder, 'film.mkv');
  await runFfmpeg([...quiet, '-stream_loop', String(rounds - 1), '-i', round, '-c', 'copy', film]);
  return film;
}

/** Uploads a film and waits until all of it is made: the encoder would have a core of its own. */
async function uploadFilm(url: string, path: string): Promise<string> {
  const post = async (place: string, body: FormData) => {
    const answer = await fetch(url + place, { method: 'POST', body });
    if (!answer.ok) throw new Error(`${place} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as { upload_id: string };
  };
  const form = (fields: Readonly<Record<string, string | Blob>>) => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) data.append(name, value);
    return data;
  };
  const { upload_id } = await post(
    '/upload/init',
    form({ filename: basename(path), total_chunks: '1', qualities: '360p' }),
  );
  await post('/upload/chunk', form({ upload_id, index: '0', file: new Blob([await readFile(path)]) }));
  await post('/upload/complete', form({ upload_id }));
  for (let status = ''; status !== 'ready'; await sleep(200)) {
    ({ status } = (await (await fetch(`${url}/videos/${upload_id}`)).json()) as { status: string });
    if (status === 'failed') throw new Error(`video ${upload_id} failed`);
  }
  return upload_id;
}

/** Asks for all segments in turns: together they are more than is kept in memory. */
const inTurns = (count: number): string => `
local at = 0
request = function()
  at = at % ${count} + 1
  return wrk.format("GET", wrk.path .. string.format("segment_%05d.m4s", at - 1))
end
`;

/** Puts what our server answers where nginx serves it. Bytes of one answer. */
async function fetchTo(folder: string, stream: string, names: readonly string[]): Promise<number> {
  let size = 0;
  for (const name of names) {
    const answer = await fetch(`${stream}/${name}`);
    if (!answer.ok) throw new Error(`${stream}/${name} answered ${answer.status}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    size = Math.max(size, bytes.length);
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
  return size;
}

const segmentsOf = async (stream: string, folder: string): Promise<string[]> =>
  (await (await fetch(`${stream}/${folder}playlist.m3u8`)).text())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((name) => folder + name);

type Thing = {
  readonly name: string;
  readonly title: string;
  /** Below the stream; of a folder all segments are asked for in turns. */
  readonly file: string;
  /** of the film, each 24 s */
  readonly rounds: number;
  readonly atLeast: number;
};

const row = ({ name, title, file, rounds, atLeast }: Thing): Row => ({
  name,
  title: `${title}, answers a second, and nginx with the same bytes as a file: how many times as many`,
  target: { atLeast },
  unit: '×',
  missing: () => missingPrograms('nginx', 'wrk'),
  run: async ({ folder, quick }) => {
    const place = join(folder, name);
    await mkdir(join(place, 'files'), { recursive: true });
    const film = await makeFilm(place, rounds);
    const port = await freePort();
    await writeFile(join(place, 'nginx.conf'), nginxConfig(place, port));
    const nginx = await startServer('nginx', ['-c', join(place, 'nginx.conf'), '-e', join(place, 'error.log')], port);
    try {
      await using server = await startRendition({});
      const stream = `${server.url}/stream/${await uploadFilm(server.url, film)}`;
      const names = file.endsWith('/') ? await segmentsOf(stream, file) : [file];
      const bytes = await fetchTo(join(place, 'files'), stream, names);
      const script = join(place, 'turns.lua');
      await writeFile(script, inTurns(names.length));
      const options = names.length > 1 ? ['-s', script] : [];
      // What lies on the disk has no such measure: that server has no disk.
      const only = names.length === 1 ? names[0] : undefined;
      await using bare = only === undefined ? null : await startBareServer(join(place, 'files', only));
      const [ours, theirs, bares]: [number[], number[], number[]] = [[], [], []];
      const { foreign } = await measure(null, () => sleep(3000));
      for (let round = 0; round < (quick ? ROUNDS.quick : ROUNDS.full); round++) {
        theirs.push(await load(`http://127.0.0.1:${port}/${file}`, options));
        ours.push(await load(`${stream}/${file}`, options));
        if (bare) bares.push(await load(bare.url, options));
      }
      return {
        value: median(ours.map((rate, i) => rate / (theirs[i] ?? Number.NaN))),
        series: [
          { name: 'nginx, a thousand answers', unit: 'ms', values: theirs.map(timeOf) },
          { name: 'ours, a thousand answers', unit: 'ms', values: ours.map(timeOf) },
          ...(bare ? [{ name: BARE, unit: 'ms' as const, values: bares.map(timeOf) }] : []),
        ],
        foreign,
        commands: [`wrk -t1 -c${CONNECTIONS} -d${SECONDS}s URL`],
        source: names.length > 1 ? `${names.length} files of ${bytes} bytes in turns` : `${bytes} bytes`,
        remarks: ['Both sides, and wrk, share the cores.'],
      };
    } finally {
      await nginx.stop();
    }
  },
});

export const SERVING_ROWS: readonly Row[] = [
  row({
    name: 'serving',
    title: 'A segment that is asked for often',
    file: '360p/segment_00001.m4s',
    rounds: 1,
    atLeast: 0.9,
  }),
  row({ name: 'serving-playlist', title: 'A playlist', file: '360p/playlist.m3u8', rounds: 8, atLeast: 0.6 }),
  // 75 rounds are more than is kept in memory.
  row({ name: 'serving-disk', title: 'Segments from the disk', file: '360p/', rounds: 80, atLeast: 0.35 }),
];
