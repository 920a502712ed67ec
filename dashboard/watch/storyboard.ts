// Pictures over the place that the pointer is at: a WebVTT whose cues name a part of a sheet (`storyboard.jpg#xywh=160,0,160,90`).
import { clock } from './controls.ts';
import { lengthOf, type Timeline } from './timeline.ts';

type Cue = { readonly start: number; readonly end: number; readonly sheet: string; readonly area: readonly number[] };

type Parts = {
  readonly bar: HTMLElement;
  readonly seek: HTMLInputElement;
  /** null where there is none: then the time alone is shown. */
  readonly storyboard: string | null;
  readonly timeline: Timeline;
  readonly isLive: boolean;
};

const RETRY_MS = 10_000;
const seconds = (text: string): number => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);

export function addPreview({ bar, seek, storyboard, timeline, isLive }: Parts): void {
  const preview = document.createElement('div');
  preview.className = 'preview';
  const picture = document.createElement('div');
  const time = document.createElement('span');
  preview.append(picture, time);
  preview.hidden = true;
  bar.append(preview);
  let cues: readonly Cue[] = [];
  /** Share of the timeline that the pointer is at; null while it is elsewhere. */
  let pointed: number | null = null;
  const draw = () => {
    preview.hidden = pointed === null;
    if (pointed === null) return;
    const at = timeline.start() + pointed * lengthOf(timeline);
    time.textContent = isLive ? `−${clock(timeline.end() - at)}` : clock(at);
    const cue = cues.find(({ start, end }) => at >= start && at < end) ?? cues.at(-1);
    picture.hidden = cue === undefined;
    if (cue) show(picture, cue);
    const half = preview.offsetWidth / 2;
    const left = Math.min(seek.offsetWidth - half, Math.max(half, pointed * seek.offsetWidth));
    preview.style.left = `${seek.offsetLeft + left}px`;
  };
  let askedAt = Number.NEGATIVE_INFINITY;
  const load = async () => {
    // It is made with the last of the encode.
    if (storyboard === null || cues.length > 0 || performance.now() - askedAt < RETRY_MS) return;
    askedAt = performance.now();
    const response = await fetch(storyboard).catch(() => null);
    if (!response?.ok) return;
    cues = parse(await response.text(), response.url);
    for (const sheet of new Set(cues.map((cue) => cue.sheet))) new Image().src = sheet;
    // The pointer may stand still since.
    draw();
  };
  // On its way to the timeline it passes the bar: the pictures come meanwhile.
  bar.addEventListener('pointerenter', () => void load());
  seek.addEventListener('pointermove', (event) => {
    void load();
    const box = seek.getBoundingClientRect();
    pointed = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    draw();
  });
  for (const event of ['pointerleave', 'pointercancel'])
    seek.addEventListener(event, () => {
      pointed = null;
      draw();
    });
}

function show(picture: HTMLElement, { sheet, area }: Cue): void {
  const [x = 0, y = 0, width = 0, height = 0] = area;
  picture.style.width = `${width}px`;
  picture.style.height = `${height}px`;
  picture.style.backgroundImage = `url("${sheet}")`;
  picture.style.backgroundPosition = `-${x}px -${y}px`;
}

function parse(text: string, base: string): Cue[] {
  const cues: Cue[] = [];
  let span: readonly [number, number] | null = null;
  for (const line of text.split(/\r?\n/)) {
    const times = /^([\d:.]+)\s+-->\s+([\d:.]+)/.exec(line);
    const place = /^(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/.exec(line);
    if (times) span = [seconds(times[1] ?? '0'), seconds(times[2] ?? '0')];
    else if (place && span)
      cues.push({
        start: span[0],
        end: span[1],
        sheet: new URL(place[1] ?? '', base).href,
        area: place.slice(2).map(Number),
      });
  }
  return cues;
}
