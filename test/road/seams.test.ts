// Joined chunks equal a single pass. Films of every awkward rate are encoded both ways by the engine's own commands.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import type { OutputSpec } from '#domain/output.ts';
import { encodeChunks, encodeSound, type MadeTrack, type Planned, planFilm, wholeChunk } from './direct-encode.ts';
import { type Film, makeFilm, readNumbers, readPackets } from './film.ts';

const LADDER: Partial<OutputSpec> = {
  renditions: [
    { name: '108p', height: 108, videoBitrate: null, audioBitrate: null },
    { name: '54p', height: 54, videoBitrate: null, audioBitrate: null },
  ],
};

const WIDTH = 192;
let folder = '';
before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-seams-`);
});
after(() => rm(folder, { recursive: true, force: true }));

const MP4 = ['-g', '75', '-f', 'mp4'];
/** Some frames missing here, half the rate there, and a second without any shortly before the second seam. */
const VARYING = "select='if(between(t,6,13),mod(n,2),mod(n,7))*not(between(t,14.2,15.1))'";

type Case = Pick<Film, 'fps' | 'output' | 'filters'> & { readonly name: string; readonly extension: string };
const CASES: readonly Case[] = [
  { name: '25', fps: '25', extension: 'mp4', output: MP4 },
  { name: '23.976', fps: '24000/1001', extension: 'mp4', output: MP4 },
  {
    name: '29.97, B-frames, open GOPs',
    fps: '30000/1001',
    extension: 'mp4',
    output: ['-preset', 'superfast', '-bf', '3', '-x264-params', 'open-gop=1', ...MP4],
  },
  { name: '59.94', fps: '60000/1001', extension: 'mp4', output: MP4 },
  {
    name: '23.976 in Matroska, whose clock ticks milliseconds',
    fps: '24000/1001',
    extension: 'mkv',
    output: ['-g', '75', '-f', 'matroska'],
  },
  { name: 'a varying rate', fps: '30', extension: 'mp4', filters: VARYING, output: ['-fps_mode', 'vfr', ...MP4] },
  {
    name: '29.97 in MPEG-TS, ten hours on',
    fps: '30000/1001',
    extension: 'ts',
    output: ['-preset', 'superfast', '-g', '75', '-output_ts_offset', '36000', '-f', 'mpegts'],
  },
];

describe('joined chunks equal a single pass', { concurrency: 1 }, () => {
  for (const one of CASES) {
    test(one.name, async () => {
      const path = `${folder}/source.${one.extension}`;
      await makeFilm({ path, width: WIDTH, height: 108, seconds: 26, ...one });
      const planned = await planFilm(path, LADDER);
      const { timeline } = planned;
      assert.ok(timeline.chunks.length >= 3, `${timeline.chunks.length} chunks`);
      const chunked = await encodeInto('chunked', planned, timeline.chunks);
      const single = await encodeInto('single', planned, [wholeChunk(timeline)]);
      for (const { id, width } of planned.plan.video) {
        const [joined, whole] = [trackOf(chunked, id), trackOf(single, id)];
        checkSegments(planned, joined);
        assert.deepEqual(clockOf(joined), clockOf(whole), `${id}: segments`);
        await checkPackets(planned, joined);
        // What is shown: at every place of the grid the same frame of the source.
        const numbers = await readNumbers(joined.path, width / WIDTH);
        assert.equal(numbers.length, timeline.frames, `${id}: frames decoded`);
        assert.deepEqual(numbers, await readNumbers(whole.path, width / WIDTH), `${id}: pictures`);
        if (!one.filters) assert.deepEqual(numbers, onceEach(planned), `${id}: each frame of the source once`);
      }
      await checkSound(planned);
    });
  }
});

/** Every frame of a constant-rate source in its turn. One that begins after the sound shows its first frame from the beginning. */
function onceEach({ facts, timeline }: Planned): number[] {
  const late = timeline.frames - (facts.video?.frames ?? 0);
  assert.ok(late === 0 || late === 1, `${late} frames more than the source`);
  return Array.from({ length: timeline.frames }, (_, n) => Math.max(0, n - late));
}

async function encodeInto(
  name: string,
  planned: Planned,
  chunks: Parameters<typeof encodeChunks>[1],
): Promise<Map<string, MadeTrack>> {
  await mkdir(`${folder}/${name}`, { recursive: true });
  return encodeChunks(planned, chunks, `${folder}/${name}`);
}

function trackOf(tracks: ReadonlyMap<string, MadeTrack>, id: string): MadeTrack {
  const track = tracks.get(id);
  assert.ok(track, id);
  return track;
}

const clockOf = (track: MadeTrack) =>
  track.segments.map(({ start, duration, samples }) => ({ start, duration, samples }));

/** Every segment of the grid is there, begins where the one before ends, and lies on the grid to the tick. */
function checkSegments({ timeline }: Planned, { segments, init }: MadeTrack): void {
  const expected = timeline.boundaries.slice(0, -1).map((from, i) => {
    const to = timeline.boundaries[i + 1] ?? 0;
    const ticks = (frame: number) => (frame * timeline.fps.den * init.timescale) / timeline.fps.num;
    return { start: ticks(from), duration: ticks(to) - ticks(from), samples: to - from };
  });
  assert.deepEqual(
    segments.map(({ start, duration, samples }) => ({ start, duration, samples })),
    expected,
  );
}

/** Packets as a demuxer sees them: one a frame, exact times, rising decode times, a keyframe where a segment begins. */
async function checkPackets({ timeline }: Planned, { path, init }: MadeTrack): Promise<void> {
  const packets = await readPackets(path, 'v:0');
  const tick = (timeline.fps.den * init.timescale) / timeline.fps.num;
  assert.ok(Number.isInteger(tick), 'a frame is a whole number of ticks');
  const shown = packets.map(({ pts }) => pts).sort((a, b) => a - b);
  assert.deepEqual(
    shown,
    Array.from({ length: timeline.frames }, (_, n) => n * tick),
    'presentation times',
  );
  assert.ok(
    packets.every(({ dts }, i) => i === 0 || dts > (packets[i - 1]?.dts ?? 0)),
    'decode times rise',
  );
  const keyframes = new Set(packets.filter(({ key }) => key).map(({ pts }) => pts / tick));
  assert.deepEqual(
    timeline.boundaries.slice(0, -1).filter((frame) => !keyframes.has(frame)),
    [],
    'segments without a keyframe',
  );
}

/** One run over the whole film: every AAC frame follows the one before, and they last as long as the picture. */
async function checkSound(planned: Planned): Promise<void> {
  const [track] = (await encodeSound(planned, folder)).values();
  assert.ok(track);
  const packets = await readPackets(track.path, 'a:0');
  const gaps = packets.slice(1).filter(({ pts }, i) => pts !== (packets[i]?.pts ?? 0) + 1024);
  // The last frame may be cut short by the end of the film.
  assert.deepEqual(gaps, [], 'sound frames out of line');
  assert.equal(packets[0]?.pts, -1024, 'the encoder delay stands before zero');
  const heard = ((packets.at(-1)?.pts ?? 0) + (packets.at(-1)?.duration ?? 0)) / track.init.timescale;
  const { duration } = planned.timeline;
  assert.ok(heard >= duration - 0.001 && heard < duration + 0.05, `sound until ${heard} s of ${duration} s`);
  assert.deepEqual(
    track.segments
      .slice(1)
      .map(({ start }, i) => start - (track.segments[i]?.start ?? 0) - (track.segments[i]?.duration ?? 0)),
    track.segments.slice(1).map(() => 0),
    'gaps between segments of sound',
  );
}
