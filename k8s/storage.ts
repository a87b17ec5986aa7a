import type { Platform } from '@icefall/docker/platforms';
import { CLAIMS, objectName } from './names.ts';
import type { KubernetesObject, StorageClass } from './objects.ts';
import { patch, spec } from './patches.ts';

/** Claims on volumes that one pod mounts. */
const blockClaims = (platforms: readonly Platform[]) => [
  CLAIMS.master,
  CLAIMS.backup,
  CLAIMS.stratum0,
  'stratum0',
  ...platforms.map(({ name }) => objectName(name)),
];

/** What fits on a laptop. */
export function smallerClaims(platforms: readonly Platform[]): object[] {
  const small = { resources: { requests: { storage: '5Gi' } } };
  return [
    ...blockClaims(platforms).map((name) => patch('v1', 'PersistentVolumeClaim', name, spec(small))),
    // One node: a volume that only one node mounts will do.
    patch('v1', 'PersistentVolumeClaim', CLAIMS.tree, spec({ accessModes: ['ReadWriteOnce'], ...small })),
  ];
}

/** Ceph's classes as Rook names them; a deleted claim leaves its volume. */
function storageClass(name: string, provisioner: string, parameters: Record<string, string>): StorageClass {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
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
export const storageClasses = [
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

/** The classes of {@link storageClasses}, for every claim. */
export function clusterClaims(platforms: readonly Platform[]): object[] {
  return [
    ...blockClaims(platforms).map((name) =>
      patch('v1', 'PersistentVolumeClaim', name, spec({ storageClassName: RBD })),
    ),
    patch('v1', 'PersistentVolumeClaim', CLAIMS.tree, spec({ storageClassName: CEPHFS })),
  ];
}

/** A claim of the class for blocks; anything else as it is. */
export function withClass(object: KubernetesObject): KubernetesObject {
  if (object.kind !== 'PersistentVolumeClaim' || object.spec === undefined) return object;
  return { ...object, spec: { ...object.spec, storageClassName: RBD } };
}
