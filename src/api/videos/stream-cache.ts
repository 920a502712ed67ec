// Streams as they are served, kept between requests: read anew when a job or the video itself has changed, and soon while they grow. Used by stream-routes.ts.
import type { Api } from '#api/context.ts';
import { forgetChanged, forgetChangedVideos } from '#api/forget-changed.ts';
import type { Video } from '#domain/video.ts';
import type { Platform } from '#workflows/platform.ts';
import { readStream, type Stream } from '#workflows/videos/read-stream.ts';

/** Milliseconds that a stream is served as it was: before it plays, while it grows, and after. */
const WAITING_MS = 100;
const GROWING_MS = 1000;
const SETTLED_MS = 5000;
const MOST_STREAMS = 500;

export type StreamOf = {
  readonly video: Video;
  readonly stream: Stream | null;
  /** False once it would be read anew. */
  readonly holds: () => boolean;
};
type Kept = {
  until: number;
  readonly found: Promise<StreamOf>;
  /** The jobs and the video it was read from; null while it is read: then any news may be its own. */
  of: { readonly jobs: readonly number[]; readonly video: string } | null;
};
export type StreamCache = { find(key: string, findVideo: () => Promise<Video>): Promise<StreamOf> };

/** @param key names who asks and for what: what one may see, another may not */
export function createStreamCache(app: Api, platform: Platform): StreamCache {
  const kept = new Map<string, Kept>();
  forgetChanged(app, platform, (jobId) => {
    for (const [key, { of }] of kept) if (jobId === null || of === null || of.jobs.includes(jobId)) kept.delete(key);
  });
  forgetChangedVideos(app, platform, (videoId) => {
    for (const [key, { of }] of kept) if (videoId === null || of === null || of.video === videoId) kept.delete(key);
  });
  const keep = (key: string, entry: Kept) => {
    kept.delete(key);
    for (const old of kept.keys()) {
      if (kept.size < MOST_STREAMS) break;
      kept.delete(old);
    }
    kept.set(key, entry);
  };
  return {
    find: async (key, findVideo) => {
      const known = kept.get(key);
      if (known && known.until > performance.now()) return known.found;
      const holds = () => kept.get(key) === entry && entry.until > performance.now();
      const found = findVideo().then(async (video) => ({ video, stream: await readStream(platform, video), holds }));
      const entry: Kept = { until: performance.now() + WAITING_MS, found, of: null };
      keep(key, entry);
      try {
        const read = await found;
        const { video, stream } = read;
        const patience = stream?.settled ? SETTLED_MS : stream?.playable ? GROWING_MS : WAITING_MS;
        entry.until = performance.now() + patience;
        entry.of = { jobs: video.jobs.map(({ jobId }) => jobId), video: video.id };
        return read;
      } catch (error) {
        if (kept.get(key) === entry) kept.delete(key);
        throw error;
      }
    },
  };
}
