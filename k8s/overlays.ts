import { imageName } from '@icefall/docker/image';
import { masterImage } from '@icefall/docker/images/master';
import type { Platform } from '@icefall/docker/platforms';
import { CLAIMS, CONTAINER_SECURITY, NAMESPACE, objectName, PORTS } from './names.ts';
import {
  claim,
  type Ingress,
  type KubernetesObject,
  type Namespace,
  type NetworkPolicy,
  type Service,
  type StorageClass,
} from './objects.ts';
import { cvmfsClaims, cvmfsDeployment } from './stratum0.ts';

/** One kustomization: what it stands on, what it adds and changes. */
export interface Kustomization {
  readonly name: string;
  readonly comment: string;
  readonly on: readonly string[];
  readonly adds?: Readonly<Record<string, readonly KubernetesObject[]>>;
  /** Merged into objects that are there. */
  readonly changes?: Readonly<Record<string, readonly object[]>>;
}

const meta = (name: string) => ({ name });
const merge = (apiVersion: string, kind: string, name: string, more: object) => ({
  apiVersion,
  kind,
  metadata: meta(name),
  ...more,
});
const spec = (more: object) => ({ spec: more });

function smallerClaims(platforms: readonly Platform[]): object[] {
  const sizes = [
    CLAIMS.master,
    CLAIMS.backup,
    CLAIMS.stratum0,
    'stratum0',
    ...platforms.map(({ name }) => objectName(name)),
  ];
  const small = { resources: { requests: { storage: '5Gi' } } };
  return [
    ...sizes.map((name) => merge('v1', 'PersistentVolumeClaim', name, spec(small))),
    // One node: a volume that only one node mounts will do.
    merge('v1', 'PersistentVolumeClaim', CLAIMS.tree, spec({ accessModes: ['ReadWriteOnce'], ...small })),
  ];
}

/** A laptop has no four cores for each platform: the limits stay, the requests are small. */
function smallerRequests(platforms: readonly Platform[]): object[] {
  const requests = { cpu: '100m', memory: '256Mi' };
  const patch = (name: string, containers: readonly string[]) =>
    merge(
      'apps/v1',
      'Deployment',
      name,
      spec({
        template: spec({ containers: containers.map((container) => ({ name: container, resources: { requests } })) }),
      }),
    );
  return [
    patch('master', ['master', 'backup']),
    patch('stratum0', ['worker', 'http']),
    ...platforms.map(({ name }) => patch(objectName(name), ['worker'])),
  ];
}

/** Ceph's classes as Rook names them; a deleted claim leaves its volume. */
function storageClass(name: string, provisioner: string, parameters: Record<string, string>): StorageClass {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: meta(name),
    provisioner,
    parameters,
    reclaimPolicy: 'Retain',
    allowVolumeExpansion: true,
  };
}
const secrets = (driver: string) =>
  Object.fromEntries(
    (['provisioner', 'controller-expand', 'node-stage'] as const).flatMap((use) => [
      [`csi.storage.k8s.io/${use}-secret-name`, `rook-csi-${driver}-${use === 'node-stage' ? 'node' : 'provisioner'}`],
      [`csi.storage.k8s.io/${use}-secret-namespace`, 'rook-ceph'],
    ]),
  );
const CEPHFS = 'icefall-cephfs';
const RBD = 'icefall-rbd';
const storageClasses = [
  storageClass(CEPHFS, 'rook-ceph.cephfs.csi.ceph.com', {
    clusterID: 'rook-ceph',
    fsName: 'cephfs',
    ...secrets('cephfs'),
  }),
  storageClass(RBD, 'rook-ceph.rbd.csi.ceph.com', {
    clusterID: 'rook-ceph',
    pool: 'replicapool',
    'csi.storage.k8s.io/fstype': 'ext4',
    ...secrets('rbd'),
  }),
];

function clusterClaims(platforms: readonly Platform[]): object[] {
  const blocks = [
    CLAIMS.master,
    CLAIMS.backup,
    CLAIMS.stratum0,
    'stratum0',
    ...platforms.map(({ name }) => objectName(name)),
  ];
  return [
    ...blocks.map((name) => merge('v1', 'PersistentVolumeClaim', name, spec({ storageClassName: RBD }))),
    merge('v1', 'PersistentVolumeClaim', CLAIMS.tree, spec({ storageClassName: CEPHFS })),
  ];
}

/** Ports of every node, for the HAProxy outside (k8s/haproxy/haproxy.cfg). */
export const NODE_PORTS = { page: 30810, workers: 30989, stratum0: 30800 } as const;

function nodePort(name: 'master' | 'stratum0', ports: NonNullable<Service['spec']>['ports']) {
  return merge('v1', 'Service', name, spec({ type: 'NodePort', ports }));
}

const nodePorts = [
  nodePort('master', [
    { name: 'page', port: PORTS.page, nodePort: NODE_PORTS.page },
    { name: 'workers', port: PORTS.workers, nodePort: NODE_PORTS.workers },
  ]),
  nodePort('stratum0', [{ name: 'http', port: PORTS.stratum0, nodePort: NODE_PORTS.stratum0 }]),
];

/** What comes through a node's port has the node's address. Replace it by the network of the nodes. */
const fromTheNodes: NetworkPolicy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: meta('master-from-the-nodes'),
  spec: {
    podSelector: { matchLabels: { 'icefall/role': 'master' } },
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [{ ipBlock: { cidr: '192.0.2.0/24' } }],
        ports: [
          { protocol: 'TCP', port: PORTS.page },
          { protocol: 'TCP', port: PORTS.workers },
        ],
      },
    ],
  },
};

const HOST = 'icefall.example.org';
/** An hour without a byte: an event stream and a worker's socket say something every 15 and 30 seconds. */
const IDLE_SECONDS = '3600';
const ingress: Ingress = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    name: 'icefall',
    annotations: {
      'nginx.ingress.kubernetes.io/proxy-read-timeout': IDLE_SECONDS,
      'nginx.ingress.kubernetes.io/proxy-send-timeout': IDLE_SECONDS,
      // Events are to come at once, logs are streams.
      'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
      'nginx.ingress.kubernetes.io/proxy-body-size': '32m',
      'haproxy.org/timeout-server': `${IDLE_SECONDS}s`,
      'haproxy.org/timeout-tunnel': `${IDLE_SECONDS}s`,
    },
  },
  spec: {
    rules: [
      {
        host: HOST,
        http: {
          paths: [
            // Agents outside the cluster, which connect out to wss://HOST.
            ...['/worker', '/transfers'].map((path) => ({
              path,
              pathType: 'Prefix' as const,
              backend: { service: { name: 'master', port: { name: 'workers' } } },
            })),
            { path: '/cvmfs', pathType: 'Prefix', backend: { service: { name: 'stratum0', port: { name: 'http' } } } },
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'master', port: { name: 'page' } } } },
          ],
        },
      },
    ],
  },
};

const certificate = merge('networking.k8s.io/v1', 'Ingress', 'icefall', {
  metadata: { ...meta('icefall'), annotations: { 'cert-manager.io/cluster-issuer': 'letsencrypt' } },
  spec: { tls: [{ hosts: [HOST], secretName: 'icefall-tls' }] },
});
const scraped = merge(
  'apps/v1',
  'Deployment',
  'master',
  spec({
    template: {
      metadata: {
        annotations: {
          'prometheus.io/scrape': 'true',
          'prometheus.io/port': String(PORTS.page),
          'prometheus.io/path': '/metrics',
        },
      },
    },
  }),
);

const privilegedNamespace: Namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
};

/** The site's program from Git: cloned before the master starts, `git pull` and `icefall reload` bring it up to date. */
const fromGit = merge(
  'apps/v1',
  'Deployment',
  'master',
  spec({
    template: spec({
      initContainers: [
        {
          name: 'site',
          image: imageName(masterImage),
          command: ['sh', '-c', 'rm -rf /site/* /site/.git && git clone --depth 1 "$SITE_REPOSITORY" /site'],
          env: [
            { name: 'SITE_REPOSITORY', value: 'https://git.example.org/software/site.git' },
            { name: 'HOME', value: '/tmp' },
          ],
          securityContext: CONTAINER_SECURITY,
          volumeMounts: [
            { name: 'site', mountPath: '/site' },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      containers: [
        {
          name: 'master',
          args: [
            'start',
            '/var/lib/icefall',
            '--config',
            '/site',
            '--host',
            '0.0.0.0',
            '--worker-host',
            '0.0.0.0',
            '--json-log',
          ],
          volumeMounts: [{ name: 'site', mountPath: '/site' }],
        },
      ],
      volumes: [{ name: 'site', emptyDir: {} }],
    }),
  }),
);

export function overlays(platforms: readonly Platform[]): Kustomization[] {
  return [
    {
      name: 'laptop',
      comment: 'One node, the default storage class, small claims and requests.',
      on: ['../../base'],
      changes: { claims: smallerClaims(platforms), requests: smallerRequests(platforms) },
    },
    {
      name: 'cluster',
      comment: 'CephFS for the shared tree (ReadWriteMany, 1 Ti), RBD for the rest; both Retain.',
      on: ['../../base'],
      adds: { 'storage-classes': storageClasses },
      changes: { claims: clusterClaims(platforms) },
    },
    {
      name: 'haproxy',
      comment: 'The cluster, with ports on every node for the HAProxy outside (k8s/haproxy/haproxy.cfg).',
      on: ['../cluster'],
      adds: { network: [fromTheNodes] },
      changes: { 'node-ports': nodePorts },
    },
    {
      name: 'ingress',
      comment: 'The cluster, with an Ingress in front instead.',
      on: ['../cluster'],
      adds: { ingress: [ingress] },
    },
    {
      name: 'monitoring',
      comment: 'The Ingress with a certificate of cert-manager, and Prometheus annotations.',
      on: ['../ingress'],
      changes: { certificate: [certificate], prometheus: [scraped] },
    },
    {
      name: 'site-from-git',
      comment: "The cluster, with the site's program from a Git repository instead of the one in the image.",
      on: ['../cluster'],
      changes: { site: [fromGit] },
    },
    {
      name: 'cvmfs-server',
      comment:
        'The cluster, with the stock tools of CernVM-FS on the stratum 0: root, CAP_SYS_ADMIN and /dev/fuse for it.',
      on: ['../cluster'],
      adds: { claims: cvmfsClaims.map((of) => withClass(of)) },
      changes: {
        namespace: [privilegedNamespace],
        // Nothing of the embedded publisher's is left.
        stratum0: [{ ...cvmfsDeployment, spec: { $patch: 'replace', ...cvmfsDeployment.spec } }],
      },
    },
  ];
}

function withClass(object: KubernetesObject): KubernetesObject {
  return object.kind === 'PersistentVolumeClaim'
    ? claim(object.metadata?.name ?? '', String(object.spec?.resources?.requests?.storage), 'ReadWriteOnce', RBD)
    : object;
}
