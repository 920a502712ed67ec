// The keyboard of the player, as people know it from elsewhere.

import { toggle, toggleFullScreen, togglePictureInPicture } from './acts.ts';
import type { Stream } from './stream.ts';
import { lengthOf, seekTo } from './timeline.ts';

const SEEK = { j: -10, l: 10, ArrowLeft: -5, ArrowRight: 5 } as const;
const SPEED_STEP = 0.25;

export function addKeys(frame: HTMLElement, video: HTMLVideoElement, stream: Stream): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    // Menus and sliders have keys of their own.
    const target = event.target as HTMLElement;
    if (target instanceof HTMLSelectElement) return;
    if (target instanceof HTMLInputElement && target.className === 'volume' && event.key.startsWith('Arrow')) return;
    if (target instanceof HTMLButtonElement && (event.key === ' ' || event.key === 'Enter')) return;
    // A letter is the same with Caps Lock.
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (act(key, { frame, video, stream })) event.preventDefault();
  });
}

type Parts = { readonly frame: HTMLElement; readonly video: HTMLVideoElement; readonly stream: Stream };

function act(key: string, { frame, video, stream }: Parts): boolean {
  const { timeline, live } = stream;
  const step = SEEK[key as keyof typeof SEEK];
  if (step !== undefined) seekTo(video, timeline, video.currentTime + step);
  else if (key === ' ' || key === 'k') void toggle(video);
  else if (key === 'm') video.muted = !video.muted;
  else if (key === 'f') void toggleFullScreen(frame, video);
  else if (key === 'p') void togglePictureInPicture(video);
  else if (key === 'c') toggleCaptions(frame);
  else if (key === 'End' && live) live.go();
  else if ((key === '<' || key === '>') && !live) changeSpeed(video, key === '>' ? SPEED_STEP : -SPEED_STEP);
  else if (key === 'ArrowUp' || key === 'ArrowDown') changeVolume(video, key === 'ArrowUp' ? 0.05 : -0.05);
  else if (/^\d$/.test(key)) seekTo(video, timeline, timeline.start() + (lengthOf(timeline) * Number(key)) / 10);
  else return false;
  return true;
}

function changeVolume(video: HTMLVideoElement, step: number): void {
  video.volume = Math.min(1, Math.max(0, video.volume + step));
  video.muted = false;
}

function changeSpeed(video: HTMLVideoElement, step: number): void {
  video.playbackRate = Math.min(2, Math.max(0.5, video.playbackRate + step));
}

/** Off, and on again with those that were read last. */
function toggleCaptions(frame: HTMLElement): void {
  const select = frame.querySelector<HTMLSelectElement>('select.captions');
  if (!select || select.options.length < 2) return;
  const { value } = select;
  if (value !== '-1') select.dataset.last = value;
  select.value = value === '-1' ? (select.dataset.last ?? '0') : '-1';
  select.dispatchEvent(new Event('change'));
}
