import type { Platform } from '@icefall/docker/platforms';
import { labels, POD_SECURITY, type Role, selector } from './names.ts';
import type { Deployment } from './objects.ts';

type PodSpec = NonNullable<NonNullable<Deployment['spec']>['template']['spec']>;

/** What a pod has of its own; nobody is root in it unless it says so. */
interface PodOptions extends Pick<PodSpec, 'containers' | 'volumes'> {
  readonly securityContext?: PodSpec['securityContext'];
  /** From TERM to KILL. */
  readonly graceSeconds: number;
}

/** A Deployment of one pod, without any right in the cluster's API. The older one ends first: two would put each other out. */
export function deployment(
  of: { readonly name: string; readonly role: Role; readonly platform?: Platform },
  { securityContext = POD_SECURITY, graceSeconds, containers, volumes }: PodOptions,
): Deployment {
  const own = labels(of.name, of.role, of.platform);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: of.name, labels: own },
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      revisionHistoryLimit: 5,
      selector: { matchLabels: selector(of.name) },
      template: {
        metadata: { labels: own },
        spec: {
          serviceAccountName: 'icefall',
          automountServiceAccountToken: false,
          securityContext,
          terminationGracePeriodSeconds: graceSeconds,
          containers,
          ...(volumes === undefined ? {} : { volumes }),
        },
      },
    },
  };
}
