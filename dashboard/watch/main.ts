// The player page of videos and live channels: no framework, so that the first picture comes soon. What it plays stands in the page as data.
import './style.css';
import { addControls } from './controls.ts';
import { addKeys } from './keys.ts';
import { playLive } from './live.ts';
import { addLive } from './live-state.ts';
import { play } from './stream.ts';
import { language } from './text/text.ts';

export type PageData = {
  readonly title: string;
  /** Addresses on this server, token included. */
  readonly master: string;
  readonly poster: string | null;
  readonly storyboard: string | null;
  readonly isLive: boolean;
  readonly isEmbedded: boolean;
};

const place = document.getElementById('player');
const data = JSON.parse(document.getElementById('video')?.textContent ?? 'null') as PageData | null;
if (place && data) start(place, data);

function start(root: HTMLElement, page: PageData): void {
  document.documentElement.lang = language;
  document.body.className = page.isEmbedded ? 'embed' : 'watch';
  const frame = document.createElement('section');
  frame.className = 'player';
  frame.tabIndex = 0;
  frame.setAttribute('aria-label', page.title);
  const video = document.createElement('video');
  video.playsInline = true;
  if (page.poster !== null) video.poster = page.poster;
  video.setAttribute('crossorigin', 'anonymous');
  frame.append(video);
  root.append(frame);
  if (!page.isEmbedded) {
    const heading = document.createElement('h1');
    heading.textContent = page.title;
    root.append(heading);
  }
  const stream = page.isLive ? playLive(video, page.master) : play(video, page.master);
  if (stream.live) addLive({ frame, video, stream, live: stream.live, page });
  addControls({ frame, video, stream, page });
  addKeys(frame, video, stream);
}
