import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { missingPrograms } from '../kit/server-process.ts';
import { documents, list, ROOT, read } from './deploy-files.ts';
import { assertRunsWell } from './judge-pods.ts';
import { type KubernetesObject, kubernetesObject, podOf } from './kubernetes-shapes.ts';
import { renderChart } from './render-chart.ts';

const CHART = 'deploy/helm/rendition';
const parseAll = (text: string, from: string): KubernetesObject[] =>
  documents(text, from).map((one) => kubernetesObject.parse(one));
const rendered = (values: Record<string, unknown> = {}, release = 'rendition'): KubernetesObject[] =>
  Object.entries(renderChart(values, release)).flatMap(([name, text]) => parseAll(text, name));
const nameOf = ({ kind, metadata }: KubernetesObject): string => `${kind} ${metadata.name}`;
const byName = (objects: readonly KubernetesObject[]): KubernetesObject[] =>
  objects.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));

/** What the chart says and the manifests leave to Kubernetes: its defaults. */
function withoutDefaults(object: KubernetesObject): KubernetesObject {
  const copy = structuredClone(object);
  const container = podOf(copy)?.spec.containers[0];
  if (container?.imagePullPolicy === 'IfNotPresent') delete container.imagePullPolicy;
  if (copy.kind === 'Service' && copy.spec.type === 'ClusterIP') delete copy.spec.type;
  return copy;
}

test('with its own values the chart makes what the manifests say', () => {
  const plain = list('deploy/kubernetes/*')
    .filter((path) => !path.includes('secret'))
    .flatMap((path) => parseAll(read(path), path));
  const everything = rendered({ app: { enabled: true } }).map(withoutDefaults);
  assert.deepEqual(byName(everything), byName(plain));
});

test('without further values it is the API, its workers and the retention', () => {
  assert.deepEqual(rendered({}, 'media').map(nameOf), [
    ...['Deployment media-api', 'PodDisruptionBudget media-api', 'Service media-api'],
    ...['CronJob media-retention', 'Deployment media-worker', 'PodDisruptionBudget media-worker'],
  ]);
});

test('every value is used, and leads to objects that run', () => {
  const objects = rendered(
    {
      image: {
        repository: 'registry.example.com/rendition',
        tag: '1.2.3',
        pullPolicy: 'Always',
        pullSecrets: [{ name: 'registry' }],
      },
      secret: 'other-env',
      settings: { LOG_LEVEL: 'debug', QUEUE_MAX_ATTEMPTS: 5 },
      serviceAccount: 'media',
      worker: { nodeSelector: { pool: 'encoders' }, tolerations: [{ key: 'encoders', operator: 'Exists' }] },
      scratch: { size: '100Gi', storageClassName: 'fast' },
      service: { type: 'LoadBalancer', port: 8000 },
    },
    'media',
  );
  assertRunsWell(objects);
  const worker = objects.find((one) => nameOf(one) === 'Deployment media-worker');
  const spec = worker && podOf(worker)?.spec;
  assert.equal(spec?.containers[0].image, 'registry.example.com/rendition:1.2.3');
  assert.deepEqual(spec.containers[0].env, [
    { name: 'ROLES', value: 'work' },
    { name: 'LOG_LEVEL', value: 'debug' },
    { name: 'QUEUE_MAX_ATTEMPTS', value: '5' },
  ]);
  assert.deepEqual([spec.serviceAccountName, spec.imagePullSecrets], ['media', [{ name: 'registry' }]]);
  assert.deepEqual(spec.nodeSelector, { pool: 'encoders' });
  assert.ok(spec.volumes[0] && 'ephemeral' in spec.volumes[0]);
  const { resources, storageClassName } = spec.volumes[0].ephemeral.volumeClaimTemplate.spec;
  assert.deepEqual([resources.requests.storage, storageClassName], ['100Gi', 'fast']);
  for (const pod of objects.flatMap((one) => podOf(one)?.spec ?? []))
    assert.equal(pod.containers[0].envFrom[0]?.secretRef.name, 'other-env');
});

test('with KEDA the number of workers is its business', () => {
  const objects = rendered({ keda: { enabled: true, max: 30, entriesPerWorker: 4 } });
  const worker = objects.find((one) => nameOf(one) === 'Deployment rendition-worker');
  assert.ok(worker?.kind === 'Deployment' && !('replicas' in worker.spec));
  const scaled = objects.find((one) => one.kind === 'ScaledObject');
  assert.equal(scaled?.spec.scaleTargetRef.name, worker.metadata.name);
  assert.deepEqual([scaled.spec.minReplicaCount, scaled.spec.maxReplicaCount], [0, 30]);
  assert.equal(scaled.spec.triggers[0].metadata.targetQueryValue, '4');
  assert.ok(
    !rendered({ keda: { enabled: true }, worker: { enabled: false } }).some(({ kind }) => kind === 'ScaledObject'),
  );
});

test('a chart that is broken is not rendered', () => {
  assert.throws(() => renderChart({ imagee: {} }), /values.yaml has no imagee/);
});

test('Helm renders the same', { skip: missingPrograms('helm') }, () => {
  const args = ['template', 'media', CHART, '--set', 'keda.enabled=true,app.enabled=true,settings.LOG_LEVEL=debug'];
  const output = execFileSync('helm', args, { cwd: ROOT, encoding: 'utf8' });
  const ours = rendered({ keda: { enabled: true }, app: { enabled: true }, settings: { LOG_LEVEL: 'debug' } }, 'media');
  assert.deepEqual(byName(parseAll(output, 'helm')), byName(ours));
});
