// Sends one webhook and records what came of it: delivered, tried again later, given up. Called for every entry of the lane `notify`.
import type { Kysely } from 'kysely';
import { countOrdered, disableDeliveries, findOrderedHead } from '#database/deliveries.ts';
import { type DueDelivery, findDueDelivery, settleDelivery } from '#database/due-deliveries.ts';
import { type JobRef, lockJob } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import { PlatformError } from '#domain/error.ts';
import {
  DELIVERY_DELAYS,
  type DeliveryAttempt,
  type DeliveryStatus,
  isRefusal,
  nextDelay,
  ORDERED_DELAYS,
  ORDERED_LIFE,
  REFUSED_TRIES,
  signWebhook,
} from '#domain/webhook.ts';
import type { Entry } from '#queue/queue.ts';
import { basicCredentials, discard, exchange } from '#storage/http-exchange.ts';
import { retryAfterSeconds } from '#storage/storage-error.ts';
import { receiverOf } from '#workflows/add-delivery.ts';
import type { Platform } from '#workflows/platform.ts';
import packageFile from '../../package.json' with { type: 'json' };

export type DeliveryPolicy = {
  /** Seconds before each try. */
  readonly delays: readonly number[];
  /** The same for deliveries that others of their job wait for. */
  readonly orderedDelays: readonly number[];
  /** Milliseconds a receiver has for its answer. */
  readonly timeLimit: number;
};
export const DELIVERY_POLICY: DeliveryPolicy = {
  delays: DELIVERY_DELAYS,
  orderedDelays: ORDERED_DELAYS,
  timeLimit: 15_000,
};

/** Seconds after which a delivery looks again whether the earlier ones of its job were tried. */
const TURN = 0.25;
/** RFC 9110 §15.5.11: the receiver wants no more. */
const GONE = 410;

/** What became of a try, and whether more of them make sense. */
type Answer = Pick<DeliveryAttempt, 'statusCode' | 'error'> & {
  readonly retryAfter?: number | undefined;
  readonly isFinal?: boolean;
};

/** Rejects only when the database does: then the queue delivers the entry again. */
export async function deliverWebhook(
  platform: Platform,
  entry: Entry<'notify'>,
  policy: DeliveryPolicy = DELIVERY_POLICY,
): Promise<void> {
  const { database, sealer, queue } = platform;
  const delivery = await findDueDelivery(database.db, entry.data.deliveryId, sealer);
  if (!delivery) return;
  if (delivery.isUnwanted) return disableDeliveries(database.db, delivery);
  // What an ordered one waits for sends it when it is settled.
  if (delivery.isEarly) return delivery.isOrdered ? undefined : queue.giveBack(entry, { startAfter: TURN });
  const at = new Date();
  const started = performance.now();
  const limit = AbortSignal.timeout(policy.timeLimit);
  const answer = await post(platform, delivery, AbortSignal.any([limit, entry.signal]));
  // An answer that came is recorded, whatever becomes of this process.
  if (entry.signal.aborted && answer.statusCode === null)
    return isDrain(entry.signal) ? queue.giveBack(entry) : undefined;
  const { statusCode } = answer;
  const error = limit.aborted && statusCode === null ? `no answer within ${policy.timeLimit / 1000} s` : answer.error;
  const attempt = { at: at.toISOString(), statusCode, error, ms: Math.round(performance.now() - started) };
  const settling = { delivery, entry, attempt, answer, policy };
  // Most end here, by one statement: two round trips less.
  if (answer.error === null && !delivery.isOrdered && platform.config.RETENTION_HOURS !== 0)
    return settle(platform, database.db, settling);
  await database.db.transaction().execute((db) => settle(platform, db, settling));
}

async function post(
  { egress, ownEgress, webhookSecrets: secrets }: Platform,
  { id, url, body, headers, isOwn }: DueDelivery,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const guard = isOwn ? ownEgress : egress;
    const place = guard.checkUrl(url);
    const authorization = basicCredentials(place);
    place.username = '';
    place.password = '';
    const answer = await exchange({
      guard,
      url: place,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...authorization,
        ...headers,
        'user-agent': `Rendition/${packageFile.version}`,
        ...signWebhook({ id, at: Math.floor(Date.now() / 1000), body, secrets }),
      },
      body: Buffer.from(body),
      signal,
      // The signal is the limit.
      timeouts: { headers: 0, stall: 0 },
    });
    // Only the status counts.
    discard(answer.body);
    return judge(answer.status, retryAfterSeconds(answer.header('retry-after')));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // No other try leads elsewhere: an operator has to open the address, and then sends it again.
    const isFinal =
      error instanceof PlatformError && (error.code === 'destination_refused_address' || error.fault === 'caller');
    return { statusCode: null, error: message, isFinal };
  }
}

function judge(statusCode: number, retryAfter: number | undefined): Answer {
  if (statusCode >= 200 && statusCode < 300) return { statusCode, error: null };
  const why = statusCode >= 300 && statusCode < 400 ? ': redirects are not followed' : '';
  return { statusCode, error: `answered with status ${statusCode}${why}`, retryAfter };
}

type Settling = {
  readonly delivery: DueDelivery;
  readonly entry: Entry<'notify'>;
  readonly attempt: DeliveryAttempt;
  readonly answer: Answer;
  readonly policy: DeliveryPolicy;
};

async function settle(platform: Platform, db: Kysely<Schema>, settling: Settling): Promise<void> {
  const { delivery, entry, attempt } = settling;
  // Whoever adds an ordered one holds the job as well: it sees this one settled, or is seen waiting here.
  const line = orderedLine(delivery);
  if (line) await lockJob(db, line);
  const waiting = line ? await countOrdered(db, line) : 0;
  const [status, delay] = verdict(settling, waiting > 1);
  const decided = await settleDelivery(db, delivery, { attempt, status, delay });
  if (attempt.statusCode === GONE) await disableDeliveries(db, delivery);
  if (decided && delay !== null)
    await platform.queue.send('notify', entry.data, { startAfter: delay, transaction: db });
  if (line && delay === null) await sendNext(platform, db, line);
  // Nothing keeps the job any longer.
  if (delay === null && platform.config.RETENTION_HOURS === 0)
    await platform.queue.send('housekeeping', { chore: 'expire' }, { transaction: db });
}

/** The job whose ordered deliveries this is one of. */
const orderedLine = ({ isOrdered, projectId, jobId }: DueDelivery): JobRef | null =>
  isOrdered && jobId !== null ? { projectId, jobId } : null;

async function sendNext(platform: Platform, db: Kysely<Schema>, line: JobRef): Promise<void> {
  const next = await findOrderedHead(db, line, platform.sealer);
  if (!next) return;
  const receiver = receiverOf(line.projectId, next.url);
  await platform.queue.send('notify', { deliveryId: next.id, receiver }, { transaction: db });
}

/** @param holdsUp whether others of its job wait for it */
function verdict({ delivery, answer, policy }: Settling, holdsUp: boolean): readonly [DeliveryStatus, number | null] {
  if (answer.error === null) return ['delivered', null];
  if (answer.statusCode === GONE) return ['disabled', null];
  if (answer.isFinal) return ['failed', null];
  const tries = delivery.tries + 1;
  if (holdsUp && isRefusal(answer.statusCode) && tries >= REFUSED_TRIES) return ['failed', null];
  if (delivery.isOrdered && Date.now() - delivery.createdAt.getTime() > ORDERED_LIFE * 1000) return ['failed', null];
  const delays = delivery.isOrdered ? policy.orderedDelays : policy.delays;
  const delay = nextDelay({ tries, retryAfter: answer.retryAfter }, delays);
  return delay === null ? ['failed', null] : ['pending', delay];
}

const isDrain = ({ reason }: AbortSignal): boolean =>
  reason instanceof PlatformError && reason.code === 'shutting_down';
