import { INIT } from '@icefall/docker/dockerfile';
import { masterImage } from '@icefall/docker/images/master';
import { PROJECT, STATE } from '@icefall/docker/images/parts';
import { deployment } from './deployment.ts';
import {
  CLAIMS,
  CONTAINER_SECURITY,
  claimed,
  image,
  labels,
  PORTS,
  resources,
  SETTINGS,
  scratch,
  selector,
  TOKENS,
} from './names.ts';
import { claim, type KubernetesObject, type PodDisruptionBudget, type Service } from './objects.ts';

const NAME = 'master';
const ENVIRONMENT = [
  { name: 'ICEFALL_SETTINGS', value: '/etc/icefall/settings.json' },
  { name: 'HOME', value: '/tmp' },
];

const pod = deployment(
  { name: NAME, role: 'master' },
  {
    // Time to say good-bye to the workers and to close the database.
    graceSeconds: 60,
    containers: [
      {
        name: NAME,
        ...image(masterImage),
        env: ENVIRONMENT,
        ports: [
          { name: 'page', containerPort: PORTS.page },
          { name: 'workers', containerPort: PORTS.workers },
        ],
        // A large history may have to be looked through at first.
        startupProbe: { httpGet: { path: '/health/live', port: 'page' }, periodSeconds: 5, failureThreshold: 120 },
        // Two minutes of silence: a master that is only busy is not started again.
        livenessProbe: {
          httpGet: { path: '/health/live', port: 'page' },
          periodSeconds: 20,
          timeoutSeconds: 10,
          failureThreshold: 6,
        },
        readinessProbe: { httpGet: { path: '/health/ready', port: 'page' }, periodSeconds: 5, timeoutSeconds: 5 },
        resources: resources(masterImage),
        securityContext: CONTAINER_SECURITY,
        volumeMounts: [
          { name: 'state', mountPath: STATE },
          { name: 'settings', mountPath: '/etc/icefall', readOnly: true },
          { name: 'tokens', mountPath: '/run/icefall/tokens', readOnly: true },
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
      {
        name: 'backup',
        ...image(masterImage),
        command: [...INIT, 'sh', `${PROJECT}/docker/files/backup.sh`, STATE, '/backup'],
        env: [
          { name: 'ICEFALL_BACKUP_SECONDS', value: '900' },
          { name: 'ICEFALL_BACKUPS', value: '96' },
          { name: 'HOME', value: '/tmp' },
        ],
        resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '1', memory: '1Gi' } },
        securityContext: CONTAINER_SECURITY,
        volumeMounts: [
          { name: 'state', mountPath: STATE },
          { name: 'backup', mountPath: '/backup' },
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      claimed('state', CLAIMS.master),
      claimed('backup', CLAIMS.backup),
      { name: 'settings', configMap: { name: SETTINGS } },
      { name: 'tokens', secret: { secretName: TOKENS, defaultMode: 0o440 } },
      scratch('tmp'),
    ],
  },
);

/** Also while it is not ready: the page is where people read why. */
const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: NAME, labels: labels(NAME, 'master') },
  spec: {
    selector: selector(NAME),
    publishNotReadyAddresses: true,
    ports: [
      { name: 'page', port: PORTS.page, targetPort: 'page' },
      { name: 'workers', port: PORTS.workers, targetPort: 'workers' },
    ],
  },
};

/** A node may be drained at any time: a master that starts elsewhere goes on with what runs. */
const budget: PodDisruptionBudget = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: NAME, labels: labels(NAME, 'master') },
  spec: { maxUnavailable: 1, selector: { matchLabels: selector(NAME) } },
};

export const masterObjects: readonly KubernetesObject[] = [
  pod,
  service,
  budget,
  claim(CLAIMS.master, '20Gi', { labels: labels(NAME, 'master') }),
  claim(CLAIMS.backup, '50Gi', { labels: labels(NAME, 'master') }),
];
