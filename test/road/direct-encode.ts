// Encodes a source as the tasks do (probe, plan, chunk commands, cutting) but without a server: every track ends as one file. Used by the tests of seams.
import { writeFile } from 'node:fs/promises';
import { type OutputSpec, outputSpec } from '#domain/output.ts';
import type { Chunk, Plan, Timeline } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { detectTool } from '#media/capabilities.ts';
import { audioCommand } from '#media/command/audio.ts';
import { chunkCommand } from '#media/command/chunk.ts';
import { copyRenditionCommand } from '#media/command/copy.ts';
import { type RunOptions, runMedia } from '#media/ffmpeg.ts';
import { cutFragments, type Init, type Segment } from '#media/fragments.ts';
import { boundaryTime, boundaryTimes, frameTime } from '#media/grid.ts';
import { makePlan } from '#media/plan.ts';
import { probeSource } from '#media/probe.ts';
import { inputArguments } from '#media/whitelist.ts';
import { LIMITS } from '../media/sample-facts.ts';

export type Planned = {
  readonly path: string;
  readonly facts: SourceFacts;
  readonly plan: Plan;
  readonly timeline: Timeline;
};

/** One track: its init and every segment, also as one file. */
export type MadeTrack = { readonly init: Init; readonly segments: readonly Segment[]; readonly path: string };

/** Short segments make several chunks of a short film: the first three end at 4, 16 and 52 s. */
const SEGMENT_SECONDS = 2;
const SPEC = outputSpec({ container: 'hls', preset: 'superfast', hwaccel: 'none', passthrough: 'never' });

/** Probes a file and plans one output of it. */
export async function planFilm(
  path: string,
  changes: Partial<OutputSpec>,
  segmentSeconds = SEGMENT_SECONDS,
): Promise<Planned> {
  const tool = await detectTool({
    ffmpegPath: 'ffmpeg',
    ffprobePath: 'ffprobe',
    limits: LIMITS.child,
    hwaccel: 'none',
  });
  const facts = await probeSource({ tool, input: { kind: 'file', path }, limits: LIMITS });
  const plan = makePlan({
    facts,
    outputs: [{ ...SPEC, ...changes }],
    options: {
      segmentSeconds,
      ladder: ['720p'],
      preset: 'superfast',
      limits: LIMITS,
      tool,
      hwaccel: 'none',
    },
  });
  const [timeline] = plan.timelines;
  if (!timeline) throw new Error('the plan has no timeline');
  return { path, facts, plan, timeline };
}

/** The one chunk that a single pass would be. */
export function wholeChunk(timeline: Timeline): Chunk {
  return {
    index: 0,
    firstSegment: 0,
    segments: timeline.boundaries.length - 1,
    startFrame: 0,
    endFrame: timeline.frames,
  };
}

/** All encoded renditions, chunk by chunk; by rendition id. */
export async function encodeChunks(
  planned: Planned,
  chunks: readonly Chunk[],
  folder: string,
): Promise<Map<string, MadeTrack>> {
  const { facts, plan, timeline, path } = planned;
  if (!facts.video) throw new Error('the film has no video');
  const renditions = plan.video.filter(({ method }) => method === 'encoded');
  const collected = new Map(renditions.map(({ id }) => [id, new Collected()]));
  for (const chunk of chunks) {
    const command = chunkCommand({
      inputArguments: inputArguments({ kind: 'file', path }),
      ...{ facts, video: facts.video, preparation: plan.preparation, timeline, chunk, renditions },
      ...{ pictures: [], scratch: folder, threads: 0, fromBeginning: false },
    });
    const boundaries = timeline.boundaries
      .slice(chunk.firstSegment, chunk.firstSegment + chunk.segments + 1)
      .map((boundary) => boundaryTime(timeline, boundary));
    const offset = frameTime(chunk.startFrame, timeline.fps);
    await run(
      command.passes.at(-1) ?? [],
      command.sinks.map(({ id }) => collected.get(id)?.sink({ boundaries, alignment: 'exact', offset })),
    );
  }
  return writeTracks(collected, folder);
}

/** The copied rendition, as one run. */
export async function copyTop(
  { facts, plan, timeline, path }: Planned,
  folder: string,
): Promise<Map<string, MadeTrack>> {
  const copied = plan.video.find(({ method }) => method === 'copied');
  if (!copied || !facts.video) throw new Error('nothing is copied');
  const track = new Collected();
  const args = copyRenditionCommand({
    inputArguments: inputArguments({ kind: 'file', path }),
    video: facts.video,
    timeline,
  });
  await run(args, [
    track.sink({ boundaries: boundaryTimes(timeline), alignment: 'exact', offset: 0, fps: timeline.fps }),
  ]);
  return writeTracks(new Map([[copied.id, track]]), folder);
}

/** All sound, as one run. */
export async function encodeSound(
  { facts, plan, timeline, path }: Planned,
  folder: string,
): Promise<Map<string, MadeTrack>> {
  const command = audioCommand({
    inputArguments: inputArguments({ kind: 'file', path }),
    ...{ timeline, sourceStart: facts.startTime, tracks: facts.audio, renditions: plan.audio },
    ...{ loudness: new Map(), scratch: folder },
  });
  const collected = new Map(plan.audio.map(({ id }) => [id, new Collected()]));
  const boundaries = boundaryTimes(timeline);
  await run(
    command.args,
    command.sinks.map(({ id }) => collected.get(id)?.sink({ boundaries, alignment: 'nearest', offset: 0 })),
  );
  return writeTracks(collected, folder);
}

type Cut = Pick<Parameters<typeof cutFragments>[1], 'boundaries' | 'alignment' | 'offset' | 'fps'>;
type Sink = NonNullable<RunOptions['sinks']>[number];

/** What the runs of one track gave so far. */
class Collected {
  init: Init | null = null;
  readonly segments: Segment[] = [];

  sink(cut: Cut): Sink {
    return async (stream) => {
      await cutFragments(stream, {
        ...cut,
        firstSequence: this.segments.length * 1000 + 1,
        onInit: (init) => this.#take(init),
        // A copy: the bytes are a view of the pipe's buffer.
        onSegment: (segment) => void this.segments.push({ ...segment, data: Buffer.from(segment.data) }),
      });
    };
  }

  #take(init: Init): void {
    // One init serves all chunks, or players would need a discontinuity at every seam.
    if (this.init && !this.init.data.equals(init.data)) throw new Error('two chunks have different init segments');
    this.init = { ...init, data: Buffer.from(init.data) };
  }
}

async function run(args: readonly string[], sinks: readonly (Sink | undefined)[]): Promise<void> {
  const all = sinks.filter((sink) => sink !== undefined);
  const { exitCode, tail } = await runMedia({
    program: 'ffmpeg',
    args,
    limits: LIMITS.child,
    timeLimit: 300,
    sinks: all,
  });
  if (exitCode !== 0) throw new Error(`ffmpeg ${args.join(' ')}\n${tail.join('\n')}`);
}

async function writeTracks(collected: ReadonlyMap<string, Collected>, folder: string): Promise<Map<string, MadeTrack>> {
  const made = new Map<string, MadeTrack>();
  for (const [id, { init, segments }] of collected) {
    if (!init) throw new Error(`${id} has no init segment`);
    const path = `${folder}/${id}.mp4`;
    await writeFile(path, [init.data, ...segments.map(({ data }) => data)]);
    made.set(id, { init, segments, path });
  }
  return made;
}
