// The kinds of Kubernetes objects that deploy/ uses, as strict shapes: a field in the wrong place or misspelt is refused. Used by the tests of this folder.
import { z } from 'zod';

const labels = z.record(z.string(), z.string());
const metadata = z.strictObject({ name: z.string(), labels: labels.optional() });
const quantity = z.string().regex(/^\d+(m|Ki|Mi|Gi|Ti)?$/);
const quantities = z.strictObject({ cpu: quantity, memory: quantity, 'ephemeral-storage': quantity }).partial();
const handler = z.union([
  z.strictObject({ httpGet: z.strictObject({ path: z.string().startsWith('/'), port: z.literal('http') }) }),
  z.strictObject({ exec: z.strictObject({ command: z.array(z.string()).min(1) }) }),
]);
const timing = {
  periodSeconds: z.int().positive(),
  timeoutSeconds: z.int().positive(),
  failureThreshold: z.int().positive(),
};
const probe = z.union([
  z.strictObject({
    httpGet: z.strictObject({ path: z.string().startsWith('/'), port: z.literal('http') }),
    ...timing,
  }),
  z.strictObject({ exec: z.strictObject({ command: z.array(z.string()).min(1) }), ...timing }),
]);
const volume = z.union([
  z.strictObject({ name: z.string(), emptyDir: z.strictObject({}) }),
  z.strictObject({
    name: z.string(),
    ephemeral: z.strictObject({
      volumeClaimTemplate: z.strictObject({
        spec: z.strictObject({
          accessModes: z.array(z.literal('ReadWriteOnce')).length(1),
          storageClassName: z.string().optional(),
          resources: z.strictObject({ requests: z.strictObject({ storage: quantity }) }),
        }),
      }),
    }),
  }),
]);

const container = z.strictObject({
  name: z.literal('rendition'),
  image: z.string().regex(/^[\w./-]+:[\w.-]+$/),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional(),
  args: z.array(z.string()).min(1),
  envFrom: z.array(z.strictObject({ secretRef: z.strictObject({ name: z.string() }) })).length(1),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })).optional(),
  ports: z.array(z.strictObject({ name: z.literal('http'), containerPort: z.int() })).optional(),
  startupProbe: probe.optional(),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  lifecycle: z.strictObject({ preStop: handler }).optional(),
  resources: z.strictObject({ requests: quantities, limits: quantities }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string().startsWith('/') })),
});

const pod = z.strictObject({
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  serviceAccountName: z.string().optional(),
  imagePullSecrets: z.array(z.strictObject({ name: z.string() })).optional(),
  restartPolicy: z.literal('Never').optional(),
  terminationGracePeriodSeconds: z.int().optional(),
  nodeSelector: labels.optional(),
  tolerations: z
    .array(z.strictObject({ key: z.string(), operator: z.string(), value: z.string(), effect: z.string() }).partial())
    .optional(),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.int().positive(),
    runAsGroup: z.int().positive(),
    fsGroup: z.int().positive(),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  topologySpreadConstraints: z
    .array(
      z.strictObject({
        maxSkew: z.int(),
        topologyKey: z.string(),
        whenUnsatisfiable: z.literal('ScheduleAnyway'),
        labelSelector: z.strictObject({ matchLabels: labels }),
      }),
    )
    .optional(),
  containers: z.tuple([container]),
  volumes: z.array(volume),
});

const deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata,
  spec: z.strictObject({
    replicas: z.int().optional(),
    selector: z.strictObject({ matchLabels: labels }),
    strategy: z.strictObject({ rollingUpdate: z.strictObject({ maxSurge: z.int(), maxUnavailable: z.int() }) }),
    template: z.strictObject({ metadata: z.strictObject({ labels }), spec: pod }),
  }),
});

const cronJob = z.strictObject({
  apiVersion: z.literal('batch/v1'),
  kind: z.literal('CronJob'),
  metadata,
  spec: z.strictObject({
    schedule: z.string().regex(/^(\S+ ){4}\S+$/),
    concurrencyPolicy: z.literal('Forbid'),
    startingDeadlineSeconds: z.int(),
    successfulJobsHistoryLimit: z.int(),
    failedJobsHistoryLimit: z.int(),
    jobTemplate: z.strictObject({
      spec: z.strictObject({
        backoffLimit: z.int(),
        activeDeadlineSeconds: z.int(),
        template: z.strictObject({ metadata: z.strictObject({ labels }), spec: pod }),
      }),
    }),
  }),
});

const service = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata,
  spec: z.strictObject({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).optional(),
    selector: labels,
    ports: z.array(z.strictObject({ name: z.string(), port: z.int(), targetPort: z.literal('http') })).length(1),
  }),
});

const disruptionBudget = z.strictObject({
  apiVersion: z.literal('policy/v1'),
  kind: z.literal('PodDisruptionBudget'),
  metadata,
  spec: z.strictObject({ maxUnavailable: z.int(), selector: z.strictObject({ matchLabels: labels }) }),
});

const secret = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata,
  type: z.literal('Opaque'),
  stringData: z.record(z.string(), z.string()),
});

/** https://keda.sh/docs/2.15/reference/scaledobject-spec/ and its postgresql trigger, whose metadata are all strings. */
const scaledObject = z.strictObject({
  apiVersion: z.literal('keda.sh/v1alpha1'),
  kind: z.literal('ScaledObject'),
  metadata,
  spec: z.strictObject({
    scaleTargetRef: z.strictObject({ name: z.string() }),
    minReplicaCount: z.int().nonnegative(),
    maxReplicaCount: z.int().positive(),
    pollingInterval: z.int(),
    cooldownPeriod: z.int(),
    advanced: z.strictObject({
      horizontalPodAutoscalerConfig: z.strictObject({
        behavior: z.strictObject({
          scaleDown: z.strictObject({
            stabilizationWindowSeconds: z.int(),
            policies: z.array(z.strictObject({ type: z.literal('Pods'), value: z.int(), periodSeconds: z.int() })),
          }),
        }),
      }),
    }),
    triggers: z.tuple([
      z.strictObject({
        type: z.literal('postgresql'),
        metadata: z.strictObject({
          connectionFromEnv: z.literal('DATABASE_URL'),
          query: z.string(),
          targetQueryValue: z.string(),
          activationTargetQueryValue: z.string(),
        }),
      }),
    ]),
  }),
});

export const kubernetesObject = z.discriminatedUnion('kind', [
  deployment,
  cronJob,
  service,
  disruptionBudget,
  secret,
  scaledObject,
]);
export type KubernetesObject = z.output<typeof kubernetesObject>;
export type Pod = z.output<typeof pod>;

/** The pod that an object starts; null for those that start none. */
export function podOf(
  object: KubernetesObject,
): { readonly labels: Record<string, string>; readonly spec: Pod } | null {
  const template =
    object.kind === 'Deployment'
      ? object.spec.template
      : object.kind === 'CronJob'
        ? object.spec.jobTemplate.spec.template
        : null;
  return template && { labels: template.metadata.labels, spec: template.spec };
}
