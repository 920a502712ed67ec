// A real FTP server for tests: vsftpd on loopback, in a folder of its own, plain or with TLS. Used by test/storage.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Certificate, makeCertificate } from './certificate.ts';
import { freePort, missingPrograms, startServer } from './server-process.ts';

export type Vsftpd = {
  readonly port: number;
  /** The first port of data connections; the only one where `oneDataPort` was asked for. */
  readonly dataPort: number;
  /** `anonymous`; any password but `wrong` is right. */
  readonly user: string;
  readonly password: string;
  readonly wrongPassword: string;
  /** The folder that is the server's root; `files` in it may be written. */
  readonly root: string;
  /** The same folder as clients name it: vsftpd shuts it in as root alone. */
  readonly home: string;
  /** With TLS only. */
  readonly certificate: Certificate | null;
  stop(): Promise<void>;
};

export function vsftpdMissing(): string | false {
  return missingPrograms('vsftpd', 'openssl');
}

export type VsftpdOptions = { readonly secure?: boolean; readonly oneDataPort?: boolean };

export async function startVsftpd({ secure = false, oneDataPort = false }: VsftpdOptions = {}): Promise<Vsftpd> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vsftpd-'));
  await chmod(folder, 0o755);
  const root = path.join(folder, 'root');
  await mkdir(path.join(root, 'files'), { recursive: true });
  // vsftpd serves anonymous users as `ftp`, who must be able to write here.
  await chmod(path.join(root, 'files'), 0o777);
  const certificate = secure ? await makeCertificate(folder) : null;
  const port = await freePort();
  const dataPort = await freePort();
  const config = path.join(folder, 'vsftpd.conf');
  const refused = path.join(folder, 'refused');
  await writeFile(refused, 'wrong\n');
  await writeFile(
    config,
    `${lines({ root, port, dataPort, lastDataPort: dataPort + (oneDataPort ? 0 : 9), refused })}${certificate ? tlsLines(certificate) : ''}`,
  );
  const server = await startServer('vsftpd', [config], port);
  return {
    port,
    dataPort,
    root,
    home: process.getuid?.() === 0 ? '/' : `${root}/`,
    certificate,
    user: 'anonymous',
    password: 'right',
    wrongPassword: 'wrong',
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Settings = {
  readonly root: string;
  readonly port: number;
  readonly dataPort: number;
  readonly lastDataPort: number;
  readonly refused: string;
};

function lines({ root, port, dataPort, lastDataPort, refused }: Settings): string {
  const launching = process.getuid?.() === 0 ? 'NO' : 'YES';
  return `listen=YES
listen_address=127.0.0.1
listen_port=${port}
background=NO
run_as_launching_user=${launching}
anonymous_enable=YES
anon_root=${root}
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
deny_email_enable=YES
banned_email_file=${refused}
pasv_min_port=${dataPort}
pasv_max_port=${lastDataPort}
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
use_localtime=NO
max_per_ip=20
`;
}

function tlsLines({ certPath, keyPath }: Certificate): string {
  return `ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=NO
ssl_ciphers=HIGH
rsa_cert_file=${certPath}
rsa_private_key_file=${keyPath}
`;
}
