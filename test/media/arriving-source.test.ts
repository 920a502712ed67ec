// What can be told of a film of which only the beginning is there.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { isSamePicture } from '#domain/source-facts.ts';
import { type ArrivingSource, openArriving } from '#media/arriving-source.ts';
import { detectTool } from '#media/capabilities.ts';
import { probeArriving, probeSource } from '#media/probe.ts';
import type { MediaTool } from '#media/tool.ts';
import { type MadeMedia, openMadeMedia, probeLines } from './made-media.ts';
import { LIMITS } from './sample-facts.ts';

const FILM =
  '-f lavfi -i testsrc2=s=320x180:r=25:d=20 -f lavfi -i sine=r=48000:d=20 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -bf 2 -g 50 -c:a aac';
let media: MadeMedia;
let tool: MediaTool;
let film = '';
before(async () => {
  media = await openMadeMedia();
  tool = await detectTool({ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', limits: LIMITS.child, hwaccel: 'none' });
  film = await media.make('film.mp4', `${FILM} -movflags +faststart`);
});
after(() => media[Symbol.asyncDispose]());

/** Opens the first bytes of a file, cut off there or followed by nothing but zeros. */
async function openBeginning(file: string, arrived: number, isSparse = false): Promise<ArrivingSource | null> {
  const whole = await readFile(file);
  const part = media.path('part.mp4');
  const rest = Buffer.alloc(isSparse ? whole.length - arrived : 0);
  await writeFile(part, Buffer.concat([whole.subarray(0, arrived), rest]));
  return openArriving({ kind: 'file', path: part }, arrived);
}

/** Where its index ends. */
async function moovEnd(file: string): Promise<number> {
  const bytes = await readFile(file);
  const at = bytes.indexOf('moov') - 4;
  return at + bytes.readUInt32BE(at);
}

test('its index says where every picture ends, as ffprobe finds them', async () => {
  const lines = await probeLines('-select_streams v -show_entries packet=pts_time,pos,size -of csv=p=0', film);
  const packets = lines.map((line) => line.split(',').map(Number));
  const length = (await readFile(film)).length;
  await using source = await openBeginning(film, (await moovEnd(film)) + 64);
  assert.ok(source);
  assert.equal(source.bytes.size, length);
  for (const time of [0.02, 1, 7.31, 12, 30]) {
    const shown = packets.filter(([pts = 0]) => pts < time);
    assert.equal(
      source.bytesUntil(time),
      Math.max(...shown.map(([, size = 0, place = 0]) => place + size)),
      `${time} s`,
    );
  }
});

test('what is found in its beginning is what is found in all of it', async () => {
  const options = { tool, limits: LIMITS };
  const whole = await probeSource({ ...options, input: { kind: 'file', path: film } });
  const half = Math.round((await readFile(film)).length / 2);
  for (const isSparse of [false, true]) {
    await using source = await openBeginning(film, half, isSparse);
    assert.ok(source);
    const facts = await probeArriving({ ...options, input: { kind: 'file', path: media.path('part.mp4') } }, source);
    assert.ok(facts && isSamePicture(facts, whole));
    assert.deepEqual([facts.size, facts.duration, facts.video?.frames], [whole.size, 20, 500]);
    assert.equal(isSamePicture(facts, { ...whole, startTime: 1 }), false);
  }
});

test('without its index in front, or before that has come, nothing can be told', async () => {
  const behind = await media.make('behind.mp4', FILM);
  const pieces = await media.make('pieces.mp4', `${FILM} -movflags +frag_keyframe+empty_moov`);
  const other = await media.make('other.mkv', FILM);
  const end = await moovEnd(film);
  assert.equal(await openBeginning(film, end - 1), null);
  assert.equal(await openBeginning(film, 10), null);
  for (const file of [behind, pieces, other]) assert.equal(await openBeginning(file, 100_000), null, file);
});
