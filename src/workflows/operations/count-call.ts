// Counts the calls of a client against the limits of their kind. Called by the operations API for every request.
import { takeCall } from '#database/rate-limits.ts';
import { PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';

/** uploads: new operations · status: status checks · general: all else; each call counts for one kind alone. */
const CALL_KINDS = ['uploads', 'status', 'general'] as const;
export type CallKind = (typeof CALL_KINDS)[number];

const LIMITS = {
  uploads: ['RATE_LIMIT_UPLOADS'],
  status: ['RATE_LIMIT_STATUS'],
  general: ['RATE_LIMIT_BURST', 'RATE_LIMIT_SUSTAINED'],
} as const satisfies Readonly<Record<CallKind, readonly string[]>>;

/** @throws PlatformError `rate_limited` with the seconds to wait; such a call is not counted */
export async function countCall(
  { config, database }: Pick<Platform, 'config' | 'database'>,
  { kind, client }: { readonly kind: CallKind; readonly client: string },
): Promise<void> {
  for (const name of LIMITS[kind]) {
    const limit = config[name];
    if (limit === null) continue;
    const wait = await takeCall(database.db, { name, client, ...limit });
    if (wait === null) continue;
    const retryAfter = Math.max(1, Math.ceil(wait));
    throw new PlatformError(
      'rate_limited',
      `More than ${limit.calls} calls in ${limit.seconds} s from ${client} (${name}); the next one in ${retryAfter} s`,
      { retryAfter },
    );
  }
}
