import { PROJECT, STATE } from '@icefall/docker/images/parts';
import { SOURCE, STRATUM0, stratum0CvmfsImage, stratum0Image } from '@icefall/docker/images/stratum0';
import { deployment } from './deployment.ts';
import {
  CLAIMS,
  CONTAINER_SECURITY,
  claimed,
  image,
  labels,
  POD_SECURITY,
  PORTS,
  resources,
  scratch,
  selector,
  tokenVolume,
} from './names.ts';
import { claim, type Deployment, type KubernetesObject, type Service } from './objects.ts';
import { AGENT_ARGUMENTS, AGENT_PROBES, agentEnvironment } from './workers.ts';

const NAME = 'stratum0';
export const REPOSITORIES = ['software.icefall.example', 'ara.icefall.example'];
const MANIFEST = `/cvmfs/${REPOSITORIES[0]}/.cvmfspublished`;

const LABELS = labels(NAME, 'stratum0');
const STRATUM0_POD = { name: NAME, role: 'stratum0' } as const;
/** A publish that is ended is aborted; its master starts the clean-up when the pod is back. */
const GRACE_SECONDS = 120;
const environment = [...agentEnvironment('stratum0'), { name: 'ICEFALL_REPOSITORIES', value: REPOSITORIES.join(' ') }];
const agentMounts = [
  { name: 'work', mountPath: STATE },
  { name: 'tree', mountPath: SOURCE, readOnly: true },
  { name: 'token', mountPath: '/run/icefall', readOnly: true },
  { name: 'tmp', mountPath: '/tmp' },
];
const agentVolumes = [claimed('work', NAME), claimed('tree', CLAIMS.tree), tokenVolume('stratum0'), scratch('tmp')];

/** The embedded publisher: a worker and the HTTP server, both without any privilege, on one volume. */
const embedded = deployment(STRATUM0_POD, {
  graceSeconds: GRACE_SECONDS,
  containers: [
    {
      name: 'worker',
      ...image(stratum0Image),
      args: ['node', `${PROJECT}/worker/src/main.ts`, ...AGENT_ARGUMENTS],
      env: environment,
      ...AGENT_PROBES,
      resources: resources(stratum0Image),
      securityContext: CONTAINER_SECURITY,
      volumeMounts: [...agentMounts, { name: 'repositories', mountPath: STRATUM0 }],
    },
    {
      name: 'http',
      ...image(stratum0Image),
      args: ['icefall-stratum0', 'serve', '--host', '0.0.0.0', '--port', String(PORTS.stratum0)],
      ports: [{ name: 'http', containerPort: PORTS.stratum0 }],
      livenessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 20 },
      // Ready when there is something to serve.
      readinessProbe: { httpGet: { path: MANIFEST, port: 'http' }, periodSeconds: 10 },
      resources: { requests: { cpu: '500m', memory: '256Mi' }, limits: { cpu: '2', memory: '1Gi' } },
      securityContext: CONTAINER_SECURITY,
      volumeMounts: [
        { name: 'repositories', mountPath: STRATUM0, readOnly: true },
        { name: 'tmp', mountPath: '/tmp' },
      ],
    },
  ],
  volumes: [...agentVolumes, claimed('repositories', CLAIMS.stratum0)],
});

const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: NAME, labels: LABELS },
  spec: { selector: selector(NAME), ports: [{ name: 'http', port: PORTS.stratum0, targetPort: PORTS.stratum0 }] },
};

export const stratum0Objects: readonly KubernetesObject[] = [
  embedded,
  service,
  claim(NAME, '20Gi', { labels: LABELS }),
  claim(CLAIMS.stratum0, '500Gi', { labels: LABELS }),
];

const CVMFS_VOLUMES = [
  { name: 'srv', path: '/srv/cvmfs', claim: 'icefall-srv-cvmfs', size: '500Gi' },
  { name: 'spool', path: '/var/spool/cvmfs', claim: 'icefall-spool-cvmfs', size: '100Gi' },
  { name: 'etc', path: '/etc/cvmfs', claim: 'icefall-etc-cvmfs', size: '1Gi' },
] as const;

/**
 * The stock tools instead: `cvmfs_server` mounts the overlay of a transaction, which takes root, CAP_SYS_ADMIN and
 * /dev/fuse; changes of owner and mode in the tree take the other capabilities. Nothing else is allowed, and it is the
 * only pod that has them. /dev/fuse comes from a device plug-in, so that the container need not be privileged.
 */
export const cvmfsDeployment: Deployment = deployment(STRATUM0_POD, {
  securityContext: { fsGroup: POD_SECURITY.fsGroup, seccompProfile: POD_SECURITY.seccompProfile },
  graceSeconds: GRACE_SECONDS,
  containers: [
    {
      name: 'worker',
      ...image(stratum0CvmfsImage),
      env: environment,
      args: ['node', `${PROJECT}/icefall-worker.cjs`, ...AGENT_ARGUMENTS],
      ports: [{ name: 'http', containerPort: PORTS.stratum0 }],
      ...AGENT_PROBES,
      resources: {
        requests: resources(stratum0CvmfsImage).requests,
        limits: { ...resources(stratum0CvmfsImage).limits, 'smarter-devices/fuse': '1' },
      },
      securityContext: {
        runAsUser: 0,
        capabilities: {
          drop: ['ALL'],
          add: ['SYS_ADMIN', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETUID', 'SETGID', 'KILL'],
        },
      },
      volumeMounts: [...agentMounts, ...CVMFS_VOLUMES.map(({ name, path }) => ({ name, mountPath: path }))],
    },
  ],
  volumes: [...agentVolumes, ...CVMFS_VOLUMES.map(({ name, claim: claimName }) => claimed(name, claimName))],
});

export const cvmfsClaims: readonly KubernetesObject[] = CVMFS_VOLUMES.map(({ claim: name, size }) =>
  claim(name, size, { labels: LABELS }),
);
