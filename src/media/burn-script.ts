// The ASS file that libass draws subtitles from: only what we know of what FFmpeg took out of a source. Pure; used by prepare-burn.ts.
import { PlatformError } from '#domain/error.ts';
import type { VideoFacts } from '#domain/source-facts.ts';

/** Characters of a track at the most: a film of three hours has about a hundred thousand. */
const LONGEST = 16_000_000;
/** Never [Fonts] and [Graphics]: fonts that a stranger made are for nobody's font library. */
const SECTIONS: Readonly<Record<string, RegExp>> = {
  '[script info]':
    /^(ScriptType|PlayResX|PlayResY|LayoutResX|LayoutResY|WrapStyle|ScaledBorderAndShadow|Collisions|Kerning|Timer): [\w .+-]+$/,
  '[v4+ styles]': /^(Format|Style): /,
  '[v4 styles]': /^(Format|Style): /,
  '[events]': /^(Format|Dialogue): /,
};
/** Text without a style of its own: share of the picture's short side. */
const TEXT_SIZE = 0.06;
const EDGE = 0.05;

type Sections = ReadonlyMap<string, readonly string[]>;

/**
 * @param extracted ASS as FFmpeg wrote it
 * @param source `styled`: the track itself is ASS and keeps its look; `plain`: it gets ours, sized by the picture
 * @throws PlatformError `corrupt_media` where there is no text in it, `media_limit`
 */
export function burnScript(
  extracted: string,
  source: { readonly kind: 'styled' | 'plain'; readonly video: VideoFacts },
): string {
  if (extracted.length > LONGEST)
    throw new PlatformError(
      'media_limit',
      `The subtitles have ${extracted.length} characters; at most ${LONGEST} are drawn`,
    );
  const sections = readSections(extracted);
  const events = sections.get('[events]') ?? [];
  if (!events.some((line) => line.startsWith('Dialogue: ')))
    throw new PlatformError('corrupt_media', 'Nothing of the subtitles that are to be burnt in could be read');
  const [info, styles] = source.kind === 'styled' ? theirLook(sections) : ourLook(source.video);
  // First of all the words by which FFmpeg knows the format: it must not take the file for anything else.
  return ['[Script Info]', ...info, '', ...styles, '', '[Events]', ...events, ''].join('\n');
}

function readSections(text: string): Sections {
  const sections = new Map<string, string[]>();
  let lines: string[] | undefined;
  let allowed: RegExp | undefined;
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    if (/^\[[^\]]*\]\s*$/.test(line)) {
      const name = line.trim().toLowerCase();
      allowed = Object.hasOwn(SECTIONS, name) ? SECTIONS[name] : undefined;
      lines = sections.get(name) ?? [];
      sections.set(name, lines);
    } else if (allowed?.test(line)) lines?.push(line);
  }
  return sections;
}

function theirLook(sections: Sections): [info: readonly string[], styles: readonly string[]] {
  const [name, title] = sections.has('[v4+ styles]')
    ? ['[v4+ styles]', '[V4+ Styles]']
    : ['[v4 styles]', '[V4 Styles]'];
  return [sections.get('[script info]') ?? [], [title, ...(sections.get(name) ?? [])]];
}

/** White with a black edge, at the bottom; as large on a portrait picture as it can be without filling it. */
function ourLook({ displayWidth, displayHeight }: VideoFacts): [info: readonly string[], styles: readonly string[]] {
  const size = Math.max(8, Math.round(Math.min(displayWidth, displayHeight) * TEXT_SIZE));
  const outline = Math.max(1, Math.round(size / 16));
  const [side, bottom] = [Math.round(displayWidth * EDGE), Math.round(displayHeight * EDGE)];
  const fields =
    'Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding';
  const style = `Default,sans-serif,${size},&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,${outline},0,2,${side},${side},${bottom},1`;
  return [
    [
      'ScriptType: v4.00+',
      `PlayResX: ${displayWidth}`,
      `PlayResY: ${displayHeight}`,
      'WrapStyle: 0',
      'ScaledBorderAndShadow: yes',
    ],
    ['[V4+ Styles]', `Format: ${fields}`, `Style: ${style}`],
  ];
}
