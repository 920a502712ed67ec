// The health of the five services of the videos API, with what an operator asks next: counts, queue, disk, versions. Called by the admin routes and by each service's /health.
import { statfs } from 'node:fs/promises';
import { findDatabaseFacts } from '#database/metrics.ts';
import { countVideos } from '#database/videos.ts';
import { listWorkers } from '#database/workers.ts';
import { VIDEO_STATUSES } from '#domain/video.ts';
import { checkHealth, type HealthCheck } from '#workflows/check-health.ts';
import type { Platform } from '#workflows/platform.ts';
import packageFile from '../../../package.json' with { type: 'json' };

/** What each service cannot do without. */
const NEEDS = {
  upload: ['database', 'storage'],
  transcoding: ['database', 'queue', 'storage', 'ffmpeg'],
  metadata: ['database'],
  streaming: ['database', 'storage'],
  admin: ['database', 'queue', 'storage', 'ffmpeg'],
} as const satisfies Readonly<Record<string, readonly HealthCheck[]>>;

export type ServiceName = keyof typeof NEEDS;
type State = 'healthy' | 'unhealthy';
/** A worker beats every few seconds; one silent for so long is gone. */
const WORKER_SILENCE_SECONDS = 30;

export type ServiceHealth = { readonly status: State; readonly checks: Readonly<Record<string, 'ok' | 'failed'>> };

/** What is wrong names hosts and paths: that is for the log, not for whoever asks. */
export async function checkServices(platform: Platform): Promise<Record<ServiceName, ServiceHealth>> {
  const found = await checkHealth(platform);
  const wrong = Object.values(found).filter((reason) => reason !== null);
  if (wrong.length > 0) platform.log.warn({ checks: found }, 'unhealthy');
  const judge = (needs: readonly HealthCheck[]): ServiceHealth => ({
    status: needs.every((check) => found[check] === null) ? 'healthy' : 'unhealthy',
    checks: Object.fromEntries(needs.map((check) => [check, found[check] === null ? 'ok' : 'failed'])),
  });
  return {
    upload: judge(NEEDS.upload),
    transcoding: judge(NEEDS.transcoding),
    metadata: judge(NEEDS.metadata),
    streaming: judge(NEEDS.streaming),
    admin: judge(NEEDS.admin),
  };
}

export async function readSystem(platform: Platform, projectId: string) {
  const { config, database, queue, storage, tool } = platform;
  const since = new Date(Date.now() - WORKER_SILENCE_SECONDS * 1000);
  const [services, videos, lanes, workers, facts, disk] = await Promise.all([
    checkServices(platform),
    countVideos(database.db, projectId),
    queue.counts(),
    listWorkers(database.db, since),
    findDatabaseFacts(database.db),
    statfs(config.DATA_DIR),
  ]);
  const counts = Object.fromEntries(VIDEO_STATUSES.map((status) => [status, videos[status] ?? 0]));
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const isWell = Object.values(services).every(({ status }) => status === 'healthy');
  const size = disk.blocks * disk.bsize;
  const free = disk.bavail * disk.bsize;
  return {
    status: isWell ? ('healthy' as const) : ('unhealthy' as const),
    services,
    videos: { total, ...counts },
    queue: { ...lanes },
    workers: workers.map((worker) => ({
      id: worker.id,
      hostname: worker.hostname,
      concurrency: worker.concurrency,
      running: [...worker.running],
      last_heartbeat_at: worker.lastHeartbeatAt.toISOString(),
    })),
    disk: { total: size, free, used: size - disk.bfree * disk.bsize },
    storage: { kind: storage.kind },
    database: { version: facts.version, size: facts.bytes },
    versions: {
      rendition: packageFile.version,
      node: process.versions.node,
      ffmpeg: tool.version,
      postgresql: facts.version,
    },
  };
}
