// A standard source is its own top rendition, and the encoded ones fall in with it to the microsecond. Unfit sources are not copied.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import type { OutputSpec } from '#domain/output.ts';
import { copyTop, encodeChunks, type MadeTrack, type Planned, planFilm } from './direct-encode.ts';
import { type Film, makeFilm, readNumbers, readPackets } from './film.ts';

const WIDTH = 320;
const HEIGHT = 180;
const LADDER: Partial<OutputSpec> = {
  passthrough: 'auto',
  renditions: [HEIGHT, 90].map((height) => ({
    name: `${height}p`,
    height,
    videoBitrate: height === HEIGHT ? 4_000_000 : null,
    audioBitrate: null,
  })),
};
/** Keyframes where a scene changes, not at any regular place. */
const IRREGULAR = [
  '-preset',
  'superfast',
  '-crf',
  '23',
  '-bf',
  '2',
  '-g',
  '200',
  '-force_key_frames',
  '0,0.52,1.44,3.48,4.44,6.24,6.6,8.76,10.88,12.96,13.2,15.56,17.76,19.04,21.4,23.28',
];

let folder = '';
before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-copied-`);
});
after(() => rm(folder, { recursive: true, force: true }));

const make = async (name: string, film: Partial<Film>): Promise<Planned> => {
  const path = `${folder}/${name}`;
  await makeFilm({ path, width: WIDTH, height: HEIGHT, fps: '25', seconds: 26, output: IRREGULAR, ...film });
  return planFilm(path, LADDER);
};

describe('a copied top rendition and the encoded ones', { concurrency: 1 }, () => {
  const films: [name: string, film: Partial<Film>][] = [
    ['irregular keyframes, 29.97.mp4', { fps: '30000/1001' }],
    // Its clock ticks milliseconds, and its sound begins half a frame before the picture.
    ['irregular keyframes, 23.976.mkv', { fps: '24000/1001', output: [...IRREGULAR, '-f', 'matroska'] }],
  ];
  for (const [name, film] of films) {
    test(`share every segment: ${name}`, async () => {
      const planned = await make(name, film);
      assert.deepEqual(
        planned.plan.video.map(({ method }) => method),
        ['copied', 'encoded'],
      );
      assert.ok(planned.timeline.chunks.length >= 3);
      const { timeline } = planned;
      const tracks = [
        ...(await copyTop(planned, await subfolder('copied'))).values(),
        ...(await encodeChunks(planned, timeline.chunks, await subfolder('encoded'))).values(),
      ];
      const [copied, encoded] = tracks;
      assert.ok(copied && encoded);
      assert.deepEqual(microseconds(encoded), microseconds(copied), 'EXTINF');
      assert.deepEqual(
        await segmentStarts(encoded),
        await segmentStarts(copied),
        'the picture each segment begins with',
      );
      const scale = (planned.plan.video[1]?.width ?? 0) / WIDTH;
      assert.deepEqual(
        await readNumbers(encoded.path, scale),
        await readNumbers(copied.path, 1),
        'the same frames of the source in both',
      );
    });
  }
});

describe('is not copied', () => {
  const films: [reason: string, name: string, film: Partial<Film>][] = [
    [
      'open GOPs',
      'open.mp4',
      { output: ['-preset', 'superfast', '-bf', '3', '-g', '50', '-x264-params', 'open-gop=1:keyint=50'] },
    ],
    ['keyframes 12 s apart', 'far.mp4', { output: ['-g', '300', '-keyint_min', '300', '-sc_threshold', '0'] }],
    ['a varying rate', 'varying.mp4', { filters: "select='mod(n,7)'", output: ['-fps_mode', 'vfr', '-g', '50'] }],
    ['4:4:4', 'full.mp4', { output: ['-g', '50', '-pix_fmt', 'yuv444p'] }],
    ['above the cap of the ladder', 'fat.mp4', { filters: 'noise=alls=60:allf=t', output: ['-g', '50'] }],
  ];
  for (const [reason, name, film] of films) {
    test(reason, async () => {
      const { plan } = await make(name, { seconds: 14, ...film });
      assert.deepEqual(
        plan.video.map(({ method }) => method),
        ['encoded', 'encoded'],
      );
    });
  }
});

async function subfolder(name: string): Promise<string> {
  await mkdir(`${folder}/${name}`, { recursive: true });
  return `${folder}/${name}`;
}

const microseconds = ({ init, segments }: MadeTrack): number[] =>
  segments.map(({ duration }) => Math.round((duration * 1e6) / init.timescale));

/** Presentation time, in microseconds, of the first packet of every segment, which must be a keyframe. */
async function segmentStarts({ path, init, segments }: MadeTrack): Promise<number[]> {
  const packets = await readPackets(path, 'v:0');
  let at = 0;
  return segments.map(({ samples }) => {
    const first = packets[at];
    at += samples;
    assert.ok(first?.key, 'a segment begins with a keyframe');
    const earliest = Math.min(...packets.slice(at - samples, at).map(({ pts }) => pts));
    assert.equal(first.pts, earliest, 'nothing of a segment is shown before its keyframe');
    return Math.round((first.pts * 1e6) / init.timescale);
  });
}
