// What only a channel shows: whether it is on air, how far behind one is and the way back to now, and the last picture while there is none.
import { button } from './elements.ts';
import { start } from './live.ts';
import type { PageData } from './main.ts';
import type { LiveEdge, Stream } from './stream.ts';
import { t, withKey } from './text/text.ts';

type Parts = {
  readonly frame: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly stream: Stream;
  readonly live: LiveEdge;
  readonly page: PageData;
};

/** A page of its own begins by itself; one that stands in another waits to be asked. */
export function addLive({ frame, video, stream, live, page }: Parts): void {
  let isOnAir: boolean | null = null;
  const show = () => {
    if (isOnAir === live.isOnAir()) return;
    isOnAir = live.isOnAir();
    frame.classList.toggle('off-air', !isOnAir);
    document.title = isOnAir ? page.title : t('offAir.title', { title: page.title });
    if (isOnAir && !page.isEmbedded && video.paused) void start(video);
    // The newest picture there is: the last before it went.
    if (!isOnAir && page.poster !== null) void freshPoster(video, page.poster);
  };
  stream.onChange(show);
  show();
}

async function freshPoster(video: HTMLVideoElement, poster: string): Promise<void> {
  const answer = await fetch(poster, { cache: 'no-cache' }).catch(() => null);
  if (!answer?.ok) return video.removeAttribute('poster');
  video.poster = URL.createObjectURL(await answer.blob());
}

const SHOW_MS = 500;

/** Says that one sees what is on air now, or leads there. */
export function liveButton(video: HTMLVideoElement, live: LiveEdge): HTMLButtonElement {
  const made = button(t('live'), 'live', () => live.go());
  made.textContent = t('live');
  const show = () => {
    const isNow = live.isOnAir() && live.isAtEdge() && !video.paused;
    made.hidden = !live.isOnAir();
    made.classList.toggle('now', isNow);
    const latency = live.latency();
    const label = !isNow
      ? withKey('live.go', t('live.end'))
      : latency === null
        ? t('live')
        : t('live.behind', { seconds: Math.round(latency) });
    if (made.title === label) return;
    made.title = label;
    made.setAttribute('aria-label', label);
  };
  setInterval(show, SHOW_MS);
  video.addEventListener('playing', show);
  show();
  return made;
}
