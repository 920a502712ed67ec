// Plays every film of the corpus as a video: uploaded, streamed, checked against RFC 8216, watched, sought and switched in Chromium. Run by hand: node test/corpus/streams.ts [part of a name …]; what it saw goes into docs/corpus-videos.md.
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Player, startPlayer } from '../kit/browser.ts';
import { checkStream } from '../kit/check-playlists.ts';
import { startRendition } from '../kit/rendition-server.ts';

const CORPUS = join(import.meta.dirname, '../../../shared/corpus');
/** Asked for less than usual: minutes of work for a machine of two cores. */
const ASKED: Readonly<Record<string, string>> = { '4k-av1-6min-low-bitrate.mp4': '360p' };
const REPORT = join(import.meta.dirname, '../../docs/corpus-videos.md');
/** Seconds that one film may take. */
const PATIENCE = 600;

type Shown = {
  readonly status: string;
  readonly duration: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
};

/** To be refused, with what it is: a codec that this FFmpeg has no decoder for, encrypted samples, a picture beyond the limits. */
const REFUSED =
  /^(unsupported_media .*holds nothing that can be decoded here: stream \d+: video, (dav1|vvc1)|encrypted_media |media_limit The picture is )/;

process.exitCode = await main(process.argv.slice(2));

async function main(wanted: readonly string[]): Promise<number> {
  if (!existsSync(CORPUS)) {
    console.log(`not run: there is no ${CORPUS}`);
    return 0;
  }
  const files: string[] = [];
  for (const name of await readdir(join(CORPUS, 'torture'))) files.push(join(CORPUS, 'torture', name));
  const chosen = files.filter((path) => wanted.length === 0 || wanted.some((part) => basename(path).includes(part)));
  await using server = await startRendition({});
  await using player = await startPlayer();
  let failures = 0;
  const rows = new Map<string, string>();
  for (const path of chosen) {
    const started = performance.now();
    const { misses, seen } = await playOne(server.url, player, path).catch((error: unknown) => ({
      misses: [String(error)],
      seen: '',
    }));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const said = misses.length === 0 ? seen : misses.join('; ');
    console.log(`${misses.length === 0 ? 'as it must be' : 'FAILS'}  ${basename(path)}  ${seconds} s  ${said}`);
    rows.set(basename(path), `| ${basename(path)} | ${misses.length === 0 ? '✓' : '✗'} ${said} | ${seconds} |`);
    if (misses.length > 0) failures += 1;
  }
  await writeReport(rows);
  console.log(`${chosen.length} files, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}

/** Rows of files that were not played now stay as they are. */
async function writeReport(rows: ReadonlyMap<string, string>): Promise<void> {
  const before = existsSync(REPORT) ? await readFile(REPORT, 'utf8') : '';
  const all = new Map(rows);
  for (const [row, name = ''] of before.matchAll(/^\| (\S+) \| [✓✗].*$/gm)) if (!all.has(name)) all.set(name, row);
  const lines = [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  const good = lines.filter((row) => row.includes('| ✓')).length;
  await writeFile(
    REPORT,
    `${[
      '# The corpus as videos',
      '',
      '<!-- Written by `node test/corpus/streams.ts`; do not edit. -->',
      '',
      'Every odd but decodable file is uploaded to `/upload`, made by the defaults of a new installation, its playlists are checked against RFC 8216 (and their segments against what the playlists say),',
      'and Chromium plays it through hls.js: a second of playing, a seek, a change of quality, its length ±0.15 s, its shape, sound where there is sound. Seconds are from the first byte to the end of the check.',
      `What FFmpeg itself cannot decode must be refused by name. ${good} of ${lines.length} as they must be; [corpus.md](corpus.md) has the same files decoded and compared picture by picture.`,
      '',
      '| file | as a video | s |',
      '|---|---|---|',
      ...lines,
    ].join('\n')}\n`,
  );
}

type Played = { readonly misses: readonly string[]; readonly seen: string };

/** What is wrong with it, and what was seen. */
async function playOne(url: string, player: Player, path: string): Promise<Played> {
  const post = async (place: string, fields: Readonly<Record<string, string | Blob>>) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    const answer = await fetch(url + place, { method: 'POST', body });
    return { ok: answer.ok, body: (await answer.json()) as { upload_id: string; code?: string; detail?: string } };
  };
  const qualities = ASKED[basename(path)];
  const asked = qualities === undefined ? {} : { qualities };
  const { body } = await post('/upload/init', { filename: basename(path), total_chunks: '1', ...asked });
  const id = body.upload_id;
  await post('/upload/chunk', { upload_id: id, index: '0', file: new Blob([await readFile(path)]) });
  const done = await post('/upload/complete', { upload_id: id });
  if (!done.ok) {
    const said = `${done.body.code} ${done.body.detail}`;
    return { misses: REFUSED.test(said) ? [] : [`refused: ${said}`], seen: `refused: ${said}` };
  }
  const until = Date.now() + PATIENCE * 1000;
  let video: Shown;
  do {
    await sleep(300);
    video = (await (await fetch(`${url}/videos/${id}`)).json()) as Shown;
  } while (!['ready', 'failed'].includes(video.status) && Date.now() < until);
  try {
    if (video.status !== 'ready')
      return { misses: [`${video.status}: ${video.error?.code} ${video.error?.message}`], seen: '' };
    const master = `${url}/stream/${id}/master.m3u8`;
    const text = await (await fetch(master)).text();
    const size = /RESOLUTION=(\d+)x(\d+)/.exec(text);
    const seen = await player.play({
      url: master,
      aspect: size ? Number(size[1]) / Number(size[2]) : null,
      hasAudio: text.includes('TYPE=AUDIO') || !size,
      duration: video.duration ?? 0,
    });
    const shape = size ? `${seen.width}x${seen.height}, ` : '';
    const levels = `${seen.levels} ${seen.levels === 1 ? 'level' : 'levels'}`;
    return {
      misses: [...(await checkStream(master)), ...seen.misses],
      seen: `${shape}${seen.duration.toFixed(1)} s, ${levels}${seen.audioBytes > 0 ? ', sound' : ''}${qualities === undefined ? '' : ` (${qualities} asked)`}`,
    };
  } finally {
    await fetch(`${url}/videos/${id}`, { method: 'DELETE' });
  }
}
