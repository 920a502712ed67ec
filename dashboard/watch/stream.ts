// The stream on the video element: waits until it plays, and takes up qualities that come later without starting again.
import Hls, { type Level } from 'hls.js';
import { filmTimeline, type Timeline } from './timeline.ts';

export type Stream = {
  /** Qualities from the highest, and what is chosen; -1 is automatic. */
  qualities(): { readonly index: number; readonly name: string }[];
  quality(): number;
  shown(): string;
  choose(index: number): void;
  texts(): { readonly index: number; readonly name: string }[];
  text(): number;
  chooseText(index: number): void;
  /** Somebody looks at the qualities: those that have come since are taken up. */
  refresh(): void;
  onChange(listener: () => void): void;
  onMessage(listener: (text: string) => void): void;
  readonly timeline: Timeline;
  /** null of a film */
  readonly live: LiveEdge | null;
};

/** What only a channel has. */
export type LiveEdge = {
  isOnAir(): boolean;
  /** Seconds from the newest that can be seen. */
  behind(): number;
  /** Seconds from what is made just now; null while unknown. */
  latency(): number | null;
  isAtEdge(): boolean;
  go(): void;
};

const RETRY_MS = 700;
const LOOK_MS = 3000;

export function play(video: HTMLVideoElement, master: string): Stream {
  return Hls.isSupported() ? new HlsStream(video, master) : nativeStream(video, master);
}

class HlsStream implements Stream {
  readonly #video: HTMLVideoElement;
  readonly #master: string;
  readonly #listeners: (() => void)[] = [];
  readonly #tellers: ((text: string) => void)[] = [];
  #hls: Hls;
  #recovered = 0;
  #variants = 0;
  #known: readonly number[] = [];
  #hasStalled = false;
  readonly timeline;
  readonly live = null;

  constructor(video: HTMLVideoElement, master: string) {
    this.#video = video;
    this.#master = master;
    this.timeline = filmTimeline(video);
    this.#hls = this.#attach(0);
    video.addEventListener('waiting', () => {
      this.#hasStalled = video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA && video.currentTime > 0;
    });
    video.addEventListener('pause', () => this.refresh());
    setInterval(() => void this.#look(), LOOK_MS);
  }

  qualities() {
    const levels = this.#hls.levels.map((level, index) => ({ index, name: nameOf(level) }));
    return levels.reverse();
  }
  quality = () => (this.#hls.autoLevelEnabled ? -1 : this.#hls.nextLevel);
  shown() {
    const level = this.#hls.levels[this.#hls.currentLevel];
    return level ? nameOf(level) : '';
  }
  choose(index: number) {
    this.#hls.nextLevel = index;
  }
  texts = () => this.#hls.subtitleTracks.map(({ name }, index) => ({ index, name }));
  text = () => (this.#hls.subtitleDisplay ? this.#hls.subtitleTrack : -1);
  chooseText(index: number) {
    this.#hls.subtitleTrack = index;
    this.#hls.subtitleDisplay = index >= 0;
  }
  onChange(listener: () => void) {
    this.#listeners.push(listener);
  }
  onMessage(listener: (text: string) => void) {
    this.#tellers.push(listener);
  }
  refresh() {
    if (this.#known.length > this.#variants) this.#swap();
  }

  #attach(startPosition: number): Hls {
    // A growing stream is watched from its beginning.
    const hls = new Hls({ startPosition, backBufferLength: 60 });
    const tell = () => {
      for (const listener of this.#listeners) listener();
    };
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      this.#variants = hls.levels.length;
      this.#say('');
      tell();
    });
    for (const event of [Hls.Events.LEVEL_SWITCHED, Hls.Events.SUBTITLE_TRACKS_UPDATED] as const) hls.on(event, tell);
    hls.on(Hls.Events.ERROR, (_event, { fatal, type, details, response }) => {
      if (!fatal) return;
      const isManifest = details.startsWith('manifest');
      if (type === Hls.ErrorTypes.MEDIA_ERROR && this.#recovered++ < 3) hls.recoverMediaError();
      else if (isManifest && response?.code === 403) this.#say('This link has expired.');
      else if (isManifest) {
        this.#say(response?.code === 404 ? 'The video is being prepared …' : 'Waiting for the server …');
        setTimeout(() => hls === this.#hls && hls.loadSource(this.#master), RETRY_MS);
      } else setTimeout(() => hls === this.#hls && hls.startLoad(), RETRY_MS);
    });
    hls.loadSource(this.#master);
    hls.attachMedia(this.#video);
    return hls;
  }

  /** Looks whether qualities came that the player does not know: it reads the master playlist only once. */
  async #look(): Promise<void> {
    if (this.#variants === 0 || document.hidden) return;
    const response = await fetch(this.#master).catch(() => null);
    if (!response?.ok) return;
    this.#known = [...(await response.text()).matchAll(/RESOLUTION=(\d+)x(\d+)/g)].map((size) => Number(size[2]));
    if (this.#known.length <= this.#variants) return;
    const highest = Math.max(...this.#hls.levels.map(({ height }) => height));
    // Better ones, and lower ones where the line is too slow, are wanted at once; else when nobody notices.
    if (this.#hasStalled || Math.max(...this.#known) > highest) this.#swap();
  }

  /** Goes on at the same place with all there is now; the last picture stays until the new stream shows one. */
  #swap(): void {
    const video = this.#video;
    const { currentTime, paused, playbackRate } = video;
    const still = freeze(video);
    this.#hls.destroy();
    this.#hasStalled = false;
    this.#hls = this.#attach(currentTime);
    video.addEventListener(
      'loadeddata',
      () => {
        video.playbackRate = playbackRate;
        if (!paused) void video.play().catch(() => undefined);
        still?.remove();
      },
      { once: true },
    );
  }

  #say(text: string): void {
    for (const teller of this.#tellers) teller(text);
  }
}

export const nameOf = ({ height, width, bitrate }: Level): string =>
  height > 0 ? `${Math.min(height, width || height)}p` : `${Math.round(bitrate / 1000)} kb/s`;

function freeze(video: HTMLVideoElement): HTMLCanvasElement | null {
  if (video.videoWidth === 0) return null;
  const canvas = document.createElement('canvas');
  canvas.className = 'still';
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  video.after(canvas);
  return canvas;
}

/** Safari on phones plays HLS by itself and chooses by itself. */
function nativeStream(video: HTMLVideoElement, master: string): Stream {
  const tracks = () => [...video.textTracks];
  video.src = master;
  video.addEventListener('error', () => {
    setTimeout(() => {
      video.src = master;
    }, RETRY_MS);
  });
  return {
    qualities: () => [],
    quality: () => -1,
    shown: () => '',
    choose: () => undefined,
    texts: () => tracks().map(({ label }, index) => ({ index, name: label })),
    text: () => tracks().findIndex(({ mode }) => mode === 'showing'),
    chooseText: (index) => {
      for (const [i, track] of tracks().entries()) track.mode = i === index ? 'showing' : 'disabled';
    },
    refresh: () => undefined,
    onChange: (listener) => video.textTracks.addEventListener('addtrack', listener),
    onMessage: () => undefined,
    timeline: filmTimeline(video),
    live: null,
  };
}
