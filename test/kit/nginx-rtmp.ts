// A real RTMP server: nginx with its rtmp module. Used by the tests of live channels.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, freePort, startServer } from './server-process.ts';

const MODULE = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

/** Why it cannot be started here; false where it can. */
export const missingRtmp = (): string | false =>
  (!findProgram('nginx') && 'nginx is not installed') || (!existsSync(MODULE) && 'libnginx-mod-rtmp is not installed');

export type RtmpServer = AsyncDisposable & {
  readonly port: number;
  /** Of its one worker: to stop it with SIGSTOP. */
  readonly pid: number;
  readonly url: (key: string) => string;
  stop(): Promise<void>;
};

export async function startRtmp(port?: number): Promise<RtmpServer> {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-rtmp-'));
  const own = port ?? (await freePort());
  await mkdir(join(folder, 'logs'));
  await writeFile(
    join(folder, 'nginx.conf'),
    `load_module ${MODULE};
daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log info;
events { worker_connections 64; }
rtmp { server { listen 127.0.0.1:${own}; chunk_size 4096; application live { live on; } } }
`,
  );
  const server = await startServer(
    'nginx',
    ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')],
    own,
  );
  const stop = async () => {
    server.child.kill('SIGCONT');
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    port: own,
    pid: server.child.pid ?? 0,
    url: (key) => `rtmp://127.0.0.1:${own}/live/${key}`,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
