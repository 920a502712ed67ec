// Node's own HTTP server beside ours and nginx: the most that any server on Node could reach. Used by the rows of serving and of uploads.
import { join } from 'node:path';
import { freePort, type RunningServer, startServer } from '../test/kit/server-process.ts';

const PROCESS = join(import.meta.dirname, 'bare-server-process.ts');

export type BareServer = RunningServer & AsyncDisposable & { readonly url: string };

/** @param path of the file that it answers with, from memory; left out, its answers are empty */
export async function startBareServer(path?: string): Promise<BareServer> {
  const port = await freePort();
  const args = [PROCESS, String(port), ...(path === undefined ? [] : [path])];
  const server = await startServer(process.execPath, args, port);
  return { ...server, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: server.stop };
}
