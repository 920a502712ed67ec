// The playlists of a channel as outputs that work or do not: they do once something is listed, and while storage takes it. Used by channel-runner.ts.
import type { LiveOutputState } from '#domain/channel.ts';
import type { PublishQueue } from '#live/publish-queue.ts';
import type { LivePlan } from '#media/live-plan.ts';

export function hlsOutputs(
  slug: string,
  { hls, renditions }: Pick<LivePlan, 'hls' | 'renditions'>,
  { trouble, known }: Pick<PublishQueue, 'trouble' | 'known'>,
): LiveOutputState[] {
  const status = trouble ? 'retrying' : known > 0 ? 'running' : 'pending';
  return hls.flatMap((index) => {
    const rendition = renditions[index]?.id;
    if (rendition === undefined) return [];
    const target = `/live/${slug}/${rendition}/playlist.m3u8`;
    return [{ rendition, type: 'hls', target, status, restarts: 0, error: trouble?.message ?? null }];
  });
}
