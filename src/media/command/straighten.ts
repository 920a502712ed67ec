// The command that lays the parts of a source whose clock jumps behind each other. Facts in, string[] out. Used by workflows/straighten-source.ts.
import { type SourceFacts, soundStreams } from '#domain/source-facts.ts';
import { PREAMBLE } from '#media/command/chunk.ts';
import type { MediaInput } from '#media/tool.ts';
import { inputUrl } from '#media/whitelist.ts';

/** Seconds that a packet may lie off the place where the one before it ended; beyond, a part begins (FFmpeg's `-dts_delta_threshold`). */
const PART_BEGINS = 1;

/** Raw samples as discs have them: Matroska knows none. */
const DISC_SOUND = /^pcm_(dvd|bluray)$/;

/** MOV does not hold them, MP4 does; all else that either of them may hold is at home in MOV. */
const MP4_ALONE = /^(vp9|av1|opus|flac)$/;

/**
 * What a straightened source is kept in: what a transport stream can hold stays one, with the headers that each part has of its own. Of
 * MP4 and MOV the rotation must stay, which Matroska does not keep.
 */
function muxerFor({ container, video, audio }: SourceFacts): string {
  if (container === 'mpegts' || container === 'ogg') return container;
  if (!container.startsWith('mov,')) return 'matroska';
  return [video, ...audio].some((stream) => MP4_ALONE.test(stream?.codec ?? '')) ? 'mp4' : 'mov';
}

/** The script by which FFmpeg reads one part after the other, each as a file of its own: its clock and its headers begin anew. */
export function partsScript(input: MediaInput, parts: readonly number[]): string {
  const url = inputUrl(input).replaceAll("'", "'\\''");
  const lines = parts.map((start, i) => `file 'subfile,,start,${start},end,${parts[i + 1] ?? 0},,:${url}'`);
  return ['ffconcat version 1.0', ...lines, ''].join('\n');
}

/** Copies pictures, sound and subtitles; the clock goes on where one part ends and the next begins, for all streams alike. */
export function straightenCommand(facts: SourceFacts, inputArguments: readonly string[], path: string): string[] {
  const { video, audio, subtitles } = facts;
  const sounds = audio.flatMap((track) => soundStreams(track).map((streamIndex) => ({ ...track, streamIndex })));
  const streams = [...(video ? [video] : []), ...sounds, ...subtitles];
  return [
    ...PREAMBLE,
    ...['-dts_delta_threshold', String(PART_BEGINS)],
    // Of a program stream only some pictures say when they are shown, of an AVI none, and no muxer takes one without.
    ...(facts.container === 'mpeg' || facts.container === 'avi' ? ['-fflags', '+genpts'] : []),
    ...inputArguments,
    ...streams.flatMap(({ streamIndex }) => ['-map', `0:${streamIndex}`]),
    ...['-c', 'copy'],
    ...sounds.flatMap(({ codec }, i) => (DISC_SOUND.test(codec) ? [`-c:a:${i}`, 'pcm_s24le'] : [])),
    ...['-f', muxerFor(facts), `file:${path}`],
  ];
}
