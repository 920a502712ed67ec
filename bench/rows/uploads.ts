// Rows of uploads: a file sent to the disk, beside nginx that is sent the same file.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startRendition } from '../../test/kit/rendition-server.ts';
import { findProgram, freePort, missingPrograms, startServer } from '../../test/kit/server-process.ts';
import { startBareServer } from '../bare-server.ts';
import { measure, median, type Sample } from '../meter.ts';
import type { Row } from '../row.ts';

const run = promisify(execFile);
const MB = 1024 ** 2;
/** nginx writes to a temporary file and renames it, as its module does by itself. */
const nginxConfig = (folder: string, port: number): string => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  client_max_body_size 0;
  server {
    listen 127.0.0.1:${port};
    location / { root ${folder}/files; dav_methods PUT; }
  }
}
`;

async function makeFile(path: string, size: number): Promise<void> {
  const file = await open(path, 'w');
  const block = randomBytes(16 * MB);
  for (let at = 0; at < size; at += block.length) await file.write(block, 0, Math.min(block.length, size - at));
  await file.close();
}

const upload: Row = {
  name: 'upload',
  title: 'An upload to the disk (tus, one request), and the same bytes by PUT to nginx: how many times as fast',
  target: { atLeast: 1.3 },
  unit: '×',
  missing: () => missingPrograms('nginx', 'curl'),
  run: async ({ folder, quick }) => {
    const size = (quick ? 256 : 1024) * MB;
    const place = join(folder, 'upload');
    await mkdir(join(place, 'files'), { recursive: true });
    const file = join(place, 'film.bin');
    await makeFile(file, size);
    const port = await freePort();
    await writeFile(join(place, 'nginx.conf'), nginxConfig(place, port));
    const nginx = await startServer('nginx', ['-c', join(place, 'nginx.conf'), '-e', join(place, 'error.log')], port);
    try {
      await using bare = await startBareServer();
      await using server = await startRendition({ settings: {} });
      const curl = findProgram('curl') ?? 'curl';
      const quiet = ['--silent', '--show-error', '--fail', '--output', '/dev/null'];
      const put = [...quiet, '-T', file, `http://127.0.0.1:${port}/film.bin`];
      const theirs: Sample[] = [];
      const ours: Sample[] = [];
      const thrownAway: Sample[] = [];
      const chunked: Sample[] = [];
      // While neither works: the servers' own work is nobody else's.
      const { foreign } = await measure(null, () => sleep(3000));
      for (let round = 0; round < (quick ? 5 : 9); round++) {
        theirs.push(await measure(null, async () => void (await run(curl, put))));
        await rm(join(place, 'files', 'film.bin'), { force: true });
        const away = [...quiet, '-T', file, bare.url];
        thrownAway.push(await measure(null, async () => void (await run(curl, away))));
        const made = await fetch(`${server.url}/upload/tus/`, {
          method: 'POST',
          headers: {
            'Tus-Resumable': '1.0.0',
            // One byte more than is sent: the time is that of writing, as with nginx, not of waiting for the disk.
            'Upload-Length': String(size + 1),
            'Upload-Metadata': `purpose ${Buffer.from('job').toString('base64')}`,
          },
        });
        const headers = ['Tus-Resumable: 1.0.0', 'Upload-Offset: 0', 'Content-Type: application/offset+octet-stream'];
        const patch = [...headers.flatMap((one) => ['-H', one]), '-X', 'PATCH', '-T', file];
        const url = made.headers.get('location') ?? '';
        ours.push(await measure(null, async () => void (await run(curl, [...quiet, ...patch, url]))));
        await fetch(url, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } });
        const begun = await fetch(`${server.url}/upload/init`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ filename: 'film.bin', total_chunks: 1, purpose: 'job' }),
        });
        const { upload_id: id } = (await begun.json()) as { upload_id: string };
        const form = ['-F', `upload_id=${id}`, '-F', 'index=0', '-F', `file=@${file}`];
        chunked.push(
          await measure(null, async () => void (await run(curl, [...quiet, ...form, `${server.url}/upload/chunk`]))),
        );
        await fetch(`${server.url}/upload/${id}`, { method: 'DELETE' });
      }
      const walls = (samples: readonly Sample[]) => samples.map(({ wall }) => wall);
      return {
        value: median(walls(theirs).map((wall, i) => wall / (walls(ours)[i] ?? Number.NaN))),
        series: [
          { name: 'nginx PUT', unit: 's', values: walls(theirs) },
          { name: 'tus', unit: 's', values: walls(ours) },
          { name: "Node's HTTP server, which throws it away", unit: 's', values: walls(thrownAway) },
          { name: 'one chunk as a form', unit: 's', values: walls(chunked) },
        ],
        foreign,
        commands: [`curl ${put.join(' ')}`],
        source: `${size / MB} MiB of noise`,
        remarks: ['Neither waits for the disk: of an upload of ours, the last request does.'],
      };
    } finally {
      await nginx.stop();
    }
  },
};

export const UPLOAD_ROWS: readonly Row[] = [upload];
