import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { loadConfig } from '#config/load.ts';
import { SETTINGS } from '#config/settings.ts';
import { assignments, documents, ROOT, read } from './deploy-files.ts';

const FILE = 'deploy/compose.yaml';
const EXAMPLE = assignments(read('deploy/compose.env.example'));
const FILLED: Record<string, string> = {
  ...EXAMPLE,
  POSTGRES_PASSWORD: 'p0stgres',
  AWS_SECRET_ACCESS_KEY: 's3cr3ts3cr3t',
  SECRET_KEY: 'ab'.repeat(32),
  ADMIN_KEY: 'x'.repeat(24),
  WEBHOOK_SECRET: `whsec_${'A'.repeat(44)}`,
};
/** What only the servers beside ours read. */
const FOREIGN = ['POSTGRES_PASSWORD'];

const duration = z.string().regex(/^\d+s$/);
const healthcheck = z.strictObject({
  test: z.array(z.string()).min(2),
  interval: duration,
  timeout: duration,
  retries: z.int(),
  start_period: duration,
});
const service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  restart: z.string(),
  command: z.array(z.string()),
  entrypoint: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  depends_on: z
    .record(
      z.string(),
      z.strictObject({ condition: z.enum(['service_healthy', 'service_started', 'service_completed_successfully']) }),
    )
    .optional(),
  configs: z.array(z.strictObject({ source: z.string(), target: z.string() })).optional(),
  healthcheck: z.union([z.strictObject({ disable: z.literal(true) }), healthcheck]).optional(),
  deploy: z.strictObject({ replicas: z.int() }).optional(),
  stop_grace_period: duration.optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
});
const composeFile = z.strictObject({
  name: z.literal('rendition'),
  'x-rendition': z.unknown(),
  'x-settings': z.unknown(),
  services: z.record(z.string(), service.partial({ command: true, environment: true })),
  configs: z.record(z.string(), z.strictObject({ content: z.string() })),
  volumes: z.record(z.string(), z.null()),
});

/** As compose does: ${NAME}, ${NAME:-default}, ${NAME:?}, $$ for a dollar. @throws Error for a required one that is empty */
function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\{[^}]*\}/g, (found) => {
    if (found === '$$') return '$';
    const [, name = '', kind, rest = ''] = /^\$\{([A-Z0-9_]+)(?::([-?])(.*))?\}$/.exec(found) ?? [];
    if (name === '') throw new Error(`${found} is no substitution`);
    const value = env[name] || undefined;
    if (value === undefined && kind === '?') throw new Error(`${name} is missing`);
    return value ?? rest;
  });
}

/** Every text below a value, after YAML was read: what is filled in is never YAML. */
function fill(value: unknown, env: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return interpolate(value, env);
  if (Array.isArray(value)) return value.map((one) => fill(one, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fill(one, env)]));
}

const load = (env: Readonly<Record<string, string>>) => fill(documents(read(FILE), FILE)[0], env);
const compose = composeFile.parse(load(FILLED));
const { api, worker, postgres, s3, bucket } = compose.services;
assert.ok(api && worker && postgres && s3 && bucket);

test('nothing starts while a secret is missing, and the example holds none', () => {
  const missing = Object.keys(FILLED).filter((name) => EXAMPLE[name] === '' && FILLED[name] !== '');
  assert.deepEqual(missing.sort(), [
    'ADMIN_KEY',
    'AWS_SECRET_ACCESS_KEY',
    'POSTGRES_PASSWORD',
    'SECRET_KEY',
    'WEBHOOK_SECRET',
  ]);
  for (const name of missing) assert.throws(() => load({ ...FILLED, [name]: '' }), new Error(`${name} is missing`));
});

test('every name of the example is a setting that the compose file passes on', () => {
  for (const name of Object.keys(EXAMPLE)) {
    assert.ok(name in SETTINGS || FOREIGN.includes(name), name);
    assert.ok(read(FILE).includes(`\${${name}:`), `${name} is used`);
  }
});

test('API and workers start from the same settings, the roles apart', () => {
  const settings = (env: Record<string, string>) =>
    loadConfig(
      {},
      Object.entries(env)
        .map(([name, value]) => `${name}='${value}'`)
        .join('\n'),
    );
  const [serving, working] = [settings(api.environment ?? {}), settings(worker.environment ?? {})];
  assert.deepEqual([api.command, worker.command], [['serve'], ['work']]);
  assert.deepEqual({ ...serving, ROLES: null }, { ...working, ROLES: null });
  assert.deepEqual([serving.ROLES, working.ROLES], [['api'], ['work']]);
  assert.equal(worker.deploy?.replicas, 2);
  const url = new URL(serving.DATABASE_URL ?? '');
  assert.deepEqual(
    [url.hostname, url.username, url.password, url.pathname],
    [
      'postgres',
      postgres.environment?.POSTGRES_USER,
      postgres.environment?.POSTGRES_PASSWORD,
      `/${postgres.environment?.POSTGRES_DB}`,
    ],
  );
  assert.equal(new URL(serving.S3_ENDPOINT ?? '').hostname, 's3');
  // The S3 server knows whom the processes say they are.
  const [config] = s3.configs ?? [];
  assert.ok(config && s3.command?.includes(`-s3.config=${config.target}`));
  const { identities } = JSON.parse(compose.configs[config.source]?.content ?? '');
  assert.deepEqual(identities[0].credentials, [
    { accessKey: serving.AWS_ACCESS_KEY_ID, secretKey: serving.AWS_SECRET_ACCESS_KEY },
  ]);
  assert.ok(s3.command?.includes(`-s3.port=${new URL(serving.S3_ENDPOINT ?? '').port}`));
  // And the bucket is made in the place where it is used.
  assert.deepEqual({ ...settings(bucket.environment ?? {}), ROLES: null }, { ...serving, ROLES: null });
  assert.deepEqual(bucket.entrypoint, ['node', '/app/deploy/make-bucket.ts']);
});

test('what is waited for exists and can say that it is ready; volumes are declared', () => {
  for (const [name, { depends_on = {}, volumes = [], build }] of Object.entries(compose.services)) {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const target = compose.services[other];
      assert.ok(target, `${name} waits for ${other}`);
      // Our image has a HEALTHCHECK of its own.
      if (condition === 'service_healthy') assert.ok(target.healthcheck || target.build, `${other} has a health check`);
      if (condition === 'service_completed_successfully')
        assert.match(target.restart ?? '', /^on-failure/, `${other} ends`);
    }
    for (const volume of volumes) {
      const [source = '', target] = volume.split(':');
      assert.ok(target === undefined || source in compose.volumes, volume);
    }
    if (build) assert.ok(existsSync(join(ROOT, 'deploy', build.context, build.dockerfile)));
  }
  for (const { stop_grace_period } of [api, worker]) assert.equal(stop_grace_period, '35s');
  assert.deepEqual(api.ports, ['127.0.0.1:8080:8080']);
});

const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0;
test('docker compose reads it', { skip: !hasCompose && 'docker compose not installed' }, () => {
  const output = execFileSync('docker', ['compose', '-f', FILE, 'config', '--format', 'json'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...FILLED },
  });
  const { services } = JSON.parse(output) as { services: Record<string, { environment: Record<string, string> }> };
  assert.deepEqual(Object.keys(services).sort(), Object.keys(compose.services).sort());
  assert.equal(services.worker?.environment.DATABASE_URL, worker.environment?.DATABASE_URL);
});
