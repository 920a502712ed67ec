// Where the log of a channel lies: below DATA_DIR on the machine that runs it, and its end in managed storage for the others. Pure.

/** Bytes of one log with the older half that was put aside. */
export const LOG_BYTES = 10 * 1000 ** 2;

/** Below DATA_DIR. */
export const channelLogPath = (slug: string): string => `logs/channels/${slug}.log`;
/** The older half of a log. */
export const olderLogPath = (slug: string): string => `${channelLogPath(slug)}.1`;
export const channelLogKey = (channelId: number): string => `live/${channelId}/log.txt`;
