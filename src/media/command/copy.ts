// The command of the copied top rendition: the source's packets as fragments, one a keyframe.
import type { Timeline } from '#domain/plan.ts';
import type { VideoFacts } from '#domain/source-facts.ts';
import { fragmentMuxer, PREAMBLE } from '#media/command/chunk.ts';
import { seconds } from '#media/command/picture.ts';

export type CopyCommandOptions = {
  readonly inputArguments: readonly string[];
  readonly video: VideoFacts;
  readonly timeline: Timeline;
};

/** Only for standard sources (doctor.ts): a copy loses rotation, and cannot mend anything. */
export function copyRenditionCommand({ inputArguments, video, timeline }: CopyCommandOptions): string[] {
  return [
    ...PREAMBLE,
    // The first picture at zero, whatever comes before it in the source: sound often does, by its encoder's delay.
    '-copyts',
    '-itsoffset',
    seconds(-timeline.sourceStart),
    ...inputArguments,
    '-map',
    `0:${video.streamIndex}`,
    '-c',
    'copy',
    ...fragmentMuxer(timeline),
    'pipe:4',
  ];
}
