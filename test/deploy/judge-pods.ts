// What every pod of ours must have, whoever wrote its manifest. Used by the tests of this folder.
import assert from 'node:assert/strict';
import { loadConfig } from '#config/load.ts';
import { type KubernetesObject, podOf } from './kubernetes-shapes.ts';

/** Seconds: what the worker gives running chunks, and what giving them back may take (workflows/start-worker.ts, queue/queue.ts). */
const DRAIN = 20 + 5;
const PRE_STOP = 5;
const COMMANDS = ['serve', 'work', 'retention'];

export function assertRunsWell(objects: readonly KubernetesObject[]): void {
  const pods = objects.flatMap((object) => {
    const pod = podOf(object);
    return pod ? [{ object, ...pod }] : [];
  });
  assert.ok(pods.length > 0);
  for (const { object, labels, spec } of pods) {
    const [{ args, env = [], livenessProbe, readinessProbe, startupProbe, ports, ...container }] = spec.containers;
    const [command = ''] = args;
    assert.ok(COMMANDS.includes(command), command);
    assert.equal(spec.securityContext.runAsUser, 1000, 'the user of the image');
    // What it writes: its own folder and the system's, both volumes.
    assert.deepEqual(container.volumeMounts.map(({ mountPath }) => mountPath).sort(), ['/data', '/tmp']);
    assert.deepEqual(
      spec.volumes.map(({ name }) => name).sort(),
      container.volumeMounts.map(({ name }) => name).sort(),
    );
    const config = loadConfig({}, env.map(({ name, value }) => `${name}=${value}`).join('\n'));
    if (object.kind === 'CronJob') {
      assert.equal(command, 'retention');
      assert.equal(spec.restartPolicy, 'Never');
      continue;
    }
    assert.equal(object.kind, 'Deployment');
    assert.deepEqual(object.spec.selector.matchLabels, labels, 'a Deployment selects its own pods');
    assert.ok((spec.terminationGracePeriodSeconds ?? 30) > DRAIN + PRE_STOP);
    assert.ok(startupProbe && livenessProbe);
    if (command === 'work') {
      assert.deepEqual(config.ROLES, ['work'], 'by which health.ts knows what to look at');
      for (const probe of [startupProbe, livenessProbe])
        assert.deepEqual(probe, { ...probe, exec: { command: ['node', '/app/deploy/health.ts'] } });
      continue;
    }
    assert.ok(config.ROLES.includes('api'));
    assert.deepEqual(ports, [{ name: 'http', containerPort: 8080 }]);
    const asks = (path: string) => ({ path, port: 'http' });
    assert.deepEqual(readinessProbe, { ...readinessProbe, httpGet: asks('/health') });
    assert.deepEqual(startupProbe, { ...startupProbe, httpGet: asks('/health') });
    assert.deepEqual(livenessProbe, { ...livenessProbe, httpGet: asks('/') });
    assert.deepEqual(container.lifecycle, { preStop: { exec: { command: ['sleep', String(PRE_STOP)] } } });
  }
  for (const object of objects) {
    const selector =
      object.kind === 'Service'
        ? object.spec.selector
        : object.kind === 'PodDisruptionBudget'
          ? object.spec.selector.matchLabels
          : null;
    if (selector)
      assert.ok(
        pods.some(({ labels }) => JSON.stringify(labels) === JSON.stringify(selector)),
        `${object.kind} selects pods`,
      );
  }
}
