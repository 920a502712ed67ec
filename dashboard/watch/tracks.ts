// The sounds and texts of a stream: what there is, what is chosen, and that a choice outlives the stream being attached anew. Used by stream.ts, live.ts and the dashboard's player.
import Hls, { type HlsConfig, type MediaPlaylist } from 'hls.js';

/** One of a menu. */
export type Option = { readonly index: number; readonly name: string };
/** As the playlist names it. */
export type Track = Option & { readonly tag: string | undefined };

/** Tells that there are others, or another is chosen. */
export const TRACK_EVENTS = [
  Hls.Events.AUDIO_TRACKS_UPDATED,
  Hls.Events.AUDIO_TRACK_SWITCHING,
  Hls.Events.SUBTITLE_TRACKS_UPDATED,
  Hls.Events.SUBTITLE_TRACK_SWITCH,
] as const;

const optionsOf = (tracks: readonly MediaPlaylist[] = []): Track[] =>
  tracks.map(({ name, lang }, index) => ({ index, name, tag: lang }));
const wishFor = (track: MediaPlaylist | undefined) =>
  track && { name: track.name, ...(track.lang && { lang: track.lang }) };

/** Sounds, captions, and what is chosen of either; -1 is none. */
export type TrackMenus = {
  sounds(): Track[];
  sound(): number;
  chooseSound(index: number): void;
  texts(): Track[];
  text(): number;
  chooseText(index: number): void;
};

export class Tracks implements TrackMenus {
  readonly #hls: () => Hls | null;
  /** Names of what somebody chose; undefined where nobody did, null for no captions. */
  #sound: ReturnType<typeof wishFor>;
  #text: ReturnType<typeof wishFor> | null;

  constructor(hls: () => Hls | null) {
    this.#hls = hls;
  }

  sounds = (): Track[] => optionsOf(this.#hls()?.audioTracks);
  sound = (): number => this.#hls()?.audioTrack ?? -1;
  chooseSound = (index: number): void => {
    const hls = this.#hls();
    if (!hls) return;
    this.#sound = wishFor(hls.audioTracks[index]);
    hls.audioTrack = index;
  };

  texts = (): Track[] => optionsOf(this.#hls()?.subtitleTracks);
  text = (): number => {
    const hls = this.#hls();
    return hls?.subtitleDisplay ? hls.subtitleTrack : -1;
  };
  chooseText = (index: number): void => {
    const hls = this.#hls();
    if (!hls) return;
    this.#text = wishFor(hls.subtitleTracks[index]) ?? null;
    // First: the switch tells, and what is told must hold.
    hls.subtitleDisplay = index >= 0;
    hls.subtitleTrack = index;
  };

  /** What an `Hls` of the same stream begins with. */
  config = (): Partial<HlsConfig> => ({
    ...(this.#sound && { audioPreference: this.#sound }),
    ...(this.#text && { subtitlePreference: this.#text }),
  });

  /** @param hls made with `config()` */
  begin(hls: Hls): void {
    if (this.#text === null) hls.subtitleDisplay = false;
  }
}
