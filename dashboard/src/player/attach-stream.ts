// hls.js on a video element, behind what the controls need of it.
import { nativeTracks } from '../../watch/native-tracks.ts';
import type { TrackMenus } from '../../watch/tracks.ts';
import { keyHeaders } from '../api/http.ts';

export type Level = { index: number; name: string };
export type Stream = {
  levels: () => Level[];
  /** -1 is automatic. */
  level: () => number;
  /** What is shown now, where it is chosen automatically. */
  shown: () => string;
  choose: (index: number) => void;
  tracks: TrackMenus;
  onChange: (listener: () => void) => () => void;
  stop: () => void;
};

type Wish = {
  url: string;
  isLive: boolean;
  /** Second to begin at, of what is not live. */
  from?: number;
  onProblem: (details: string) => void;
};

export async function attachStream(
  video: HTMLVideoElement,
  { url, isLive, from = 0, onProblem }: Wish,
): Promise<Stream> {
  const [{ default: Hls }, { TRACK_EVENTS, Tracks }, { endShortFilm }] = await Promise.all([
    import('hls.js'),
    import('../../watch/tracks.ts'),
    import('../../watch/short-film.ts'),
  ]);
  if (!Hls.isSupported()) return attachNative(video, url);
  const hls = new Hls({
    // A growing stream is watched from its beginning, a live one where it is.
    ...(isLive ? {} : { startPosition: from }),
    xhrSetup: (request) => {
      for (const [name, value] of Object.entries(keyHeaders())) request.setRequestHeader(name, value);
    },
  });
  let recovered = 0;
  hls.on(Hls.Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && recovered++ < 3) hls.recoverMediaError();
    else if (data.type === Hls.ErrorTypes.NETWORK_ERROR && recovered++ < 10) setTimeout(() => hls.startLoad(), 2000);
    else onProblem(data.details);
  });
  if (!isLive) endShortFilm(hls, video);
  hls.loadSource(url);
  hls.attachMedia(video);
  const nameOf = (height: number, width: number, bits: number) =>
    height > 0 ? `${Math.min(height, width || height)}p` : `${Math.round(bits / 1000)} kb/s`;
  const names = () => hls.levels.map(({ height, width, bitrate }) => nameOf(height, width, bitrate));
  const events = [
    Hls.Events.MANIFEST_PARSED,
    Hls.Events.LEVELS_UPDATED,
    Hls.Events.LEVEL_SWITCHED,
    ...TRACK_EVENTS,
  ] as const;
  return {
    levels: () =>
      names()
        .map((name, index) => ({ index, name }))
        .reverse(),
    level: () => (hls.autoLevelEnabled ? -1 : hls.nextLevel),
    shown: () => names()[hls.currentLevel] ?? '',
    choose: (index) => {
      hls.nextLevel = index;
    },
    tracks: new Tracks(() => hls),
    onChange: (listener) => {
      for (const event of events) hls.on(event, listener);
      return () => {
        for (const event of events) hls.off(event, listener);
      };
    },
    stop: () => hls.destroy(),
  };
}

/** Safari on phones plays HLS by itself and lets nobody choose a quality. */
function attachNative(video: HTMLVideoElement, url: string): Stream {
  video.src = url;
  const tracks = nativeTracks(video);
  const nothing = () => undefined;
  return {
    levels: () => [],
    level: () => -1,
    shown: () => '',
    choose: nothing,
    tracks,
    onChange: (listener) => {
      tracks.onChange(listener);
      return nothing;
    },
    stop: () => video.removeAttribute('src'),
  };
}
