// Where a channel's pictures go beyond its FFmpeg: playlists, receivers, a recording, a picture now and then; and whether anybody has them. One for the life of a runner.
import type { Channel, LiveOutputState } from '#domain/channel.ts';
import type { PlatformError } from '#domain/error.ts';
import type { ChannelLog } from '#live/channel-log.ts';
import { hlsOutputs } from '#live/hls-outputs.ts';
import type { Lease, LiveContext } from '#live/live-work.ts';
import { PACE, PublishQueue } from '#live/publish-queue.ts';
import { Pusher } from '#live/pusher.ts';
import { Recorder } from '#live/recorder.ts';
import type { RecordingKeeper } from '#live/recording-keeper.ts';
import { Thumbnailer } from '#live/thumbnailer.ts';
import type { LivePlan } from '#media/live-plan.ts';

/** Milliseconds that storage has at the end for what is not stored yet. */
const LAST_STORING = 3000;

export type ChannelOutputsOptions = {
  readonly context: LiveContext;
  readonly recordings: RecordingKeeper;
  readonly channel: Channel;
  readonly lease: Lease;
  readonly plan: LivePlan;
  readonly log: ChannelLog;
  readonly onError: (error: unknown) => void;
};

export class ChannelOutputs {
  readonly pushes: readonly { readonly rendition: number; readonly pusher: Pusher }[];
  readonly recorder: Recorder | null;
  readonly thumbnailer: Thumbnailer;
  readonly queue: PublishQueue;
  readonly #channel: Channel;
  readonly #plan: LivePlan;

  constructor({ context, recordings, channel, lease, plan, log, onError }: ChannelOutputsOptions) {
    this.#channel = channel;
    this.#plan = plan;
    this.pushes = plan.pushes
      .filter(({ outputType, outputUrl }) => outputType !== 'file' || outputUrl !== null)
      .flatMap((output) => {
        const rendition = plan.renditions[output.rendition];
        return rendition
          ? [{ rendition: output.rendition, pusher: new Pusher({ context, output, rendition, log }) }]
          : [];
      });
    const records =
      channel.spec.record || plan.pushes.some((one) => one.outputType === 'file' && one.outputUrl === null);
    this.recorder = records ? new Recorder({ channel, keeper: recordings, onError }) : null;
    this.thumbnailer = new Thumbnailer(context, { id: channel.id, lease }, channel.spec.thumbnailSeconds);
    const { storage, config } = context.platform;
    this.queue = new PublishQueue({
      ...{ storage, log, onError, pace: { ...PACE, unheard: config.CHANNEL_DETACHED_SECONDS * 1000 } },
      onAhead: (moments) => context.work.showAhead(channel.id, moments),
    });
  }

  startPushing(): void {
    for (const { pusher } of this.pushes) pusher.start();
  }

  /** Whether somebody can have what is made. */
  get isDelivering(): boolean {
    const { hls } = this.#plan;
    const isPlayable = hls.length > 0 && !this.queue.stuck;
    const isPushed = this.pushes.some(({ pusher }) => pusher.state.status === 'running');
    return isPlayable || isPushed || (hls.length === 0 && this.pushes.length === 0);
  }

  /** Why no receiver takes anything, and how often all of them were tried; null where one does. */
  get refusal(): { readonly error: PlatformError; readonly failures: number; readonly isPermanent: boolean } | null {
    const failures = Math.min(...this.pushes.map(({ pusher }) => pusher.failures));
    const error = this.pushes.find(({ pusher }) => pusher.error !== null)?.pusher.error;
    if (failures === 0 || !error) return null;
    return { error, failures, isPermanent: this.pushes.every(({ pusher }) => pusher.error?.retryable === false) };
  }

  /** Each with how it is. */
  get states(): LiveOutputState[] {
    const pushed = this.pushes.map(({ pusher }) => pusher.state);
    return [...hlsOutputs(this.#channel.slug, this.#plan, this.queue), ...pushed];
  }

  /** Resolves when nothing of them runs any more and all that could be stored is. */
  async stop(): Promise<void> {
    await Promise.all([
      ...this.pushes.map(({ pusher }) => pusher.stop()),
      this.thumbnailer.stop(),
      this.queue.end(LAST_STORING),
    ]);
    this.recorder?.cut();
    await this.recorder?.settled();
  }
}
