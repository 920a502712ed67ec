// The player page of videos and live channels: no framework, so that the first picture comes soon. What it plays stands in the page as data.
import './style.css';
import { addControls } from './controls.ts';
import { addKeys } from './keys.ts';
import { playLive } from './live.ts';
import { addLive } from './live-state.ts';
import { play } from './stream.ts';
import { language, t } from './text/text.ts';

export type PageData = {
  readonly title: string;
  /** Addresses on this server, token included. */
  readonly master: string;
  readonly poster: string | null;
  readonly storyboard: string | null;
  readonly isLive: boolean;
  readonly isEmbedded: boolean;
};

/** Why it plays nothing (src/api/problem-page.ts). */
type TroubleData = { readonly trouble: 'missing' | 'expired' | 'denied' | 'away'; readonly isEmbedded: boolean };

/** Milliseconds after which a server that was away is asked again. */
const AGAIN_MS = 5000;

const place = document.getElementById('player');
const data = JSON.parse(document.getElementById('video')?.textContent ?? 'null') as PageData | TroubleData | null;
if (place && data) {
  document.documentElement.lang = language;
  document.body.className = data.isEmbedded ? 'embed' : 'watch';
  if ('trouble' in data) tell(place, data);
  else start(place, data);
}

function tell(root: HTMLElement, { trouble }: TroubleData): void {
  const text = document.createElement('h1');
  text.className = 'trouble';
  text.textContent = t(trouble);
  document.title = t(trouble);
  root.append(text);
  if (trouble === 'away') setTimeout(() => location.reload(), AGAIN_MS);
}

function start(root: HTMLElement, page: PageData): void {
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
