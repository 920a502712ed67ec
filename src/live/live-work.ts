// What the live room needs of the workflows, and what runs share. A type only; put together by start-live.ts's caller in cli.
import type { ChannelFacts, ChannelJobRef, Lease } from '#database/channel-jobs.ts';
import type { LiveMoment } from '#database/live.ts';
import type { Channel, ChannelJob } from '#domain/channel.ts';
import type { LivePace } from '#live/retry-delay.ts';
import type { Settlement } from '#workflows/channels/settle-channel.ts';
import type { Platform } from '#workflows/platform.ts';

export type LiveWork = {
  /** Writes a state with its events; null where the lease was lost. */
  settle(lease: Lease, settlement: Settlement): Promise<ChannelJob | null>;
  start(ref: ChannelJobRef): Promise<unknown>;
  stop(ref: ChannelJobRef): Promise<unknown>;
  /** What of a channel players may be told although the database has not heard of it; see PublishQueue. */
  showAhead(channelId: number, moments: readonly LiveMoment[]): void;
  /** Tells those who follow a channel's log that its copy in managed storage has grown. */
  tellLog(channelId: number): Promise<void>;
  /** Gives the log files of a channel another name; null removes them. */
  moveLogs(from: string, to: string | null): Promise<void>;
  /** Ends what dead processes of this machine left. */
  sweepMachine(): Promise<void>;
  /** Takes a finished recording over; called again with the same one where it failed or was broken off. */
  keepRecording(recording: Recording, signal: AbortSignal): Promise<unknown>;
  /** `bootid/pid/starttime` of this process: the mark of its children. */
  readonly mark: string;
  /** Whether the process that made a mark lives. Of this host and process namespace alone. */
  isMarkAlive(mark: string): boolean;
};

export type Recording = {
  /** The video's that it becomes. */
  readonly id: string;
  readonly channel: Pick<Channel, 'id' | 'name' | 'projectId'>;
  /** A local file; gone afterwards. */
  readonly path: string;
  readonly startedAt: Date;
  readonly seconds: number;
};

/** What every part of a running channel is given. */
export type LiveContext = {
  readonly platform: Platform;
  readonly work: LiveWork;
  readonly pace: LivePace;
};

export type { ChannelFacts, Lease, Settlement };
