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
  /** The one user's; letters and digits. Who wishes one has a server of its own. */
  readonly accessKeySecret?: string;
};

/** In the environment of a whole run: its server, as JSON. */
const OF_RUN = 'RENDITION_TEST_SWIFT';
type SwiftOfRun = { readonly port: number /** Where accounts are taken. */; readonly taken: string };
/** Each file of a run has one for itself, with buckets of whatever names. */
const ACCOUNTS = 100;
const SECRET = 'testing';

/** An account of the run's server, or else a server: it takes about three seconds, so start it once for a test file. */
export async function startSwift({ accessKeySecret }: SwiftOptions = {}): Promise<Swift> {
  const ofRun = process.env[OF_RUN];
  if (ofRun !== undefined && accessKeySecret === undefined) return takeAccount(JSON.parse(ofRun) as SwiftOfRun);
  const { swift } = await startServers({ accessKeySecret: accessKeySecret ?? SECRET, accounts: ['test'] });
  return swift;
}

/** One server for all test files of a run: starting it takes several seconds of a processor. The settings are for their environment. */
export async function startSwiftOfRun(): Promise<{
  readonly settings: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}> {
  const accounts = Array.from({ length: ACCOUNTS }, (_, number) => accountOf(number));
  const { swift, folder } = await startServers({ accessKeySecret: SECRET, accounts });
  const ofRun: SwiftOfRun = { port: swift.port, taken: folder };
  return { settings: { [OF_RUN]: JSON.stringify(ofRun) }, stop: swift.stop };
}

const accountOf = (number: number): string => `test${number}`;

/** The first that no other process has taken. */
async function takeAccount({ port, taken }: SwiftOfRun): Promise<Swift> {
  for (let number = 0; number < ACCOUNTS; number++) {
    try {
      await mkdir(path.join(taken, `taken-${number}`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    return swiftOf({ port, account: accountOf(number), accessKeySecret: SECRET, stop: async () => undefined });
  }
  throw new Error(`all ${ACCOUNTS} accounts are taken`);
}

type Access = Pick<Swift, 'port' | 'accessKeySecret' | 'stop'> & { readonly account: string };

const swiftOf = ({ port, account, accessKeySecret, stop }: Access): Swift => ({
  endpoint: `http://127.0.0.1:${port}`,
  port,
  accessKeyId: `${account}:tester`,
  accessKeySecret,
  stop,
});

type Users = { readonly accessKeySecret: string; readonly accounts: readonly string[] };

async function startServers(users: Users): Promise<{ readonly swift: Swift; readonly folder: string }> {
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
    await writeFile(path.join(folder, 'proxy.conf'), proxyConfig({ folder, port: ports.proxy, cache, users }));
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
    const { accessKeySecret } = users;
    return { swift: swiftOf({ port: ports.proxy, account: users.accounts[0] ?? '', accessKeySecret, stop }), folder };
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
  readonly users: Users;
};

function proxyConfig({ folder, port, cache, users }: Proxy): string {
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
    tempauth: users.accounts.map((account) => `user_${account}_tester = ${users.accessKeySecret} .admin`).join('\n'),
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
