// The bar below the picture: play, place, volume, what is chosen, full screen.
import { toggle, toggleFullScreen } from './acts.ts';
import { addChoices } from './choices.ts';
import { button, element, range } from './elements.ts';
import { icon } from './icons.ts';
import { liveButton } from './live-state.ts';
import type { PageData } from './main.ts';
import { raiseCaptions } from './raise-captions.ts';
import { addPreview } from './storyboard.ts';
import type { Stream } from './stream.ts';
import { t, withKey } from './text/text.ts';
import { lengthOf, seekTo } from './timeline.ts';

type Parts = {
  readonly frame: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly stream: Stream;
  readonly page: PageData;
};

const HIDE_MS = 2500;

export function addControls({ frame, video, stream, page }: Parts): void {
  const message = element('p', 'message');
  message.setAttribute('role', 'status');
  stream.onMessage((text) => {
    message.textContent = text;
  });
  const start = button(t('play'), 'start', () => void toggle(video));
  start.append(icon('play'));
  const bar = element('div', 'bar');
  frame.append(message, start, bar);

  const seek = range(t('place'), 'seek', 1000);
  const passed = element('span', 'time');
  const row = element('div', 'row');
  const playing = button(withKey('play', 'k'), 'play', () => void toggle(video));
  const sound = button(withKey('mute', 'm'), 'sound', () => {
    video.muted = !video.muted;
  });
  const volume = range(t('volume'), 'volume', 100);
  const full = button(withKey('fullScreen', 'f'), 'full', () => void toggleFullScreen(frame, video));
  full.append(icon('full'));
  full.hidden = !document.fullscreenEnabled && !('webkitEnterFullscreen' in video);
  row.append(playing, sound, volume, passed, element('span', 'gap'));
  addChoices({ frame, bar, row, video, stream });
  row.append(full);
  if (stream.live) passed.before(liveButton(video, stream.live));
  bar.append(seek, row);
  raiseCaptions(video, frame, bar);

  let hasBegun = false;
  const showState = () => {
    playing.replaceChildren(icon(video.paused ? 'play' : 'pause'));
    playing.title = withKey(video.paused ? 'play' : 'pause', 'k');
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
    seek.setAttribute('aria-valuetext', passed.textContent || t('live'));
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

function hideWhenIdle(frame: HTMLElement, video: HTMLVideoElement): void {
  let timer = 0;
  const wake = () => {
    frame.classList.remove('idle');
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (!video.paused && !frame.querySelector('.bar :focus-visible, .bar.open')) frame.classList.add('idle');
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
