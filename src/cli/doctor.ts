// `rendition doctor`: what this machine has, and whether it works. Called by run.ts.
import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import type { Command } from '#cli/command.ts';
import { bytes, table } from '#cli/table.ts';
import { readEnvironment } from '#config/read-environment.ts';
import type { Config } from '#config/settings.ts';
import { openDatabase, placeOf } from '#database/connect.ts';
import { findPending } from '#database/migrate.ts';
import type { MediaTool } from '#media/tool.ts';
import { findTool, s3Settings, startEmbeddedDatabase } from '#platform.ts';
import { openManagedStorage } from '#storage/managed.ts';

type Finding = { readonly name: string; readonly ok: boolean; readonly detail: string };

/** What FFmpeg must have for which output; without the first ones nothing works. */
const ENCODERS: readonly (readonly [encoder: string, use: string, needed: boolean])[] = [
  ['libx264', 'H.264', true],
  ['aac', 'AAC', true],
  ['libx265', 'HEVC', false],
  ['libsvtav1', 'AV1', false],
  ['libvpx-vp9', 'VP9', false],
  ['libopus', 'Opus', false],
  ['libmp3lame', 'MP3', false],
  ['libvorbis', 'Vorbis', false],
  ['flac', 'FLAC', false],
];
const FILTERS: readonly (readonly [filter: string, use: string])[] = [
  ['zscale', 'HDR to SDR, BT.2020 to BT.709'],
  ['tonemap', 'HDR to SDR'],
  ['loudnorm', 'loudness'],
];

export const command: Command = {
  name: 'doctor',
  usage: 'doctor [--json]',
  about:
    'Looks at FFmpeg, its encoders, hardware (by a real test encode), database, storage and disk. Exit code 1 when something that is needed does not work.',
  options: { json: { type: 'boolean', about: 'as JSON' } },
  takes: [0, 0],
  examples: [['rendition doctor', 'the first thing to look at when something is odd']],
  run: async ({ flags }) => {
    const config = readEnvironment();
    const findings = (
      await Promise.all([machine(), ffmpeg(config), database(config), storage(config), disk(config)])
    ).flat();
    const healthy = findings.every(({ ok }) => ok);
    if (flags.has('json'))
      process.stdout.write(`${JSON.stringify({ status: healthy ? 'ok' : 'failed', checks: findings }, null, 2)}\n`);
    else
      process.stdout.write(
        `${table(
          ['', 'what', 'found'],
          findings.map(({ name, ok, detail }) => [ok ? '✓' : '✗', name, detail]),
        )}\n`,
      );
    return healthy ? 0 : 1;
  },
};

async function judge(name: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { name, ok: true, detail: await look() };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

const machine = () =>
  judge(
    'machine',
    async () =>
      `${process.platform} ${process.arch}, ${availableParallelism()} cores, ${bytes(totalmem())} memory, Node ${process.versions.node}`,
  );

async function ffmpeg(config: Config): Promise<Finding[]> {
  let tool: MediaTool | undefined;
  const found = await judge('ffmpeg', async () => {
    tool = await findTool(config);
    return `${tool.version} (${tool.ffmpeg})`;
  });
  if (!tool) return [found];
  const { encoders, filters, hardware } = tool;
  const missing = ENCODERS.filter(([encoder]) => !encoders.has(encoder));
  const without = FILTERS.filter(([filter]) => !filters.has(filter));
  const there = ENCODERS.filter(([encoder]) => encoders.has(encoder)).map(([encoder, use]) => `${use} (${encoder})`);
  return [
    found,
    {
      name: 'encoders',
      ok: missing.every(([, , needed]) => !needed),
      detail: `${there.join(', ')}${missing.length > 0 ? `; missing: ${missing.map(([encoder, use]) => `${use} (${encoder})`).join(', ')}` : ''}`,
    },
    {
      name: 'filters',
      ok: true,
      detail:
        without.length > 0
          ? `missing: ${without.map(([filter, use]) => `${filter} (${use})`).join(', ')}`
          : 'everything that is used',
    },
    {
      name: 'hardware',
      ok: true,
      detail:
        hardware.length > 0 ? hardware.map(({ encoder }) => encoder).join(', ') : 'none that works: software encodes',
    },
  ];
}

const database = (config: Config) =>
  judge('database', async () => {
    const started = config.DATABASE_URL === undefined ? await startEmbeddedDatabase(config) : null;
    try {
      const url = config.DATABASE_URL ?? started?.url ?? '';
      const opened = await openDatabase(url);
      try {
        const { rows } = await opened.pool.query<{ version: string }>(
          `select current_setting('server_version') as version`,
        );
        const pending = await findPending(opened);
        const state = pending.length === 0 ? 'up to date' : `${pending.length} migrations to run`;
        return `PostgreSQL ${rows[0]?.version ?? ''}, ${started ? `embedded in ${config.DATA_DIR}` : placeOf(url)}, ${state}`;
      } finally {
        await opened.close();
      }
    } finally {
      await started?.close();
    }
  });

const storage = (config: Config) =>
  judge('storage', async () => {
    const store = await openManagedStorage(config.STORAGE_URL, { dataDir: config.DATA_DIR, s3: s3Settings(config) });
    const key = `doctor/${process.pid}`;
    try {
      await store.write(key, Buffer.from('rendition'));
      await store.remove(key);
    } finally {
      await store.close();
    }
    return `${config.STORAGE_URL ?? `${config.DATA_DIR}/storage`}: written and removed`;
  });

const disk = (config: Config) =>
  judge('disk', async () => {
    const folder = config.TEMP_VIDEOS_DIR ?? config.DATA_DIR;
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    const { bavail, blocks, bsize } = await statfs(folder);
    const free = bavail * bsize;
    if (free < config.SCRATCH_RESERVE_BYTES) {
      throw new Error(
        `${bytes(free)} free in ${folder}; work must leave ${bytes(config.SCRATCH_RESERVE_BYTES)} (SCRATCH_RESERVE_BYTES)`,
      );
    }
    return `${bytes(free)} of ${bytes(blocks * bsize)} free in ${folder}`;
  });
