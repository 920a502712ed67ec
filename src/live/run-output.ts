// Where the pictures of one run go: cut for playlists, recording and thumbnails, and to the pushers. One for each run of a channel's FFmpeg; made by channel-runner.ts.
import { randomBytes } from 'node:crypto';
import { PlatformError } from '#domain/error.ts';
import type { ChannelOutputs } from '#live/channel-outputs.ts';
import { type MomentOptions, Moments } from '#live/moments.ts';
import { type Segment, Segmenter } from '#live/segmenter.ts';

export type RunOutputOptions = Omit<MomentOptions, 'run' | 'queue'> & {
  readonly outputs: Pick<ChannelOutputs, 'pushes' | 'recorder' | 'thumbnailer' | 'queue'>;
  /** Time on the stream's clock at which the run begins, seconds. */
  readonly offset: number;
  /** CHANNEL_WATCHDOG_SECONDS */
  readonly watchdog: number;
  readonly onError: (error: unknown) => void;
};

/** Segments one after the other. */
const MOST_UNREADABLE = 2;
/** Seconds that pictures may come before their time: playlists begin with several segments at once. */
const MOST_AHEAD = 60;
/** Seconds. */
const LONGEST_SEGMENT = 15;

export class RunOutput {
  readonly #options: RunOutputOptions;
  readonly #moments: Moments;
  readonly #segmenters: readonly (Segmenter | null)[];
  readonly #began = performance.now();
  /** performance.now() of the last segment that was complete */
  #cutAt = performance.now();
  #wasReadable = false;
  #unreadable = 0;

  constructor(options: RunOutputOptions) {
    this.#options = options;
    const { plan, onError, lease } = options;
    const { recorder, thumbnailer, queue } = options.outputs;
    const { renditions, hls, segmentSeconds } = plan;
    this.#moments = new Moments({ ...options, queue, run: `${lease.lease}-${randomBytes(4).toString('hex')}` });
    // The largest is recorded, the smallest is quickest to make a thumbnail of.
    const heights = renditions.map(({ height }) => height ?? 10_000);
    const recorded = heights.indexOf(Math.max(...heights));
    const smallest = heights.indexOf(Math.min(...heights));
    this.#segmenters = renditions.map((_, i) => {
      if (!hls.includes(i) && i !== 0 && i !== recorded && i !== smallest) return null;
      const take = (segment: Segment) => {
        this.#cutAt = performance.now();
        if (hls.includes(i) && renditions[i]?.video === 'copy') this.#judge(segment);
        this.#moments.add(i, segment);
        if (i === recorded) recorder?.add(segment);
        if (i === smallest) thumbnailer.add(segment, onError);
      };
      return new Segmenter(segmentSeconds, take, options.offset);
    });
  }

  /** Whole packets of a rendition. */
  push(rendition: number, bytes: Buffer): void {
    this.#segmenters[rendition]?.push(bytes);
    for (const one of this.#options.outputs.pushes) if (one.rendition === rendition) one.pusher.write(bytes);
  }

  /** Pictures so far. */
  get pieces(): number {
    return this.#segmenters[0]?.pieces ?? 0;
  }

  /** The newest time on the stream's clock, seconds. */
  get latest(): number {
    return Math.max(0, ...this.#segmenters.map((segmenter) => segmenter?.latest ?? 0));
  }

  /** Seconds that a keyframe has been waited for, of the streams that are copied to players. */
  get uncut(): number {
    const { renditions, hls } = this.#options.plan;
    const copied = hls.filter((i) => renditions[i]?.video === 'copy');
    return Math.max(0, ...copied.map((i) => this.#segmenters[i]?.uncut ?? 0));
  }

  /** Time of day at which the last picture of the playlist ends, ms. */
  get endsAt(): number {
    return this.#moments.endsAt;
  }

  /** What is made is of no use to viewers, although something is made; null where all is well. */
  problem(): PlatformError | null {
    const { plan, offset, watchdog } = this.#options;
    const elapsed = (performance.now() - this.#began) / 1000;
    if (this.#unreadable >= MOST_UNREADABLE)
      return new PlatformError('not_media', 'The input shows pictures no more that can be copied');
    if (this.latest - offset - elapsed > MOST_AHEAD)
      return new PlatformError('not_media', 'The clock of the input runs away');
    const waited = (performance.now() - this.#cutAt) / 1000;
    if (plan.hls.length > 0 && this.pieces > 0 && waited > watchdog + LONGEST_SEGMENT)
      return new PlatformError('not_media', `Nothing to show came out of the input for ${Math.round(waited)} seconds`);
    return null;
  }

  #judge({ width }: Segment): void {
    this.#wasReadable ||= width !== null;
    this.#unreadable = width === null && this.#wasReadable ? this.#unreadable + 1 : 0;
  }

  /** The end of a run that ended well: what is left is complete. */
  flush(): void {
    for (const segmenter of this.#segmenters) segmenter?.flush();
  }
}
