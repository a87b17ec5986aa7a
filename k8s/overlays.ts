import { imageName } from '@icefall/docker/image';
import { masterImage } from '@icefall/docker/images/master';
import type { Platform } from '@icefall/docker/platforms';
import { certificate, fromTheNodes, ingress, nodePorts } from './front.ts';
import { CONTAINER_SECURITY, NAMESPACE, objectName, PORTS } from './names.ts';
import type { KubernetesObject, Namespace } from './objects.ts';
import { patch, spec } from './patches.ts';
import { BUILDS, masterWithRights, poolObjects } from './pools.ts';
import { clusterClaims, smallerClaims, storageClasses, withClass } from './storage.ts';
import { cvmfsClaims, cvmfsDeployment } from './stratum0.ts';

/** One kustomization: what it stands on, what it adds and changes. */
export interface Kustomization {
  readonly name: string;
  readonly comment: string;
  readonly on: readonly string[];
  readonly adds?: Readonly<Record<string, readonly KubernetesObject[]>>;
  /** What is added says in which namespace it is, which need not be the site's. */
  readonly hasOtherNamespaces?: boolean;
  /** Merged into objects that are there. */
  readonly changes?: Readonly<Record<string, readonly object[]>>;
}

/** A laptop has no four cores for each platform: the limits stay, the requests are small. */
function smallerRequests(platforms: readonly Platform[]): object[] {
  const requests = { cpu: '100m', memory: '256Mi' };
  const smaller = (name: string, containers: readonly string[]) =>
    patch(
      'apps/v1',
      'Deployment',
      name,
      spec({
        template: spec({ containers: containers.map((container) => ({ name: container, resources: { requests } })) }),
      }),
    );
  return [
    smaller('master', ['master', 'backup']),
    smaller('stratum0', ['worker', 'http']),
    ...platforms.map(({ name }) => smaller(objectName(name), ['worker'])),
  ];
}

const scraped = patch(
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
const fromGit = patch(
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
      name: 'pools',
      comment: `The site from Git, with the right to make the pods of its pools in a namespace of their own, ${BUILDS}.`,
      on: ['../site-from-git'],
      adds: { pools: poolObjects },
      changes: { rights: [masterWithRights] },
      hasOtherNamespaces: true,
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
