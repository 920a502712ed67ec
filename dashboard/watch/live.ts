// A channel on the video element: waits until it is on air, begins by itself, begins again when it comes back. Used by main.ts in the place of stream.ts.
import Hls from 'hls.js';
import { type LiveEdge, nameOf, type Stream } from './stream.ts';
import { t } from './text/text.ts';
import { liveTimeline } from './timeline.ts';
import { TRACK_EVENTS, Tracks } from './tracks.ts';

const LOOK_MS = 2500;
/** Seconds behind the newest picture that still count as live: what the player itself keeps, and a little. */
const AT_EDGE = 4;
/** Milliseconds without a new picture that are worth a word. */
const STALL_MS = 4000;

export function playLive(video: HTMLVideoElement, master: string): Stream {
  return new LiveStream(video, master);
}

class LiveStream implements Stream {
  readonly #video: HTMLVideoElement;
  readonly #master: string;
  readonly #listeners: (() => void)[] = [];
  readonly #tellers: ((text: string) => void)[] = [];
  #hls: Hls | null = null;
  #isOnAir = false;
  /** Somebody wants to see it: it goes on by itself when it comes back. */
  #isWanted = false;
  #recovered = 0;
  #stallTimer = 0;
  readonly tracks = new Tracks(() => this.#hls);
  readonly timeline;
  readonly live: LiveEdge;

  constructor(video: HTMLVideoElement, master: string) {
    this.#video = video;
    this.#master = master;
    this.timeline = liveTimeline(video, () => this.#hls?.liveSyncPosition ?? null);
    this.live = {
      isOnAir: () => this.#isOnAir,
      behind: () => Math.max(0, this.timeline.end() - video.currentTime),
      latency: () => (this.#hls && this.#hls.latency > 0 ? this.#hls.latency : null),
      isAtEdge: () => video.played.length === 0 || this.timeline.end() - video.currentTime < AT_EDGE,
      go: () => this.#goLive(),
    };
    video.addEventListener('play', () => {
      this.#isWanted = true;
      // What was on air when the page was opened is long past.
      if (video.played.length === 0 && video.seekable.length > 0) video.currentTime = this.timeline.end();
    });
    video.addEventListener('pause', () => {
      // An end pauses too, and nobody wished it.
      if (this.#isOnAir && !video.ended) this.#isWanted = false;
    });
    video.addEventListener('ended', () => this.#goOffAir());
    video.addEventListener('waiting', () => {
      clearTimeout(this.#stallTimer);
      this.#stallTimer = window.setTimeout(() => this.#say(t('interrupted')), STALL_MS);
    });
    video.addEventListener('playing', () => {
      clearTimeout(this.#stallTimer);
      if (this.#isOnAir) this.#say('');
    });
    void this.#wait();
  }

  qualities() {
    return (this.#hls?.levels ?? []).map((level, index) => ({ index, name: nameOf(level) })).reverse();
  }
  quality = () => (!this.#hls || this.#hls.autoLevelEnabled ? -1 : this.#hls.nextLevel);
  shown() {
    const level = this.#hls?.levels[this.#hls.currentLevel];
    return level ? nameOf(level) : '';
  }
  choose(index: number) {
    if (this.#hls) this.#hls.nextLevel = index;
  }
  refresh() {}
  onChange(listener: () => void) {
    this.#listeners.push(listener);
  }
  onMessage(listener: (text: string) => void) {
    this.#tellers.push(listener);
    listener(this.#isOnAir ? '' : t('offAir'));
  }

  /** Until it is on air. */
  async #wait(): Promise<void> {
    for (;;) {
      const found = await isOnAir(this.#master);
      if (found === 'yes') break;
      this.#say(t(found === 'forbidden' ? 'expired' : found === 'unknown' ? 'waiting' : 'offAir'));
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    this.#isOnAir = true;
    this.#say('');
    if (Hls.isSupported()) this.#attach();
    else this.#video.src = this.#master;
    if (this.#isWanted) await start(this.#video);
    this.#tell();
  }

  #attach(): void {
    const near = { liveSyncDurationCount: 2, liveDurationInfinity: true, backBufferLength: 60 };
    const hls = new Hls({ ...near, ...this.tracks.config() });
    this.tracks.begin(hls);
    for (const event of [
      Hls.Events.MANIFEST_PARSED,
      Hls.Events.LEVEL_SWITCHED,
      Hls.Events.LEVEL_UPDATED,
      ...TRACK_EVENTS,
    ] as const)
      hls.on(event, () => this.#tell());
    hls.on(Hls.Events.ERROR, (_event, { fatal, type }) => {
      if (!fatal || hls !== this.#hls) return;
      if (type === Hls.ErrorTypes.MEDIA_ERROR && this.#recovered++ < 3) hls.recoverMediaError();
      // It was stopped, or began anew with other qualities.
      else this.#goOffAir();
    });
    hls.on(Hls.Events.FRAG_BUFFERED, () => {
      this.#recovered = 0;
    });
    hls.loadSource(this.#master);
    hls.attachMedia(this.#video);
    this.#hls = hls;
  }

  #goOffAir(): void {
    if (!this.#isOnAir) return;
    this.#isOnAir = false;
    clearTimeout(this.#stallTimer);
    this.#hls?.destroy();
    this.#hls = null;
    this.#video.removeAttribute('src');
    this.#video.load();
    this.#tell();
    void this.#wait();
  }

  #goLive(): void {
    const video = this.#video;
    video.currentTime = this.timeline.end();
    if (video.paused) void start(video);
  }

  #say(text: string): void {
    for (const teller of this.#tellers) teller(text);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Plays, without its sound where the browser lets nothing else begin by itself. */
export async function start(video: HTMLVideoElement): Promise<void> {
  try {
    await video.play();
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'NotAllowedError') || video.muted) return;
    video.muted = true;
    await video.play().catch(() => undefined);
  }
}

/** A channel that was stopped keeps its last window for a while, with an end. */
async function isOnAir(master: string): Promise<'yes' | 'no' | 'forbidden' | 'unknown'> {
  try {
    const answer = await fetch(master, { cache: 'no-store' });
    if (answer.status === 401 || answer.status === 403) return 'forbidden';
    if (answer.status >= 500) return 'unknown';
    const variant = answer.ok && /^[^#\s].*$/m.exec(await answer.text())?.[0];
    if (!variant) return 'no';
    const media = await fetch(new URL(variant, answer.url), { cache: 'no-store' });
    return media.ok && !(await media.text()).includes('#EXT-X-ENDLIST') ? 'yes' : 'no';
  } catch {
    return 'unknown';
  }
}
