// Moments that a channel of this process has stored and the database has not heard of, because it is away. Written by the live room, read by read-live.ts.
import type { LiveMoment } from '#database/live.ts';
import type { Platform } from '#workflows/platform.ts';

/** Milliseconds that a moment is still shown here when the database has it: what was read before that does not hold it yet. */
const OVERLAP = 10_000;

type Ahead = Map<number, { readonly moment: LiveMoment; readonly until: number }>;
const channels = new WeakMap<Platform, Map<number, Ahead>>();

/** These wait now, under the numbers they will have; of those from before that do not, the database has heard. */
export function showAhead(platform: Platform, channelId: number, moments: readonly LiveMoment[]): void {
  const all = channels.get(platform) ?? new Map<number, Ahead>();
  channels.set(platform, all);
  const until = performance.now() + OVERLAP;
  const heard = [...(all.get(channelId) ?? [])]
    .filter(([, one]) => one.until > performance.now())
    .map(([sequence, one]) => [sequence, { ...one, until: Math.min(one.until, until) }] as const);
  const waiting = moments.map((moment) => [moment.sequence, { moment, until: Number.POSITIVE_INFINITY }] as const);
  const ahead = new Map([...heard, ...waiting]);
  if (ahead.size > 0) all.set(channelId, ahead);
  else all.delete(channelId);
}

/** What follows the moments that the database knows, in order, within so many seconds of pictures altogether. */
export function withAhead(
  platform: Platform,
  { id, moments, seconds }: { readonly id: number; readonly moments: readonly LiveMoment[]; readonly seconds: number },
): readonly LiveMoment[] {
  const ahead = channels.get(platform)?.get(id);
  if (!ahead) return moments;
  const last = moments.at(-1)?.sequence ?? -1;
  const now = performance.now();
  const further = [...ahead.values()].filter((one) => one.until > now && one.moment.sequence > last);
  const all = [...moments, ...further.map(({ moment }) => moment).sort((a, b) => a.sequence - b.sequence)];
  let newer = 0;
  const first = all.findLastIndex((moment) => {
    newer += moment.seconds;
    return newer >= seconds;
  });
  return first > 0 ? all.slice(first) : all;
}
