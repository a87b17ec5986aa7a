import type { V1NodeAffinity, V1Pod, V1PodSpec, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { NodeAffinity, NodeExpression } from '../config/pool-nodes.ts';
import type { PodVolume } from '../config/pool-volumes.ts';
import type { KubernetesPool } from '../config/pools.ts';
import { IMAGE_MARK, LABELS, type NewContainer } from './provider.ts';

/** From TERM to KILL: the agent ends what it runs and says so. */
const GRACE_SECONDS = 60;

interface NewPod extends NewContainer {
  readonly name: string;
  readonly owner: string;
}

/** The pod of a worker: it never restarts, since what it built with is gone; unprivileged; without the cluster's token. */
export function podOf(pool: KubernetesPool, { worker, token, image, name, owner }: NewPod): V1Pod {
  const { env, master, labels, annotations } = pool;
  const variables = { ...env, ICEFALL_MASTER: master, ICEFALL_WORKER_NAME: worker, ICEFALL_WORKER_TOKEN: token };
  const limits = limitsOf(pool);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { ...labels, [LABELS.owner]: owner, [LABELS.pool]: pool.name, [LABELS.worker]: worker },
      // No label: what may be in one is less than what may be in a name of an image.
      annotations: { ...annotations, [IMAGE_MARK]: image },
    },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: GRACE_SECONDS,
      automountServiceAccountToken: pool.serviceAccountToken ?? false,
      ...placeOf(pool),
      securityContext: securityOf(pool),
      containers: [
        {
          name: 'worker',
          image,
          env: Object.entries(variables).map(([key, value]) => ({ name: key, value })),
          resources: { requests: limits, limits },
          securityContext: { allowPrivilegeEscalation: false, capabilities: capabilitiesOf(pool) },
          volumeMounts: (pool.volumes ?? []).map(mountOf),
        },
      ],
      volumes: (pool.volumes ?? []).map(volumeOf),
    },
  };
}

/** Requests are limits: what is asked for is there, and nothing else. */
function limitsOf({ cpu, memory, resources }: KubernetesPool): Record<string, string> {
  return { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }), ...resources };
}

function capabilitiesOf({ capabilities = [] }: KubernetesPool) {
  return { drop: ['ALL'], ...(capabilities.length === 0 ? {} : { add: [...capabilities] }) };
}

function securityOf({ user }: KubernetesPool): NonNullable<V1PodSpec['securityContext']> {
  const seccompProfile = { type: 'RuntimeDefault' };
  if (user === undefined) return { seccompProfile };
  const who = { runAsUser: user, runAsGroup: user, fsGroup: user, runAsNonRoot: user !== 0 };
  // A tree of terabytes is not walked at every start.
  return { ...who, fsGroupChangePolicy: 'OnRootMismatch', seccompProfile };
}

/** Where it may run, as whom the cluster knows it, and who gives it its image. */
function placeOf(pool: KubernetesPool): Partial<V1PodSpec> {
  const { nodeSelector, nodeAffinity, tolerations, serviceAccount, imagePullSecrets, runtimeClass, priorityClass } =
    pool;
  return {
    ...(nodeSelector === undefined ? {} : { nodeSelector: { ...nodeSelector } }),
    ...(nodeAffinity === undefined ? {} : { affinity: { nodeAffinity: affinityOf(nodeAffinity) } }),
    ...(tolerations === undefined ? {} : { tolerations: tolerations.map((one) => ({ ...one })) }),
    ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
    ...(imagePullSecrets === undefined ? {} : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    ...(runtimeClass === undefined ? {} : { runtimeClassName: runtimeClass }),
    ...(priorityClass === undefined ? {} : { priorityClassName: priorityClass }),
  };
}

function affinityOf({ required, preferred }: NodeAffinity): V1NodeAffinity {
  const term = (...expressions: readonly NodeExpression[]) => ({
    matchExpressions: expressions.map(({ key, operator, values }) => ({
      ...{ key, operator },
      ...(values === undefined ? {} : { values: [...values] }),
    })),
  });
  const preferences = preferred?.map(({ weight = 1, ...expression }) => ({ weight, preference: term(expression) }));
  return {
    ...(required === undefined
      ? {}
      : { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term(...required)] } }),
    ...(preferences === undefined ? {} : { preferredDuringSchedulingIgnoredDuringExecution: preferences }),
  };
}

const volumeName = (i: number) => `volume-${i + 1}`;

function mountOf({ path, readOnly, mountPropagation, subPath }: PodVolume, i: number): V1VolumeMount {
  return {
    name: volumeName(i),
    mountPath: path,
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(mountPropagation === undefined ? {} : { mountPropagation }),
    ...(subPath === undefined ? {} : { subPath }),
  };
}

function volumeOf(volume: PodVolume, i: number): V1Volume {
  return { name: volumeName(i), ...sourceOf(volume) };
}

function sourceOf(volume: PodVolume): Omit<V1Volume, 'name'> {
  if ('claim' in volume) return { persistentVolumeClaim: { claimName: volume.claim } };
  if ('scratch' in volume) return { emptyDir: { sizeLimit: volume.scratch } };
  if ('memory' in volume) return { emptyDir: { medium: 'Memory', sizeLimit: volume.memory } };
  if ('secret' in volume) return { secret: { secretName: volume.secret } };
  if ('configMap' in volume) return { configMap: { name: volume.configMap } };
  if ('hostPath' in volume) return { hostPath: { path: volume.hostPath } };
  if ('nfs' in volume) return { nfs: { ...volume.nfs } };
  const { driver, attributes } = volume.csi;
  return { csi: { driver, ...(attributes === undefined ? {} : { volumeAttributes: { ...attributes } }) } };
}
