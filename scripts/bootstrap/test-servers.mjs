// Brings the real servers that tests run against; says by name what is missing where it can't.
import { existsSync } from 'node:fs';
import { canInstallPackages, installPackages } from './packages.mjs';
import { findProgram, say } from './run.mjs';

/** Debian package and the program, or the file, that shows that it is there. */
const SERVERS = [
  { name: 'chromium', program: 'chromium' },
  { name: 'vsftpd', program: 'vsftpd' },
  { name: 'nginx', program: 'nginx' },
  { name: 'libnginx-mod-rtmp', file: '/usr/lib/nginx/modules/ngx_rtmp_module.so' },
  { name: 'iproute2', program: 'ip' },
  { name: 'redis-server', program: 'redis-server' },
  { name: 'memcached', program: 'memcached' },
  { name: 'swift-proxy', program: 'swift-proxy-server' },
  { name: 'swift-account', program: 'swift-account-server' },
  { name: 'swift-container', program: 'swift-container-server' },
  { name: 'swift-object', program: 'swift-object-server' },
  { name: 'openssl', program: 'openssl' },
];

// Servers lie in folders that a plain user's PATH does not name.
const PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
const isMissing = ({ program, file }) =>
  file === undefined ? findProgram(program, PATH) === undefined : !existsSync(file);

export async function ensureTestServers() {
  const missing = SERVERS.filter(isMissing).map(({ name }) => name);
  if (missing.length === 0) return;
  if (canInstallPackages()) return installPackages(missing);
  say(
    `not installed here, and only root can do it: ${missing.join(', ')}; the tests that need them are skipped by name`,
  );
}
