// Plays every film of the corpus as a video: uploaded, streamed, checked against RFC 8216, watched, sought and switched in Chromium. Run by hand: node test/corpus/streams.ts [part of a name …]
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Player, startPlayer } from '../kit/browser.ts';
import { checkStream } from '../kit/check-playlists.ts';
import { startRendition } from '../kit/rendition-server.ts';

const CORPUS = join(import.meta.dirname, '../../../shared/corpus');
/** Seconds that one film may take. */
const PATIENCE = 600;

type Shown = {
  readonly status: string;
  readonly duration: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
};

process.exitCode = await main(process.argv.slice(2));

async function main(wanted: readonly string[]): Promise<number> {
  if (!existsSync(CORPUS)) {
    console.log(`not run: there is no ${CORPUS}`);
    return 0;
  }
  const files: string[] = [];
  for (const folder of ['torture', 'bench'])
    for (const name of await readdir(join(CORPUS, folder))) files.push(join(CORPUS, folder, name));
  const chosen = files.filter((path) => wanted.length === 0 || wanted.some((part) => basename(path).includes(part)));
  await using server = await startRendition({});
  await using player = await startPlayer();
  let failures = 0;
  for (const path of chosen) {
    const said = await playOne(server.url, player, path).catch((error: unknown) => [String(error)]);
    console.log(
      `${said.length === 0 ? 'plays' : 'FAILS'}  ${basename(path)}${said.map((line) => `\n       ${line}`).join('')}`,
    );
    if (said.some((line) => !line.startsWith('not a film'))) failures += 1;
  }
  console.log(`${chosen.length} files, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}

/** What is wrong with it, a line each. */
async function playOne(url: string, player: Player, path: string): Promise<string[]> {
  const post = async (place: string, fields: Readonly<Record<string, string | Blob>>) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    const answer = await fetch(url + place, { method: 'POST', body });
    return { ok: answer.ok, body: (await answer.json()) as { upload_id: string; code?: string; detail?: string } };
  };
  const { body } = await post('/upload/init', { filename: basename(path), total_chunks: '1' });
  const id = body.upload_id;
  await post('/upload/chunk', { upload_id: id, index: '0', file: new Blob([await readFile(path)]) });
  const done = await post('/upload/complete', { upload_id: id });
  if (!done.ok) return [`not a film: ${done.body.code} ${done.body.detail}`];
  const until = Date.now() + PATIENCE * 1000;
  let video: Shown;
  do {
    await sleep(300);
    video = (await (await fetch(`${url}/videos/${id}`)).json()) as Shown;
  } while (!['ready', 'failed'].includes(video.status) && Date.now() < until);
  try {
    if (video.status !== 'ready') return [`${video.status}: ${video.error?.code} ${video.error?.message}`];
    const master = `${url}/stream/${id}/master.m3u8`;
    const text = await (await fetch(master)).text();
    const size = /RESOLUTION=(\d+)x(\d+)/.exec(text);
    const seen = await player.play({
      url: master,
      aspect: size ? Number(size[1]) / Number(size[2]) : null,
      hasAudio: text.includes('TYPE=AUDIO') || !size,
      duration: video.duration ?? 0,
    });
    return [...(await checkStream(master)), ...seen.misses];
  } finally {
    await fetch(`${url}/videos/${id}`, { method: 'DELETE' });
  }
}
