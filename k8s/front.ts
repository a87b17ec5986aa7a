import { PORTS } from './names.ts';
import type { Ingress, NetworkPolicy, Service } from './objects.ts';
import { patch, spec } from './patches.ts';

/** Ports of every node, for the HAProxy outside (k8s/haproxy/haproxy.cfg). */
const NODE_PORTS = { page: 30810, workers: 30989, stratum0: 30800 } as const;

function nodePort(name: 'master' | 'stratum0', ports: NonNullable<Service['spec']>['ports']) {
  return patch('v1', 'Service', name, spec({ type: 'NodePort', ports }));
}

/** The Services of the base, on ports of every node. */
export const nodePorts = [
  nodePort('master', [
    { name: 'page', port: PORTS.page, nodePort: NODE_PORTS.page },
    { name: 'workers', port: PORTS.workers, nodePort: NODE_PORTS.workers },
  ]),
  nodePort('stratum0', [{ name: 'http', port: PORTS.stratum0, nodePort: NODE_PORTS.stratum0 }]),
];

/** What comes through a node's port has the node's address. Replace it by the network of the nodes. */
export const fromTheNodes: NetworkPolicy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'master-from-the-nodes' },
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
/** Page, workers and published repositories of one host. */
export const ingress: Ingress = {
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

/** Of the {@link ingress}, by cert-manager. */
export const certificate = patch('networking.k8s.io/v1', 'Ingress', 'icefall', {
  metadata: { name: 'icefall', annotations: { 'cert-manager.io/cluster-issuer': 'letsencrypt' } },
  spec: { tls: [{ hosts: [HOST], secretName: 'icefall-tls' }] },
});
