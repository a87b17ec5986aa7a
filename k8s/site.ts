import { CLAIMS, NAMESPACE, PORTS } from './names.ts';
import {
  claim,
  type KubernetesObject,
  type Namespace,
  type NetworkPolicy,
  type NetworkPolicyPeer as Peer,
  type PodDisruptionBudget,
  type ServiceAccount,
} from './objects.ts';

/** Of everything, namespaces included. */
export const PART = { 'app.kubernetes.io/part-of': 'icefall' };

/** Nothing in it needs more than the strictest standard allows, which the cluster therefore enforces. */
const namespace: Namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: NAMESPACE, labels: { ...PART, 'pod-security.kubernetes.io/enforce': 'restricted' } },
};

/** Without any right in the cluster's API. */
const account: ServiceAccount = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'icefall', labels: PART },
  automountServiceAccountToken: false,
};

export function policy(name: string, spec: NonNullable<NetworkPolicy['spec']>, namespace?: string): NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels: PART },
    spec,
  };
}

export const tcp = (port: number) => [{ protocol: 'TCP', port }] as const;

/** Builds run what people push: they reach the world, but not the cloud's own secrets. */
export function toTheWorld(mastersNamespace: Pick<Peer, 'namespaceSelector'> = {}): Peer[] {
  return [
    { ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] } },
    // For networks to which a pod is no address: the master, and whoever resolves names.
    { ...mastersNamespace, podSelector: { matchLabels: { 'icefall/role': 'master' } } },
    { namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } },
  ];
}

const policies = [
  policy('deny-all-ingress', { podSelector: {}, policyTypes: ['Ingress'] }),
  policy('master-from-workers', {
    podSelector: { matchLabels: { 'icefall/role': 'master' } },
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [
          {
            podSelector: {
              matchExpressions: [{ key: 'icefall/role', operator: 'In', values: ['worker', 'stratum0'] }],
            },
          },
        ],
        ports: [...tcp(PORTS.workers)],
      },
    ],
  }),
  // Passwords travel there: only what stands in front of it with TLS, in a namespace with this label, reaches the page.
  policy('master-from-the-front', {
    podSelector: { matchLabels: { 'icefall/role': 'master' } },
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [{ namespaceSelector: { matchLabels: { 'icefall/front': 'true' } } }],
        ports: [...tcp(PORTS.page), ...tcp(PORTS.workers)],
      },
    ],
  }),
  // What is published is for everybody.
  policy('stratum0-http', {
    podSelector: { matchLabels: { 'icefall/role': 'stratum0' } },
    policyTypes: ['Ingress'],
    ingress: [{ ports: [...tcp(PORTS.stratum0)] }],
  }),
  policy('workers-to-the-world', {
    podSelector: { matchLabels: { 'icefall/role': 'worker' } },
    policyTypes: ['Egress'],
    egress: [{ to: toTheWorld() }],
  }),
];

/** A drain of a node waits for workers: what runs on them is hours of work (docs/runbook.md says how to go on). */
function keep(role: 'worker' | 'stratum0'): PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: role === 'worker' ? 'workers' : role, labels: PART },
    spec: { maxUnavailable: 0, selector: { matchLabels: { 'icefall/role': role } } },
  };
}

/** What is neither master, worker nor stratum 0. */
export const siteObjects: readonly KubernetesObject[] = [
  namespace,
  account,
  ...policies,
  keep('worker'),
  keep('stratum0'),
  claim(CLAIMS.tree, '1Ti', { labels: PART, accessMode: 'ReadWriteMany' }),
];
