// Opens an input for a run: resolved, and where a publisher is waited for, with its place at the RTMP desk. Used by the runner and its watches.
import type { ChannelInput } from '#domain/channel.ts';
import type { LiveContext } from '#live/live-work.ts';
import type { RecordingKeeper } from '#live/recording-keeper.ts';
import { type PublisherPlace, resolveInput } from '#live/resolve-input.ts';
import type { RtmpDesks, Waiting } from '#live/rtmp-server.ts';
import type { LiveSource } from '#media/command/live-input.ts';

/** What all channels of a process share. */
export type LiveDoors = {
  readonly desks: RtmpDesks;
  readonly proxy: string;
  readonly recordings: RecordingKeeper;
};

export type OpenedInput = {
  readonly source: LiveSource;
  readonly secrets: readonly string[];
  /** Its bytes go to standard input: of a publisher that is waited for, or of a process that reads it already. */
  readonly waiting: Pick<Waiting, 'attach' | 'detach' | 'isLive'> | null;
  /** Seconds that its first picture lies in the past. */
  readonly behind: number;
  close(): Promise<void>;
};

export type OpenWish = {
  readonly projectId: string;
  readonly input: ChannelInput;
  readonly picture: { readonly width: number; readonly height: number; readonly rate: number };
};

/** @throws PlatformError `source_*`, `invalid_request`, `port_taken`, `conflict` */
export async function openInput(
  context: LiveContext,
  { wait, proxy }: { readonly wait: (place: PublisherPlace) => Promise<Waiting>; readonly proxy: string },
  { projectId, input, picture }: OpenWish,
): Promise<OpenedInput> {
  const resolved = await resolveInput(context, { projectId, input, picture, proxy });
  const { source, secrets, publisher } = resolved;
  if (!publisher) return { source, secrets, waiting: null, behind: 0, close: resolved.close };
  const waiting = await wait(publisher);
  return {
    source,
    secrets,
    waiting,
    behind: 0,
    close: async () => {
      waiting.finish();
      await resolved.close();
    },
  };
}
