import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
import { RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
import { StorageClass } from 'kubernetes-models/storage.k8s.io/v1/StorageClass';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { Pod } from 'kubernetes-models/v1/Pod';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';

const MODELS = [
  ...[
    ConfigMap,
    Deployment,
    Ingress,
    Namespace,
    NetworkPolicy,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    Service,
  ],
  ...[Role, RoleBinding, ServiceAccount, StorageClass],
];

/** Whether an object is a Deployment. */
export function isDeployment(object: object): object is IDeployment {
  return Deployment.is(object);
}

/**
 * What Kubernetes' own schemas have against an object, each mistake with its place; nothing where it is right. Strict: also
 * a field that no schema knows is one, which an API server (without `--validate=strict`) would drop without a word.
 */
export function mistakesIn(object: object): string[] {
  const { kind, apiVersion } = Object(object);
  const model = MODELS.find(
    (candidate) => Reflect.get(candidate, 'kind') === kind && Reflect.get(candidate, 'apiVersion') === apiVersion,
  );
  if (model === undefined) return [`no schema is known for ${apiVersion} ${kind}`];
  const seen = new Set<string>();
  try {
    // What a schema knows its validator reads; so what was never read no schema knows.
    model.prototype.validate.call(watched(object, '', seen));
  } catch (error) {
    return [`${kind}: ${error instanceof Error ? error.message : String(error)}`];
  }
  return unread(object, '', seen).map((path) => `${kind}: there is no field ${path}`);
}

/** The object, recording the paths that are read of it. */
function watched<T extends object>(target: T, path: string, seen: Set<string>): T {
  return new Proxy(target, {
    get(of, key, receiver) {
      const value = Reflect.get(of, key, receiver);
      if (typeof key === 'symbol') return value;
      const place = `${path}/${key}`;
      seen.add(place);
      return typeof value === 'object' && value !== null ? watched(value, place, seen) : value;
    },
  });
}

function unread(value: unknown, path: string, seen: ReadonlySet<string>): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const place = `${path}/${key}`;
    if (!seen.has(place)) return [place];
    return unread(item, place, seen);
  });
}
