// Pictures for hovering: a WebVTT whose cues name a part of a sheet (`storyboard.jpg#xywh=160,0,160,90`).
import { keyHeaders, openFile } from '../api/http.ts';

export type Cue = { start: number; end: number; sheet: string; x: number; y: number; width: number; height: number };

const seconds = (text: string): number => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);

/** @param base the address of the WebVTT, which sheets are named relative to */
function parseStoryboard(text: string, base: string): Cue[] {
  const cues: Cue[] = [];
  let span: readonly [number, number] | null = null;
  for (const line of text.split(/\r?\n/)) {
    const times = /^([\d:.]+)\s+-->\s+([\d:.]+)/.exec(line);
    const place = /^(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/.exec(line);
    if (times) span = [seconds(times[1] ?? '0'), seconds(times[2] ?? '0')];
    else if (place && span) {
      const [, sheet = '', x, y, width, height] = place;
      const [start, end] = span;
      const address = new URL(sheet, new URL(base, location.href));
      cues.push({
        start,
        end,
        sheet: address.pathname + address.search,
        x: Number(x),
        y: Number(y),
        width: Number(width),
        height: Number(height),
      });
    }
  }
  return cues;
}

/** None where there is no storyboard, or not yet. */
export async function loadStoryboard(address: string): Promise<Cue[]> {
  const response = await fetch(address, { headers: keyHeaders() });
  if (!response.ok) return [];
  const cues = parseStoryboard(await response.text(), address);
  const sheets = new Map<string, string>();
  for (const { sheet } of cues) {
    // An address that carries its own token needs no key; others are read with it.
    if (!sheets.has(sheet)) sheets.set(sheet, sheet.includes('token=') ? sheet : await openFile(sheet));
  }
  return cues.map((cue) => ({ ...cue, sheet: sheets.get(cue.sheet) ?? cue.sheet }));
}
