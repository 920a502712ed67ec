// Figures for Prometheus, asked of the database at each scrape. Used by the system routes.
import { statfs } from 'node:fs/promises';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { countJobs } from '#database/jobs.ts';
import { findRunningWork } from '#database/metrics.ts';
import { findQueueState } from '#database/queue-state.ts';
import { JOB_STATUSES } from '#domain/job.ts';
import { QUEUE_STATES } from '#domain/queue-state.ts';
import type { Platform } from '#workflows/platform.ts';

export type Metrics = { readonly contentType: string; collect(): Promise<string> };

export function createMetrics(platform: Platform): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `rendition_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const jobs = gauge('jobs', 'Jobs by status.', ['status']);
  const waiting = gauge('queue_waiting', 'Entries of a lane that wait for a worker.', ['lane']);
  const active = gauge('queue_active', 'Entries of a lane being worked on.', ['lane']);
  const oldest = gauge('queue_oldest_seconds', 'Age of the oldest waiting entry of a lane.', ['lane']);
  const states = gauge('queue_state', 'Whether work is taken from the queue: 1 for the state it is in.', ['state']);
  const speed = gauge('encode_speed', 'Media seconds encoded per second, all running tasks together.');
  const chunk = gauge('chunk_seconds', 'Mean duration of the chunks finished in the last hour.');
  const size = gauge('disk_bytes', 'Size of the disk of DATA_DIR.');
  const free = gauge('disk_free_bytes', 'Free space on the disk of DATA_DIR.');

  const refresh = async () => {
    const { db } = platform.database;
    const [counts, lanes, work, disk, queue] = await Promise.all([
      countJobs(db, null),
      platform.queue.counts(),
      findRunningWork(db),
      statfs(platform.config.DATA_DIR),
      findQueueState(db),
    ]);
    for (const status of JOB_STATUSES) jobs.set({ status }, counts[status] ?? 0);
    for (const [lane, entries] of Object.entries(lanes)) {
      waiting.set({ lane }, entries.waiting);
      active.set({ lane }, entries.active);
      oldest.set({ lane }, entries.oldestSeconds);
    }
    for (const state of QUEUE_STATES) states.set({ state }, state === queue.state ? 1 : 0);
    speed.set(work.speed);
    chunk.set(work.chunkSeconds);
    size.set(disk.blocks * disk.bsize);
    free.set(disk.bavail * disk.bsize);
  };
  return {
    contentType: registry.contentType,
    collect: async () => {
      await refresh();
      return registry.metrics();
    },
  };
}
