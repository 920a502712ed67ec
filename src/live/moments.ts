// Publishes the segments of a run: the same moment of all renditions together, one after the other. Fed by the segmenters, used by channel-runner.ts.
import { deleteMoment, insertMoment, type LivePart, takeExpiredMoments } from '#database/live.ts';
import type { Lease, LiveContext } from '#live/live-work.ts';
import type { PublishQueue } from '#live/publish-queue.ts';
import type { Segment } from '#live/segmenter.ts';
import type { LivePlan } from '#media/live-plan.ts';

/** Seconds that a segment stays after it has left the playlist, for players that are behind. */
const graceOf = ({ windowSeconds, segmentSeconds }: LivePlan): number =>
  Math.min(windowSeconds, 120) + 3 * segmentSeconds;

/** Moments that are removed together; the segments of each are as many as the channel has renditions. */
const AT_ONCE = 8;

export type MomentOptions = {
  readonly context: LiveContext;
  readonly lease: Lease;
  readonly channel: { readonly id: number; readonly projectId: string };
  readonly plan: LivePlan;
  /** Of this run alone: two runs never write the same name. */
  readonly run: string;
  readonly queue: PublishQueue;
  /** Time of day of the first picture, ms; null where it is seen when it comes. */
  readonly beganAt: number | null;
  /** Time of day at which the run before ended, ms: the clock that viewers see never falls. */
  readonly after: number;
};

export class Moments {
  readonly #options: MomentOptions;
  readonly #open = new Map<number, Map<number, Segment>>();
  #origin: { readonly wall: number; readonly time: number } | null = null;
  /** Codecs and sizes of the pictures before; an encoded stream never changes them, a copied one may. */
  #shape = '';
  #endsAt: number;

  constructor(options: MomentOptions) {
    this.#options = options;
    this.#endsAt = options.after;
  }

  /** Time of day at which its last picture ends, ms. */
  get endsAt(): number {
    return this.#endsAt;
  }

  add(rendition: number, segment: Segment): void {
    const { hls } = this.#options.plan;
    if (!hls.includes(rendition)) return;
    // The first one is just complete: where pictures come as they are made it began its own length ago.
    const { beganAt, after } = this.#options;
    const wall = Math.max(after, beganAt ?? Date.now() - segment.seconds * 1000);
    this.#origin ??= { wall, time: segment.start };
    this.#endsAt = this.#timeOf(segment.start + segment.seconds);
    const moment = this.#open.get(segment.number) ?? new Map<number, Segment>();
    moment.set(rendition, segment);
    this.#open.set(segment.number, moment);
    if (moment.size < hls.length) return;
    this.#open.delete(segment.number);
    this.#publish(moment);
  }

  /** A time on the stream's clock as a time of day, ms. */
  #timeOf(time: number): number {
    return this.#origin ? this.#origin.wall + (time - this.#origin.time) * 1000 : 0;
  }

  #publish(moment: ReadonlyMap<number, Segment>): void {
    const { context, lease, channel, plan, run, queue } = this.#options;
    const segments = [...moment].sort(([a], [b]) => a - b);
    const [, first] = segments[0] ?? [];
    if (!first || !this.#origin) return;
    const made = segments.map(([index, { bytes, number, codecs, width, height, frameRate }]) => {
      const rendition = plan.renditions[index]?.id ?? String(index);
      const key = `live/${channel.id}/${run}/${rendition}/${number}.ts`;
      return { bytes, part: { rendition, key, size: bytes.length, codecs, width, height, frameRate } };
    });
    const parts: readonly LivePart[] = made.map(({ part }) => part);
    const startsAt = new Date(this.#timeOf(first.start));
    const shape = parts.map(({ codecs, width, height }) => `${codecs} ${width}x${height}`).join();
    // A segment that does not say what it is goes on with what was.
    const isOther = this.#shape === '' || (shape !== this.#shape && parts.every(({ width }) => width !== null));
    if (isOther) this.#shape = shape;
    const { windowSeconds } = plan;
    const graceSeconds = graceOf(plan);
    const kept = windowSeconds + graceSeconds + first.seconds;
    queue.add({
      objects: made.map(({ bytes, part }) => ({ key: part.key, bytes, contentType: 'video/mp2t' })),
      moment: { isBreak: isOther, startsAt, seconds: first.seconds, parts },
      announce: (moment) =>
        insertMoment(context.platform.database.db, {
          ...moment,
          projectId: channel.projectId,
          channelId: channel.id,
          ...{ windowSeconds, graceSeconds },
          expiresAt: new Date(Math.max(Date.now(), startsAt.getTime()) + kept * 1000),
          fence: lease,
        }),
    });
  }
}

/** Takes away what has left all playlists. What storage does not let go of now is tried again in half a minute. */
export async function sweepMoments({ platform }: LiveContext): Promise<void> {
  const { storage, database } = platform;
  for (;;) {
    const expired = await takeExpiredMoments(database.db, AT_ONCE);
    const removed = await Promise.allSettled(
      expired.map(async (moment) => {
        await Promise.all(moment.keys.map((key) => storage.remove(key)));
        await deleteMoment(database.db, moment);
      }),
    );
    const failed = removed.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    if (expired.length === 0) return;
  }
}
