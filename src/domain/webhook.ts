// Webhooks as the Standard Webhooks specification (standardwebhooks.com, 1.0.0) has them: what a delivery is, its signature, when it is tried again. Pure.
import { createHmac } from 'node:crypto';

export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed', 'disabled'] as const;
/** pending: on its way, or waiting for its next try · failed: given up · disabled: the receiver had answered 410 Gone. */
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** One try. Of `statusCode` and `error` the first is null where no answer came, the second where all was well. */
export type DeliveryAttempt = {
  /** ISO 8601 */
  readonly at: string;
  readonly statusCode: number | null;
  readonly error: string | null;
  readonly ms: number;
};

const SECOND = 1;
const MINUTE = 60;
const HOUR = 3600;
/** Seconds between the one before and each try: the specification's own schedule, three days in all. */
export const DELIVERY_DELAYS: readonly number[] = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
/**
 * Seconds before each try of an ordered delivery. All later ones of its job wait behind it, so a receiver that was down
 * for some minutes must be found again within minutes, not hours: from one second up to five minutes, for a day.
 */
export const ORDERED_DELAYS: readonly number[] = [
  0,
  1,
  2,
  5,
  10,
  20,
  30,
  MINUTE,
  MINUTE,
  2 * MINUTE,
  ...Array.from({ length: 288 }, () => 5 * MINUTE),
];
/** Tries of an ordered delivery that the receiver refuses (4xx) while others wait behind it: a quarter of an hour holds nobody up for long. */
export const REFUSED_TRIES = 12;
/** Seconds after which an ordered delivery that was tried is given up, and with it those of its age behind it. */
export const ORDERED_LIFE = 24 * HOUR;

/** Whether an answer says that the request itself is not wanted, rather than that the receiver cannot take it now. */
export const isRefusal = (statusCode: number | null): boolean =>
  statusCode !== null && statusCode >= 400 && statusCode < 500 && ![401, 403, 408, 425, 429].includes(statusCode);

/** A receiver that comes back must not meet everything at once. */
const JITTER = 0.2;
const DAY = 24 * HOUR;

/**
 * Seconds until the next try; null where there is none.
 * @param tries made so far, at least 1 @param retryAfter what the receiver asked for, in seconds
 */
export function nextDelay(
  { tries, retryAfter }: { readonly tries: number; readonly retryAfter: number | undefined },
  delays: readonly number[] = DELIVERY_DELAYS,
): number | null {
  const delay = delays[tries];
  if (delay === undefined) return null;
  return Math.max(delay * (1 + Math.random() * JITTER), Math.min(retryAfter ?? 0, DAY));
}

/** The three headers of a delivery. @param secrets `whsec_…`, several while one takes another's place; @param at seconds since 1970 */
export function signWebhook({
  id,
  at,
  body,
  secrets,
}: {
  readonly id: string;
  readonly at: number;
  readonly body: string;
  readonly secrets: readonly string[];
}): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': signatures.join(' ') };
}
