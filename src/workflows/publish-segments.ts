// Makes segments of a running attempt visible as they are stored, fenced by the attempt. Used by run-task.ts.

import type { HeldTask } from '#database/held-tasks.ts';
import { publishParts } from '#database/task-parts.ts';
import type { JobApi } from '#domain/job.ts';
import type { TrackPart } from '#domain/task.ts';
import { PARTS_OWNERS } from '#workflows/job-owners.ts';
import type { Platform } from '#workflows/platform.ts';
import { Throttle } from '#workflows/throttle.ts';

const INTERVAL_MS = 1000;

export type SegmentPublisher = {
  /** All parts of the attempt so far. Resolves at once: encoding does not wait for the row. */
  readonly publish: (parts: readonly TrackPart[]) => Promise<void>;
  /** Resolves when all of it is in the row. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export function publishSegments(platform: Platform, task: HeldTask & { readonly api: JobApi }): SegmentPublisher {
  const throttle = new Throttle<readonly TrackPart[]>(INTERVAL_MS, async (parts) => {
    try {
      await publishParts(platform.database.db, task, parts);
      await PARTS_OWNERS[task.api]?.(platform, task);
    } catch (error) {
      platform.log.warn({ err: error, jobId: task.jobId }, 'segments could not be published');
    }
  });
  return {
    publish: async (parts) => throttle.push(parts),
    flush: () => throttle.flush(),
    close: () => throttle.close(),
  };
}
