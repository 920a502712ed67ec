// A real S3 server for tests: OpenStack Swift with s3api, on loopback, in a folder of its own. Used by test/storage and others.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort, missingPrograms, type RunningServer, startServer } from './server-process.ts';

const run = promisify(execFile);

export type Swift = {
  /** `http://127.0.0.1:PORT`; path style, region us-east-1 */
  readonly endpoint: string;
  readonly port: number;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  stop(): Promise<void>;
};

/** Why Swift cannot run here, or false: Debian's swift-proxy, -account, -container, -object and memcached. */
export function swiftMissing(): string | false {
  const programs = ['proxy', 'account', 'container', 'object'].map((part) => `swift-${part}-server`);
  return missingPrograms(...programs, 'memcached', 'python3');
}

export type SwiftOptions = {
  /** The one user's; letters and digits. */
  readonly accessKeySecret?: string;
};

/** Takes about three seconds: start it once for a test file. */
export async function startSwift({ accessKeySecret = 'testing' }: SwiftOptions = {}): Promise<Swift> {
  const folder = await mkdtemp(path.join(tmpdir(), 'swift-'));
  const servers: RunningServer[] = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const ports = {
      proxy: await freePort(),
      account: await freePort(),
      container: await freePort(),
      object: await freePort(),
    };
    const cache = await freePort();
    await mkdir(path.join(folder, 'devices', 'disk'), { recursive: true });
    await writeFile(path.join(folder, 'swift.conf'), SWIFT);
    await writeFile(
      path.join(folder, 'proxy.conf'),
      proxyConfig({ folder, port: ports.proxy, cache, accessKeySecret }),
    );
    for (const kind of ['account', 'container', 'object'] as const) {
      await writeFile(path.join(folder, `${kind}.conf`), backendConfig(folder, kind, ports[kind]));
    }
    await run('/usr/bin/python3', ['-c', RINGS, folder, ...[ports.account, ports.container, ports.object].map(String)]);
    const start = async (program: string, args: readonly string[], port: number) => {
      servers.push(await startServer(program, args, port));
    };
    const user = userInfo().uid === 0 ? ['-u', 'nobody'] : [];
    await Promise.all([
      start('memcached', [...user, '-l', '127.0.0.1', '-p', String(cache), '-m', '16'], cache),
      ...(['account', 'container', 'object', 'proxy'] as const).map((kind) =>
        start(`swift-${kind}-server`, [path.join(folder, `${kind}.conf`)], ports[kind]),
      ),
    ]);
    return {
      endpoint: `http://127.0.0.1:${ports.proxy}`,
      port: ports.proxy,
      accessKeyId: 'test:tester',
      accessKeySecret,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** All rings in one Python: nine runs of swift-ring-builder take ten seconds. */
const RINGS = `
import sys
from swift.common.ring import RingBuilder
folder = sys.argv[1]
for kind, port in zip(('account', 'container', 'object'), sys.argv[2:]):
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({'id': 0, 'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(port), 'device': 'disk', 'weight': 1.0,
                     'replication_ip': '127.0.0.1', 'replication_port': int(port), 'meta': ''})
    builder.rebalance()
    builder.get_ring().save('%s/%s.ring.gz' % (folder, kind))
`;

const SWIFT = `[swift-hash]
swift_hash_path_suffix = test
swift_hash_path_prefix = test
[storage-policy:0]
name = Policy-0
default = yes
`;

function backendConfig(folder: string, kind: string, port: number): string {
  return `[DEFAULT]
swift_dir = ${folder}
devices = ${path.join(folder, 'devices')}
mount_check = false
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
log_level = ERROR
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`;
}

type Proxy = {
  readonly folder: string;
  readonly port: number;
  readonly cache: number;
  readonly accessKeySecret: string;
};

function proxyConfig({ folder, port, cache, accessKeySecret }: Proxy): string {
  const filters = [
    'catch_errors',
    'gatekeeper',
    'cache',
    'bulk',
    's3api',
    'tempauth',
    'slo',
    'dlo',
    'versioned_writes',
    'symlink',
  ];
  // Short pages, so that every listing of more than a few objects has several.
  const settings: Readonly<Record<string, string>> = {
    tempauth: `user_test_tester = ${accessKeySecret} .admin`,
    s3api: 's3_acl = true\nlocation = us-east-1\ncheck_bucket_owner = false\nmax_bucket_listing = 20',
    cache: `memcache_servers = 127.0.0.1:${cache}`,
    versioned_writes: 'allow_object_versioning = true',
  };
  const sections = filters.map(
    (name) => `[filter:${name}]\nuse = egg:swift#${name === 'cache' ? 'memcache' : name}\n${settings[name] ?? ''}`,
  );
  return `[DEFAULT]
swift_dir = ${folder}
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
log_level = ERROR
[pipeline:main]
pipeline = ${filters.join(' ')} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
${sections.join('\n')}
`;
}
