// Where in what is played one may be: from the beginning to the end of a film, from the window's start to now of a channel. Used by the bar and the keys.

export type Timeline = {
  /** seconds, on the video element's clock */
  start(): number;
  end(): number;
};

export const filmTimeline = (video: HTMLVideoElement): Timeline => ({
  start: () => 0,
  end: () => (Number.isFinite(video.duration) ? video.duration : 0),
});

/** @param edge the newest second that plays without waiting; null while unknown */
export function liveTimeline(video: HTMLVideoElement, edge: () => number | null): Timeline {
  const start = () => (video.seekable.length > 0 ? video.seekable.start(0) : 0);
  const last = () => (video.seekable.length > 0 ? video.seekable.end(video.seekable.length - 1) : 0);
  return { start, end: () => Math.max(start(), edge() ?? last()) };
}

/** Goes to a place as far as there is one. */
export function seekTo(video: HTMLVideoElement, { start, end }: Timeline, place: number): void {
  video.currentTime = Math.min(Math.max(place, start()), Math.max(start(), end()));
}

export const lengthOf = ({ start, end }: Timeline): number => Math.max(0, end() - start());
