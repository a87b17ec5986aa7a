import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestGround } from '../support/ground.ts';
import { freePorts } from '../support/ports.ts';
import { TestProcess } from '../support/process.ts';
import type { ApiServerPrograms } from './api-server-programs.ts';

const TOKEN = 'token-of-the-administrator';

/** An API server of Kubernetes on loopback, with an etcd of its own and without any node. Ends with its ground. */
export class ApiServer {
  /** Of somebody who may do everything. */
  readonly kubeconfig: string;

  private constructor(kubeconfig: string) {
    this.kubeconfig = kubeconfig;
  }

  static async start(ground: TestGround, { etcd, apiServer }: ApiServerPrograms): Promise<ApiServer> {
    const [clients = 0, peers = 0, secure = 0] = await freePorts(3);
    const at = (port: number) => `http://127.0.0.1:${port}`;
    const store = ['--data-dir', ground.path('etcd'), '--listen-client-urls', at(clients), '--unsafe-no-fsync'];
    const names = ['--advertise-client-urls', at(clients), '--listen-peer-urls', at(peers)];
    const alone = ['--initial-advertise-peer-urls', at(peers), '--initial-cluster', `default=${at(peers)}`];
    TestProcess.start(ground, { name: 'etcd', command: [etcd, ...store, ...names, ...alone] });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = ground.path('service-accounts.key');
    writeFileSync(key, privateKey.export({ type: 'pkcs1', format: 'pem' }));
    writeFileSync(ground.path('tokens.csv'), `${TOKEN},admin,1,system:masters\n`);
    const server = TestProcess.start(ground, {
      name: 'kube-apiserver',
      command: [
        ...[apiServer, '--etcd-servers', at(clients), '--bind-address', '127.0.0.1', '--secure-port', String(secure)],
        ...['--cert-dir', ground.path('certificates'), '--token-auth-file', ground.path('tokens.csv')],
        ...['--authorization-mode', 'RBAC', '--service-cluster-ip-range', '10.9.0.0/24'],
        ...['--service-account-issuer', 'https://api.example', '--api-audiences', 'https://api.example'],
        ...['--service-account-key-file', key, '--service-account-signing-key-file', key],
        // Nobody is there who would make what it waits for.
        ...['--disable-admission-plugins', 'ServiceAccount', '--enable-admission-plugins', 'ResourceQuota'],
      ],
    });
    const kubeconfig = ground.path('kubeconfig');
    const certificate = join(ground.path('certificates'), 'apiserver.crt');
    const cluster = { server: `https://127.0.0.1:${secure}`, 'certificate-authority': certificate };
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'admin', user: { token: TOKEN } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    };
    writeFileSync(kubeconfig, JSON.stringify(config));
    await server.wrote(/Caches are synced for cluster_authentication_trust_controller/);
    return new ApiServer(kubeconfig);
  }
}
