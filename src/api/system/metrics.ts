// Figures for Prometheus, asked of the database at each scrape. Used by the system routes.
import { statfs } from 'node:fs/promises';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { countJobs } from '#database/jobs.ts';
import { findRunningWork } from '#database/metrics.ts';
import { JOB_STATUSES } from '#domain/job.ts';
import type { Platform } from '#workflows/platform.ts';

export function createMetrics(platform: Platform): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const { db } = platform.database;

  new Gauge({
    name: 'rendition_jobs',
    help: 'Jobs by status.',
    labelNames: ['status'],
    registers,
    async collect() {
      const counts = await countJobs(db, null);
      for (const status of JOB_STATUSES) this.set({ status }, counts[status] ?? 0);
    },
  });
  const active = new Gauge({
    name: 'rendition_queue_active',
    help: 'Entries of a lane being worked on.',
    labelNames: ['lane'],
    registers,
  });
  const oldest = new Gauge({
    name: 'rendition_queue_oldest_seconds',
    help: 'Age of the oldest waiting entry of a lane.',
    labelNames: ['lane'],
    registers,
  });
  new Gauge({
    name: 'rendition_queue_waiting',
    help: 'Entries of a lane that wait for a worker.',
    labelNames: ['lane'],
    registers,
    async collect() {
      for (const [lane, counts] of Object.entries(await platform.queue.counts())) {
        this.set({ lane }, counts.waiting);
        active.set({ lane }, counts.active);
        oldest.set({ lane }, counts.oldestSeconds);
      }
    },
  });
  const running = new Gauge({
    name: 'rendition_chunk_seconds',
    help: 'Mean duration of the chunks finished in the last hour.',
    registers,
  });
  new Gauge({
    name: 'rendition_encode_speed',
    help: 'Media seconds encoded per second, all running tasks together.',
    registers,
    async collect() {
      const work = await findRunningWork(db);
      this.set(work.speed);
      running.set(work.chunkSeconds);
    },
  });
  const total = new Gauge({ name: 'rendition_disk_bytes', help: 'Size of the disk of DATA_DIR.', registers });
  new Gauge({
    name: 'rendition_disk_free_bytes',
    help: 'Free space on the disk of DATA_DIR.',
    registers,
    async collect() {
      const { bavail, blocks, bsize } = await statfs(platform.config.DATA_DIR);
      this.set(bavail * bsize);
      total.set(blocks * bsize);
    },
  });
  return registry;
}
