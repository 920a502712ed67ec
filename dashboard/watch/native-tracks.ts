// Sounds and captions of a video element that plays HLS by itself: Safari on phones. Used by the player page and the dashboard's player.
import type { TrackMenus } from './tracks.ts';

/** Of Safari alone. */
type NativeSounds = EventTarget & Iterable<{ readonly label: string; readonly language: string; enabled: boolean }>;

export type NativeTracks = TrackMenus & { onChange(listener: () => void): void };

export function nativeTracks(video: HTMLVideoElement & { readonly audioTracks?: NativeSounds }): NativeTracks {
  const texts = () => [...video.textTracks];
  const sounds = () => [...(video.audioTracks ?? [])];
  const named = ({ label, language: tag }: { readonly label: string; readonly language: string }, index: number) => ({
    index,
    name: label || tag,
    tag,
  });
  return {
    sounds: () => sounds().map(named),
    sound: () => sounds().findIndex(({ enabled }) => enabled),
    chooseSound: (index) => {
      for (const [i, track] of sounds().entries()) track.enabled = i === index;
    },
    texts: () => texts().map(named),
    text: () => texts().findIndex(({ mode }) => mode === 'showing'),
    chooseText: (index) => {
      for (const [i, track] of texts().entries()) track.mode = i === index ? 'showing' : 'disabled';
    },
    onChange: (listener) => {
      for (const list of [video.textTracks, video.audioTracks]) list?.addEventListener('addtrack', listener);
    },
  };
}
