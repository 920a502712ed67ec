// A film so short that the browser shows nothing of it before it knows that no more will come. Used by stream.ts and the dashboard's player.
import Hls from 'hls.js';

/** Seconds; Chromium waits for more than what the longest of them have. */
const SHORT = 0.3;

/**
 * hls.js says that the sound has ended only after it was switched to, and that only after something is shown: of a film that fits into
 * what a browser wants in advance, each would wait for the other. So its end is told as soon as picture and sound are all there.
 */
export function endShortFilm(hls: Hls, video: HTMLVideoElement): void {
  const whole = new Set<string>();
  hls.on(Hls.Events.FRAG_BUFFERED, (_event, { frag }) => {
    const film = hls.latestLevelDetails;
    if (!film || film.live || film.totalduration > SHORT || frag.sn === 'initSegment') return;
    whole.add(frag.type);
    const isThere = whole.has('main') && whole.has('audio');
    if (isThere && video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA)
      hls.trigger(Hls.Events.BUFFER_EOS, { type: null });
  });
}
