// Keeps captions above the bar of controls in Firefox, which has no part of the video element to move by style as Chromium and Safari have. Used by controls.ts and the dashboard's player.

/** Lines of captions that fit into the height of a picture: letters are a twentieth of it, lines a fifth more (seen in Firefox 153). */
const LINES = 16;
const NEEDED = CSS.supports('-moz-appearance', 'none');

/** @param frame carries the class `idle` while the bar is away @returns what ends it */
export function raiseCaptions(video: HTMLVideoElement, frame: HTMLElement, bar: HTMLElement): () => void {
  if (!NEEDED) return () => undefined;
  const raised = new Set<VTTCue>();
  const place = () => {
    const isShown = !frame.classList.contains('idle');
    // Above what can be pressed: the shade that it begins with is no harm.
    const height = bar.offsetHeight - Number.parseFloat(getComputedStyle(bar).paddingBlockStart);
    const lines = Math.ceil((height / Math.max(1, video.clientHeight)) * LINES);
    for (const track of video.textTracks)
      for (const cue of (track.activeCues ?? []) as Iterable<VTTCue>) {
        // One that has a place of its own stays there.
        if (cue.line !== 'auto' && !raised.has(cue)) continue;
        const line = isShown ? -lines - cue.text.split('\n').length : 'auto';
        if (cue.line !== line) cue.line = line;
        if (isShown) raised.add(cue);
        else raised.delete(cue);
      }
  };
  const heard = new Set<TextTrack>();
  const listen = () => {
    for (const track of video.textTracks) {
      if (heard.has(track)) continue;
      heard.add(track);
      track.addEventListener('cuechange', place);
    }
  };
  listen();
  video.textTracks.addEventListener('addtrack', listen);
  const watcher = new MutationObserver(place);
  watcher.observe(frame, { attributes: true, attributeFilter: ['class'] });
  return () => {
    watcher.disconnect();
    video.textTracks.removeEventListener('addtrack', listen);
    for (const track of heard) track.removeEventListener('cuechange', place);
  };
}
