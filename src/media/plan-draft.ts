// A plan while it is being made: facts, options, and the parts so far. Used by plan.ts and its parts.
import type { HwaccelChoice, Preset } from '#domain/codec.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { AudioRendition, PictureTrack, SubtitleTrack, Timeline, VideoRendition } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import type { MediaLimits, MediaTool } from '#media/tool.ts';

export type PlanOptions = {
  /** seconds */
  readonly segmentSeconds: number;
  /** Ladder of outputs that name none: `1080p`, … */
  readonly ladder: readonly string[];
  readonly preset: Preset;
  readonly limits: MediaLimits;
  readonly tool: Pick<MediaTool, 'hardware' | 'encoders'>;
  readonly hwaccel: HwaccelChoice;
  /** The original stays, so that its own streams need not be written a second time. */
  readonly keepsOriginal?: boolean;
  /** All chunks are short: see grid.ts. */
  readonly evenChunks?: boolean;
};

/** What is being planned: facts, options, and what the outputs so far have brought. Parts with equal content are shared. */
export type Draft = {
  readonly facts: SourceFacts;
  readonly options: PlanOptions;
  /** All outputs of the job. */
  readonly specs: readonly OutputSpec[];
  readonly timelines: Timeline[];
  readonly video: VideoRendition[];
  readonly audio: AudioRendition[];
  readonly subtitles: SubtitleTrack[];
  readonly pictures: PictureTrack[];
};

/** Puts a part into the plan unless an equal one is there; its id either way. What it is called makes no difference: segments have no name. */
export function share<T extends { readonly id: string; readonly name: string }>(
  parts: T[],
  letter: string,
  part: Omit<T, 'id'>,
): string {
  const content = ({ name: _, ...rest }: { readonly name: string }) => JSON.stringify(rest);
  const wanted = content(part as unknown as T);
  const known = parts.find(({ id: _, ...rest }) => content(rest as unknown as T) === wanted);
  if (known) return known.id;
  const id = `${letter}${parts.length}`;
  parts.push({ id, ...part } as unknown as T);
  return id;
}

/** `eng` → English; the tag itself where it names no language. */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(['en'], { type: 'language' }).of(tag) ?? tag;
  } catch {
    // Sources write any text into the language field.
    return tag;
  }
}
