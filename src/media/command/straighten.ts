// The command that lays the parts of a source whose clock jumps behind each other. Facts in, string[] out. Used by workflows/straighten-source.ts.
import type { SourceFacts } from '#domain/source-facts.ts';
import { PREAMBLE } from '#media/command/chunk.ts';

/** Seconds that a packet may lie off the place where the one before it ended; beyond, a part begins (FFmpeg's `-dts_delta_threshold`). */
const PART_BEGINS = 1;

/** Raw samples as discs have them: Matroska knows none. */
const DISC_SOUND = /^pcm_(dvd|bluray)$/;

/** What a straightened source is kept in: what a transport stream can hold stays one, with the headers that each part has of its own. */
const muxerFor = ({ container }: SourceFacts): string =>
  container === 'mpegts' ? 'mpegts' : container === 'ogg' ? 'ogg' : 'matroska';

/** Copies pictures, sound and subtitles; the clock goes on where one part ends and the next begins, for all streams alike. */
export function straightenCommand(facts: SourceFacts, inputArguments: readonly string[], path: string): string[] {
  const { video, audio, subtitles } = facts;
  const streams = [...(video ? [video] : []), ...audio, ...subtitles];
  return [
    ...PREAMBLE,
    ...['-dts_delta_threshold', String(PART_BEGINS)],
    ...inputArguments,
    ...streams.flatMap(({ streamIndex }) => ['-map', `0:${streamIndex}`]),
    ...['-c', 'copy'],
    ...audio.flatMap(({ codec }, i) => (DISC_SOUND.test(codec) ? [`-c:a:${i}`, 'pcm_s24le'] : [])),
    ...['-f', muxerFor(facts), `file:${path}`],
  ];
}
