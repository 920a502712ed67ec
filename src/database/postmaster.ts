// Reads what PostgreSQL says of itself in postmaster.pid. Used by embedded.ts.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isNodeError } from '#domain/error.ts';

export type Postmaster = { readonly pid: number; readonly port: number; readonly status: string };

/**
 * The lines of postmaster.pid (PostgreSQL's miscadmin.h): pid, data directory, start, port, socket directory, address, shared memory, status.
 * Undefined while the file is not complete.
 */
function parsePostmaster(text: string): Postmaster | undefined {
  const lines = text.split('\n');
  const [pid, , , port] = lines;
  if (!pid || !port || !/^\d+$/.test(pid) || !/^\d+$/.test(port)) return undefined;
  return { pid: Number(pid), port: Number(port), status: (lines[7] ?? '').trim() };
}

/** The postmaster that runs on this cluster; undefined when none does, or a dead one left its file behind. */
export async function findPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const text = await textOf(join(cluster, 'postmaster.pid'));
  const found = text === undefined ? undefined : parsePostmaster(text);
  return found && (await isPostmasterOf(found.pid, cluster)) ? found : undefined;
}

/** Whether that process lives and works on that cluster: after a restart of the machine its number may be anybody's. */
export async function isPostmasterOf(pid: number, cluster: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (isNodeError(error) && error.code === 'ESRCH') return false;
  }
  if (process.platform !== 'linux') return true;
  const command = await textOf(`/proc/${pid}/cmdline`);
  // A zombie has an empty command line.
  return command?.split('\0').includes(cluster) ?? false;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isNodeError(error) && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined;
    throw error;
  }
}
