// Sends a webhook again, now and with all its tries, whatever became of it before. Called by the jobs API.
import { type Delivery, findOvertaken, reopenDelivery } from '#database/deliveries.ts';
import { type JobRef, lockJob } from '#database/jobs.ts';
import { PlatformError } from '#domain/error.ts';
import { receiverOf } from '#workflows/add-delivery.ts';
import type { Platform } from '#workflows/platform.ts';

/** It keeps its id, by which the receiver knows that it is the same. @throws PlatformError `not_found`; `conflict` where a later one of an ordered row has arrived */
export async function resendDelivery(platform: Platform, ref: JobRef & { readonly id: string }): Promise<Delivery> {
  const { database, queue, sealer } = platform;
  return database.db.transaction().execute(async (db) => {
    await lockJob(db, ref);
    if (await findOvertaken(db, ref))
      throw new PlatformError('conflict', 'A later callback of this job has arrived; an older one must not follow it');
    const delivery = await reopenDelivery(db, ref, sealer);
    if (!delivery) throw new PlatformError('not_found', `Job ${ref.jobId} has no delivery ${ref.id}`);
    await queue.cancelDeliveries([ref.id], db);
    await queue.send(
      'notify',
      { deliveryId: ref.id, receiver: receiverOf(ref.projectId, delivery.url) },
      { transaction: db },
    );
    return delivery;
  });
}
