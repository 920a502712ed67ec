// Opens an input for a run: resolved, and where a publisher is waited for, with its place at the RTMP desk. Used by the runner and its watches.
import type { ChannelInput } from '#domain/channel.ts';
import type { LiveContext } from '#live/live-work.ts';
import type { RecordingKeeper } from '#live/recording-keeper.ts';
import { resolveInput } from '#live/resolve-input.ts';
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
  /** Where a publisher is waited for; its bytes go to standard input. */
  readonly waiting: Waiting | null;
  close(): Promise<void>;
};

export type OpenWish = {
  readonly input: ChannelInput;
  readonly picture: { readonly width: number; readonly height: number; readonly rate: number };
};

/** @throws PlatformError `source_*`, `invalid_request`, `port_taken`, `conflict` */
export async function openInput(
  context: LiveContext,
  { desks, proxy }: Pick<LiveDoors, 'desks' | 'proxy'>,
  { input, picture }: OpenWish,
): Promise<OpenedInput> {
  const resolved = await resolveInput(context, { input, picture, proxy });
  const { source, secrets, publisher } = resolved;
  if (!publisher) return { source, secrets, waiting: null, close: resolved.close };
  const waiting = await desks.wait(publisher);
  return {
    source,
    secrets,
    waiting,
    close: async () => {
      await waiting.close();
      await resolved.close();
    },
  };
}
