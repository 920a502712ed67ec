// The stream on the video element: waits until it plays, and takes up qualities that come later without starting again.
import Hls, { type Level } from 'hls.js';
import { nativeTracks } from './native-tracks.ts';
import { endShortFilm } from './short-film.ts';
import { t } from './text/text.ts';
import { filmTimeline, type Timeline } from './timeline.ts';
import { type Option, TRACK_EVENTS, type TrackMenus, Tracks } from './tracks.ts';

export type Stream = {
  /** Qualities from the highest, and what is chosen; -1 is automatic. */
  qualities(): Option[];
  quality(): number;
  shown(): string;
  choose(index: number): void;
  /** Sounds, captions, and what is chosen of either; -1 is none. */
  readonly tracks: TrackMenus;
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
  /** What the player took from the master playlist, and what it says by now. */
  #taken: Offer | null = null;
  #offered: Offer | null = null;
  #hasStalled = false;
  /** Name of the quality somebody chose; null is automatic. */
  #chosen: string | null = null;
  readonly tracks = new Tracks(() => this.#hls);
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
    const level = this.#hls.levels[index];
    this.#chosen = level ? nameOf(level) : null;
    this.#hls.nextLevel = index;
  }
  onChange(listener: () => void) {
    this.#listeners.push(listener);
  }
  onMessage(listener: (text: string) => void) {
    this.#tellers.push(listener);
  }
  refresh() {
    if (this.#taken && this.#offered && hasMore(this.#offered, this.#taken)) this.#swap();
  }

  #attach(startPosition: number): Hls {
    // A growing stream is watched from its beginning.
    const hls = new Hls({ startPosition, backBufferLength: 60, ...this.tracks.config() });
    this.tracks.begin(hls);
    endShortFilm(hls, this.#video);
    const tell = () => {
      for (const listener of this.#listeners) listener();
    };
    // As it stands there: what this browser cannot play is not waited for again and again.
    hls.on(Hls.Events.MANIFEST_LOADED, (_event, { levels, audioTracks, subtitles = [] }) => {
      const tracks = [...audioTracks, ...subtitles].filter(({ url }) => url).length;
      this.#taken = { heights: levels.map(({ height }) => height ?? 0), tracks };
    });
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      const chosen = hls.levels.findIndex((level) => nameOf(level) === this.#chosen);
      if (chosen >= 0) hls.nextLevel = chosen;
      this.#say('');
      tell();
    });
    for (const event of [Hls.Events.LEVEL_SWITCHED, ...TRACK_EVENTS] as const) hls.on(event, tell);
    hls.on(Hls.Events.ERROR, (_event, { fatal, type, details, response }) => {
      if (!fatal) return;
      const isManifest = details.startsWith('manifest');
      if (type === Hls.ErrorTypes.MEDIA_ERROR && this.#recovered++ < 3) hls.recoverMediaError();
      else if (isManifest && response?.code === 403) this.#say(t('expired'));
      else if (isManifest) void this.#askAgain(hls, response?.code === 404);
      else setTimeout(() => hls === this.#hls && hls.startLoad(), RETRY_MS);
    });
    hls.loadSource(this.#master);
    hls.attachMedia(this.#video);
    return hls;
  }

  /** Says why there is nothing yet. What failed or was stopped may be begun again: it is asked for as well, less often. */
  async #askAgain(hls: Hls, isMissing: boolean): Promise<void> {
    const state = isMissing ? await readState(this.#master) : 'waiting';
    if (hls !== this.#hls) return;
    this.#say(t(state));
    const isOver = state !== 'waiting' && state !== 'preparing';
    setTimeout(() => hls === this.#hls && hls.loadSource(this.#master), isOver ? LOOK_MS : RETRY_MS);
  }

  /** Looks whether there is more than the player knows of: it reads the master playlist only once. */
  async #look(): Promise<void> {
    if (!this.#taken || document.hidden) return;
    const response = await fetch(this.#master).catch(() => null);
    if (!response?.ok) return;
    const offered = readOffer(await response.text());
    this.#offered = offered;
    if (!hasMore(offered, this.#taken)) return;
    const isBetter = Math.max(...offered.heights) > Math.max(...this.#taken.heights);
    // Better ones, captions and sounds, and lower ones where the line is too slow, are wanted at once; else when nobody notices.
    if (this.#hasStalled || isBetter || offered.tracks > this.#taken.tracks) this.#swap();
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

/** What became of a video that has no playlist: its qualities stand beside it, with its status. */
async function readState(master: string): Promise<'missing' | 'failed' | 'stopped' | 'preparing' | 'waiting'> {
  const response = await fetch(master.replace('/master.m3u8', '/qualities')).catch(() => null);
  if (response?.status === 404) return 'missing';
  if (!response?.ok) return 'waiting';
  const { status } = (await response.json()) as { status: string };
  return status === 'failed' || status === 'stopped' ? status : 'preparing';
}

/** Of a master playlist: its qualities, and how many sounds and texts. */
type Offer = { readonly heights: readonly number[]; readonly tracks: number };

const readOffer = (master: string): Offer => ({
  heights: [...master.matchAll(/RESOLUTION=\d+x(\d+)/g)].map(([, height]) => Number(height)),
  tracks: [...master.matchAll(/^#EXT-X-MEDIA:TYPE=(?:AUDIO|SUBTITLES)/gm)].length,
});

const hasMore = (one: Offer, other: Offer): boolean =>
  one.heights.length > other.heights.length || one.tracks > other.tracks;

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
  const tracks = nativeTracks(video);
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
    tracks,
    refresh: () => undefined,
    onChange: tracks.onChange,
    onMessage: () => undefined,
    timeline: filmTimeline(video),
    live: null,
  };
}
