import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '#config/load.ts';
import { missingPrograms } from '../kit/server-process.ts';
import { documents, list, ROOT, read } from './deploy-files.ts';
import { assertRunsWell } from './judge-pods.ts';
import { type KubernetesObject, kubernetesObject, podOf } from './kubernetes-shapes.ts';

const FOLDER = 'deploy/kubernetes';
const objectsOf = (path: string): KubernetesObject[] =>
  documents(read(path), path).map((one) => kubernetesObject.parse(one));
const kinds = (path: string): string[] => objectsOf(path).map(({ kind, metadata }) => `${kind} ${metadata.name}`);

test('the manifests hold what the document says', () => {
  assert.deepEqual(
    Object.fromEntries(list(`${FOLDER}/*`).map((path) => [path.slice(FOLDER.length + 1), kinds(path)])),
    {
      'api.yaml': ['Deployment rendition-api', 'PodDisruptionBudget rendition-api', 'Service rendition-api'],
      'app.yaml': ['Deployment rendition-app', 'PodDisruptionBudget rendition-app', 'Service rendition-app'],
      'retention.yaml': ['CronJob rendition-retention'],
      'secret.example.yaml': ['Secret rendition-env'],
      'worker.yaml': ['Deployment rendition-worker', 'PodDisruptionBudget rendition-worker'],
    },
  );
});

for (const path of list(`${FOLDER}/*`).filter((one) => !one.includes('secret'))) {
  test(`${path}: pods are as the image and the program need them`, () => assertRunsWell(objectsOf(path)));
}

test('a strict shape refuses what is misspelt or misplaced', () => {
  const text = read(`${FOLDER}/worker.yaml`);
  for (const [right, wrong] of [
    ['readOnlyRootFilesystem', 'readOnlyRootFS'],
    ['terminationGracePeriodSeconds', 'terminationGracePeriod'],
    ['runAsNonRoot: true', 'runAsNonRoot: false'],
  ] as const) {
    assert.ok(text.includes(right));
    const objects = documents(text.replace(right, wrong), 'changed');
    assert.ok(!objects.every((one) => kubernetesObject.safeParse(one).success), wrong);
  }
});

describe('the example of the Secret', () => {
  const [secret] = objectsOf(`${FOLDER}/secret.example.yaml`);
  assert.equal(secret?.kind, 'Secret');
  const given = secret.stringData;
  // Read as `.env` is: a name that nothing reads is refused there.
  const load = (values: Record<string, string>) =>
    loadConfig(
      {},
      Object.entries(values)
        .map(([name, value]) => `${name}='${value}'`)
        .join('\n'),
    );

  test('holds no secret, and is refused as it is', () => {
    assert.throws(() => load(given), /SECRET_KEY must be 32 bytes.*ADMIN_KEY must be at least 16 characters/s);
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) assert.equal(given[name], '');
  });

  test('filled in, is what a server starts with', () => {
    const config = load({
      ...given,
      SECRET_KEY: 'ab'.repeat(32),
      ADMIN_KEY: 'x'.repeat(20),
      WEBHOOK_SECRET: `whsec_${'A'.repeat(44)}`,
    });
    assert.equal(config.RETENTION_HOURS, 168);
    assert.equal(config.S3_ENDPOINT, undefined);
  });
});

test('kubectl reads the workloads into its own types and loses nothing', { skip: missingPrograms('kubectl') }, () => {
  for (const path of list(`${FOLDER}/*`)) {
    for (const object of objectsOf(path).filter((one) => podOf(one) !== null)) {
      const output = execFileSync('kubectl', ['set', 'env', '--local', '-f', '-', 'ADDED=1', '-o', 'json'], {
        cwd: join(ROOT),
        input: JSON.stringify(object),
        encoding: 'utf8',
      });
      assert.deepEqual(lost(object, JSON.parse(output)), [], path);
    }
  }
});

/** Paths of what `given` has and `read` has not. */
function lost(given: unknown, found: unknown, path = ''): string[] {
  if (typeof given !== 'object' || given === null) return given === found ? [] : [`${path}: ${given} → ${found}`];
  if (typeof found !== 'object' || found === null) return [path];
  const there = new Map(Object.entries(found));
  return Object.entries(given).flatMap(([name, value]) => lost(value, there.get(name), `${path}.${name}`));
}
