// Moves the cues of a WebVTT file onto the timeline of a part of the film, and leaves out those outside it. Used by the subtitles task.
import { turn } from '#media/turn.ts';

/** `00:01:02.500`, hours optional (WebVTT § 4.1). */
const TIME = String.raw`(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})`;
const TIMING = new RegExp(`^${TIME}[ \t]+-->[ \t]+${TIME}(.*)$`);

/** Letters after which others have their turn: some thousand cues. */
const PIECE = 65_536;

/**
 * @param text a whole WebVTT file, its times counted from the beginning of the film
 * @param part seconds from the beginning of the film, and its length; what reaches over an end is shortened to it
 */
export async function cutTexts(
  text: string,
  part: { readonly start: number; readonly duration: number },
): Promise<string> {
  const kept: string[] = [];
  let block: string[] = [];
  const end = () => {
    const cut = block.length === 0 ? null : cutBlock(block, part);
    if (cut !== null) kept.push(cut);
    block = [];
  };
  for (let at = 0; at < text.length; ) {
    const next = text.indexOf('\n', at + PIECE) + 1 || text.length;
    const lines = text.slice(at, next).split(/\r\n?|\n/);
    // What a piece ends with, behind its last line break, is the beginning of the next one: nothing.
    if (next < text.length) lines.pop();
    for (const line of lines) {
      if (line === '') end();
      else block.push(line);
    }
    at = next;
    await turn();
  }
  end();
  return `${kept.join('\n\n').trimEnd()}\n`;
}

/** Null for a cue that is not of the part. Headers, styles and notes stay as they are. */
function cutBlock(
  lines: readonly string[],
  { start, duration }: { readonly start: number; readonly duration: number },
): string | null {
  const at = lines.findIndex((line) => TIMING.test(line));
  const found = TIMING.exec(lines[at] ?? '');
  if (!found) return lines.join('\n');
  const from = Math.max(0, readTime(found.slice(1, 5)) - start);
  const to = Math.min(duration, readTime(found.slice(5, 9)) - start);
  if (to <= 0 || from >= duration || to <= from) return null;
  return lines.with(at, `${writeTime(from)} --> ${writeTime(to)}${found[9]}`).join('\n');
}

const readTime = ([hours = '0', minutes, seconds, milliseconds]: readonly (string | undefined)[]): number =>
  Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(milliseconds) / 1000;

function writeTime(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const rest = String(milliseconds % 1000).padStart(3, '0');
  const hours = milliseconds >= 3_600_000 ? `${two(milliseconds / 3_600_000)}:` : '';
  return `${hours}${two((milliseconds / 60_000) % 60)}:${two((milliseconds / 1000) % 60)}.${rest}`;
}
