// The bar below the picture: play, place, sound, captions, speed, quality, picture in picture, full screen.

import { button, choice, element, fill, range } from './elements.ts';
import { icon } from './icons.ts';
import { liveButton } from './live-state.ts';
import type { PageData } from './main.ts';
import { addPreview } from './storyboard.ts';
import type { Stream } from './stream.ts';
import { lengthOf, seekTo } from './timeline.ts';

type Parts = {
  readonly frame: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly stream: Stream;
  readonly page: PageData;
};

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const HIDE_MS = 2500;

export function addControls({ frame, video, stream, page }: Parts): void {
  const message = element('p', 'message');
  message.setAttribute('role', 'status');
  stream.onMessage((text) => {
    message.textContent = text;
  });
  const start = button('Play', 'start', () => void toggle(video));
  start.append(icon('play'));
  const bar = element('div', 'bar');
  frame.append(message, start, bar);

  const seek = range('Place in the video', 'seek', 1000);
  const passed = element('span', 'time');
  const row = element('div', 'row');
  const playing = button('Play (k)', 'play', () => void toggle(video));
  const sound = button('Mute (m)', 'sound', () => {
    video.muted = !video.muted;
  });
  const volume = range('Volume', 'volume', 100);
  const captions = choice('Captions (c)', 'captions', (value) => stream.chooseText(value));
  const speed = choice('Speed', 'speed', (value) => {
    video.playbackRate = value;
  });
  const quality = choice('Quality', 'quality', (value) => stream.choose(value));
  const pip = button('Picture in picture (p)', 'pip', () => void togglePictureInPicture(video));
  const full = button('Full screen (f)', 'full', () => void toggleFullScreen(frame));
  pip.append(icon('pip'));
  full.append(icon('full'));
  pip.hidden = !document.pictureInPictureEnabled;
  full.hidden = !document.fullscreenEnabled;
  row.append(playing, sound, volume, passed, element('span', 'gap'), captions, speed, quality, pip, full);
  if (stream.live) {
    passed.before(liveButton(video, stream.live));
    speed.hidden = true;
  }
  bar.append(seek, row);

  fill(
    speed,
    SPEEDS.map((value) => ({ index: value, name: `${value}×` })),
    1,
  );
  video.addEventListener('ratechange', () => {
    speed.value = String(video.playbackRate);
  });
  quality.addEventListener('pointerdown', () => stream.refresh());
  const showChoices = () => {
    const qualities = stream.qualities();
    const automatic = stream.quality() === -1 && stream.shown() !== '' ? `Auto (${stream.shown()})` : 'Auto';
    fill(quality, [{ index: -1, name: automatic }, ...qualities], stream.quality());
    quality.hidden = qualities.length < 2;
    const texts = stream.texts();
    fill(captions, [{ index: -1, name: 'No captions' }, ...texts], stream.text());
    captions.hidden = texts.length === 0;
  };
  stream.onChange(showChoices);
  showChoices();

  let hasBegun = false;
  const showState = () => {
    playing.replaceChildren(icon(video.paused ? 'play' : 'pause'));
    playing.title = video.paused ? 'Play (k)' : 'Pause (k)';
    playing.setAttribute('aria-label', playing.title);
    sound.replaceChildren(icon(video.muted || video.volume === 0 ? 'muted' : 'sound'));
    volume.value = String(video.muted ? 0 : Math.round(video.volume * 100));
    hasBegun ||= !video.paused;
    start.hidden = hasBegun;
    frame.classList.toggle('paused', video.paused);
  };
  for (const event of ['play', 'pause', 'volumechange', 'loadeddata', 'seeking'])
    video.addEventListener(event, showState);
  showState();
  volume.addEventListener('input', () => {
    video.volume = Number(volume.value) / 100;
    video.muted = video.volume === 0;
  });

  const { timeline, live } = stream;
  const shareOf = (time: number) => {
    const length = lengthOf(timeline);
    return length > 0 ? Math.min(1, Math.max(0, (time - timeline.start()) / length)) : 0;
  };
  const showTime = () => {
    // Of a channel, how far behind now; what is on air now is said by the button beside it.
    const behind = live && !live.isAtEdge() ? `−${clock(live.behind())}` : '';
    passed.textContent = live ? behind : `${clock(video.currentTime)} / ${clock(timeline.end())}`;
    const share = live?.isAtEdge() ? 1 : shareOf(video.currentTime);
    seek.value = String(Math.round(share * 1000));
    seek.setAttribute('aria-valuetext', passed.textContent || 'live');
    const end = video.buffered.length > 0 ? video.buffered.end(video.buffered.length - 1) : 0;
    seek.style.setProperty('--played', `${share * 100}%`);
    seek.style.setProperty('--loaded', `${shareOf(end) * 100}%`);
  };
  for (const event of ['timeupdate', 'durationchange', 'progress']) video.addEventListener(event, showTime);
  showTime();
  seek.addEventListener('input', () => {
    seekTo(video, timeline, timeline.start() + (Number(seek.value) / 1000) * lengthOf(timeline));
  });
  video.addEventListener('click', () => void toggle(video));
  addPreview({ bar, seek, storyboard: page.storyboard, timeline, isLive: live !== null });
  hideWhenIdle(frame, video);
}

export const toggle = (video: HTMLVideoElement): Promise<void> | void =>
  video.paused ? video.play().catch(() => undefined) : video.pause();

export const togglePictureInPicture = (video: HTMLVideoElement): Promise<unknown> =>
  (document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture()).catch(
    () => null,
  );

export const toggleFullScreen = (frame: HTMLElement): Promise<void> =>
  document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen();

function hideWhenIdle(frame: HTMLElement, video: HTMLVideoElement): void {
  let timer = 0;
  const wake = () => {
    frame.classList.remove('idle');
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (!video.paused && !frame.querySelector('.bar :focus-visible')) frame.classList.add('idle');
    }, HIDE_MS);
  };
  for (const event of ['pointermove', 'pointerdown', 'keydown', 'focusin']) frame.addEventListener(event, wake);
  video.addEventListener('play', wake);
  video.addEventListener('pause', wake);
}

/** `1:02:03` */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const end = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${end}` : `${minutes}:${end}`;
}
