// Rows of serving: segments and playlists of a video, beside nginx that serves the same bytes from files.
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRendition } from '../../test/kit/rendition-server.ts';
import { freePort, missingPrograms, startServer } from '../../test/kit/server-process.ts';
import { runFfmpeg } from '../baseline.ts';
import { measure, median } from '../meter.ts';
import type { Row } from '../row.ts';

const run = promisify(execFile);
const ROUNDS = { full: 5, quick: 3 } as const;
const SECONDS = 3;
const CONNECTIONS = 16;

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

/** Answers a second. */
async function load(url: string): Promise<number> {
  const { stdout } = await run('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, url]);
  if (/Non-2xx/.test(stdout)) throw new Error(stdout);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
}

/** A film whose own stream is its one quality, in segments of about 500 kB. */
async function makeFilm(path: string, seconds: number): Promise<void> {
  const picture = `testsrc2=s=640x360:r=24:d=${seconds},noise=alls=20:allf=t`;
  const inputs = ['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', `sine=d=${seconds}`];
  const rate = ['-b:v', '680k', '-maxrate', '700k', '-bufsize', '700k', '-g', '48', '-pix_fmt', 'yuv420p'];
  await runFfmpeg([
    '-v',
    'error',
    '-y',
    ...inputs,
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    ...rate,
    '-c:a',
    'aac',
    path,
  ]);
}

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
    form({ filename: 'film.mp4', total_chunks: '1', qualities: '360p' }),
  );
  await post('/upload/chunk', form({ upload_id, index: '0', file: new Blob([await readFile(path)]) }));
  await post('/upload/complete', form({ upload_id }));
  return upload_id;
}

type Thing = {
  readonly name: string;
  readonly title: string;
  readonly file: string;
  readonly seconds: number;
  readonly atLeast: number;
};

const row = ({ name, title, file, seconds, atLeast }: Thing): Row => ({
  name,
  title: `${title}, answers a second, and nginx with the same bytes as a file: how many times as many`,
  target: { atLeast },
  unit: '×',
  missing: () => missingPrograms('nginx', 'wrk'),
  run: async ({ folder, quick }) => {
    const place = join(folder, name);
    await mkdir(join(place, 'files'), { recursive: true });
    const film = join(place, 'film.mp4');
    await makeFilm(film, seconds);
    const port = await freePort();
    await writeFile(join(place, 'nginx.conf'), nginxConfig(place, port));
    const nginx = await startServer('nginx', ['-c', join(place, 'nginx.conf'), '-e', join(place, 'error.log')], port);
    try {
      await using server = await startRendition({});
      const stream = `${server.url}/stream/${await uploadFilm(server.url, film)}`;
      const url = `${stream}/${file}`;
      // Answers as soon as it plays.
      await fetch(`${stream}/master.m3u8`);
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
      const bytes = Buffer.from(await answer.arrayBuffer());
      await writeFile(join(place, 'files', 'same'), bytes);
      const [ours, theirs]: [number[], number[]] = [[], []];
      const { foreign } = await measure(null, () => new Promise((resolve) => setTimeout(resolve, 3000)));
      for (let round = 0; round < (quick ? ROUNDS.quick : ROUNDS.full); round++) {
        theirs.push(await load(`http://127.0.0.1:${port}/same`));
        ours.push(await load(url));
      }
      return {
        value: median(ours.map((rate, i) => rate / (theirs[i] ?? Number.NaN))),
        series: [
          { name: 'nginx, ms an answer', unit: 's', values: theirs.map((rate) => 1000 / rate) },
          { name: 'ours, ms an answer', unit: 's', values: ours.map((rate) => 1000 / rate) },
        ],
        foreign,
        commands: [`wrk -t1 -c${CONNECTIONS} -d${SECONDS}s URL`],
        source: `${bytes.length} bytes`,
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
    seconds: 24,
    atLeast: 0.9,
  }),
  row({ name: 'serving-playlist', title: 'A playlist', file: '360p/playlist.m3u8', seconds: 180, atLeast: 0.6 }),
  row({ name: 'serving-disk', title: 'A file from the disk', file: 'original', seconds: 24, atLeast: 0.35 }),
];
