import { NAMESPACE, PORTS } from './names.ts';
import type { Namespace, Role, RoleBinding, ServiceAccount } from './objects.ts';
import { patch, spec } from './patches.ts';
import { PART, policy, tcp, toTheWorld } from './site.ts';

/** Where pods of pools are: who may read pods there reads the tokens of their workers. */
export const BUILDS = 'icefall-builds';
/** Of the master's pod. */
const ACCOUNT = 'icefall-master';
const RIGHTS = 'icefall-pools';
/** By which policies know the namespace. */
const MARK = { 'icefall/builds': 'true' };
/** Where every client of the API looks. */
const CREDENTIALS = '/var/run/secrets/kubernetes.io/serviceaccount';

const namespace: Namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: BUILDS, labels: { ...PART, ...MARK, 'pod-security.kubernetes.io/enforce': 'restricted' } },
};

const account: ServiceAccount = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: ACCOUNT, namespace: NAMESPACE, labels: PART },
  automountServiceAccountToken: false,
};

/** What a master needs where its pools are (docs/pools.md); in its own namespace it has no right. */
export const POOL_RIGHTS = [
  { apiGroups: [''], resources: ['pods'], verbs: ['create', 'list', 'delete'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
];

const role: Role = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: RIGHTS, namespace: BUILDS, labels: PART },
  rules: POOL_RIGHTS,
};

const binding: RoleBinding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: RIGHTS, namespace: BUILDS, labels: PART },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: RIGHTS },
  subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace: NAMESPACE }],
};

const policies = [
  policy(
    'master-from-builds',
    {
      podSelector: { matchLabels: { 'icefall/role': 'master' } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ namespaceSelector: { matchLabels: MARK } }], ports: [...tcp(PORTS.workers)] }],
    },
    NAMESPACE,
  ),
  policy('deny-all-ingress', { podSelector: {}, policyTypes: ['Ingress'] }, BUILDS),
  policy(
    'builds-to-the-world',
    {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [{ to: toTheWorld({ namespaceSelector: { matchLabels: PART } }) }],
    },
    BUILDS,
  ),
];

export const poolObjects = [namespace, account, role, binding, ...policies];

/** The account's token, for the container of the master alone. */
export const masterWithRights = patch(
  'apps/v1',
  'Deployment',
  'master',
  spec({
    template: spec({
      serviceAccountName: ACCOUNT,
      containers: [{ name: 'master', volumeMounts: [{ name: 'cluster', mountPath: CREDENTIALS, readOnly: true }] }],
      volumes: [
        {
          name: 'cluster',
          projected: {
            // For the group that the volumes are of.
            defaultMode: 0o440,
            sources: [
              { serviceAccountToken: { path: 'token', expirationSeconds: 3600 } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
              {
                downwardAPI: {
                  items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
                },
              },
            ],
          },
        },
      ],
    }),
  }),
);
