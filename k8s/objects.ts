import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IIngress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { INetworkPolicyPeer } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicyPeer';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IRole } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
import type { IRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
import type { IStorageClass } from 'kubernetes-models/storage.k8s.io/v1/StorageClass';
import type { INamespace } from 'kubernetes-models/v1/Namespace';
import type { IPersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import type { IService } from 'kubernetes-models/v1/Service';
import type { IServiceAccount } from 'kubernetes-models/v1/ServiceAccount';

/** Everything the manifests are made of; a misspelt field in a literal does not compile. */
export type KubernetesObject =
  | IDeployment
  | IIngress
  | INamespace
  | INetworkPolicy
  | IPersistentVolumeClaim
  | IPodDisruptionBudget
  | IRole
  | IRoleBinding
  | IService
  | IServiceAccount
  | IStorageClass;

export type {
  IDeployment as Deployment,
  IIngress as Ingress,
  INamespace as Namespace,
  INetworkPolicy as NetworkPolicy,
  INetworkPolicyPeer as NetworkPolicyPeer,
  IPersistentVolumeClaim as PersistentVolumeClaim,
  IPodDisruptionBudget as PodDisruptionBudget,
  IRole as Role,
  IRoleBinding as RoleBinding,
  IService as Service,
  IServiceAccount as ServiceAccount,
  IStorageClass as StorageClass,
};

type AccessMode = 'ReadWriteOnce' | 'ReadWriteMany';

interface ClaimOptions {
  readonly labels: Readonly<Record<string, string>>;
  readonly accessMode?: AccessMode;
  /** Default: the cluster's own. */
  readonly storageClass?: string;
}

/** A claim on a volume. Its labels are those of whose it is, so that these can be applied together. */
export function claim(
  name: string,
  size: string,
  { labels, accessMode = 'ReadWriteOnce', storageClass }: ClaimOptions,
): IPersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, labels: { ...labels } },
    spec: {
      accessModes: [accessMode],
      resources: { requests: { storage: size } },
      ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
    },
  };
}
