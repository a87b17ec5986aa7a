import { STATE } from '@icefall/docker/images/parts';
import { CONNECTED, TREE, workerImage } from '@icefall/docker/images/worker';
import type { Platform } from '@icefall/docker/platforms';
import { deployment } from './deployment.ts';
import {
  CLAIMS,
  CONTAINER_SECURITY,
  claimed,
  image,
  labels,
  objectName,
  PORTS,
  resources,
  scratch,
  tokenVolume,
} from './names.ts';
import { claim, type Deployment, type KubernetesObject } from './objects.ts';

/** Where the agent reads its token. */
const TOKEN_FILE = '/run/icefall/token';

/** What an agent needs to know of its master. */
export const agentEnvironment = (worker: string) => [
  { name: 'ICEFALL_MASTER', value: `ws://master:${PORTS.workers}` },
  { name: 'ICEFALL_WORKER_NAME', value: worker },
  { name: 'HOME', value: '/tmp' },
];
export const AGENT_ARGUMENTS = ['--dir', STATE, '--token-file', TOKEN_FILE, '--json-log'];

/**
 * Ready while connected. There is no liveness probe: starting an agent again ends what it runs, and one that hangs is
 * found by its master, which hears nothing from it.
 */
export const AGENT_PROBES = { readinessProbe: { exec: { command: CONNECTED }, periodSeconds: 10 } };

/** A platform's worker, and the volume of its journal and builds: both outlive the pod. */
export function workerObjects(platform: Platform): KubernetesObject[] {
  const name = objectName(platform.name);
  return [pod(platform), claim(name, '50Gi', { labels: labels(name, 'worker', platform) })];
}

function pod(platform: Platform): Deployment {
  const name = objectName(platform.name);
  const of = workerImage(platform);
  return deployment(
    { name, role: 'worker', platform },
    {
      // What runs is ended, and the master told so.
      graceSeconds: 60,
      containers: [
        {
          name: 'worker',
          ...image(of),
          args: AGENT_ARGUMENTS,
          env: agentEnvironment(platform.name),
          ...AGENT_PROBES,
          resources: resources(of),
          securityContext: CONTAINER_SECURITY,
          volumeMounts: [
            { name: 'work', mountPath: STATE },
            { name: 'tree', mountPath: TREE },
            { name: 'token', mountPath: '/run/icefall', readOnly: true },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [claimed('work', name), claimed('tree', CLAIMS.tree), tokenVolume(platform.name), scratch('tmp')],
    },
  );
}
