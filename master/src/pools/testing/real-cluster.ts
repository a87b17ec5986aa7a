import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { POOL_RIGHTS } from '@icefall/k8s/pools';
import { CoreV1Api, KubeConfig, RbacAuthorizationV1Api, type V1PodStatus } from '@kubernetes/client-node';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './http-double.ts';
import type { TestCluster, WirePod } from './test-cluster.ts';

const ACCOUNT = 'master';
const NODE = 'node-1';

/** A namespace of a real API server, with an account as the master has; both go with the test. */
export async function realCluster(administrator: string): Promise<TestCluster> {
  const admin = new KubeConfig();
  admin.loadFromFile(administrator);
  const core = admin.makeApiClient(CoreV1Api);
  const namespace = `ci-${randomBytes(4).toString('hex')}`;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  onTestFinished(async () => {
    await core.deleteCollectionNamespacedPod({ namespace, gracePeriodSeconds: 0 });
    await core.deleteNamespace({ name: namespace });
  });
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: ACCOUNT } } });
  await giveRights(admin, namespace);
  const { status } = await core.createNamespacedServiceAccountToken({
    ...{ namespace, name: ACCOUNT },
    body: { spec: { audiences: [], expirationSeconds: 3600 } },
  });
  const kubeconfig = join(temporaryFolder(), 'config');
  writeFileSync(kubeconfig, accountConfig(admin, namespace, status?.token ?? ''));
  return new RealCluster(admin, namespace, kubeconfig);
}

function accountConfig(admin: KubeConfig, namespace: string, token: string): string {
  const cluster = admin.getCurrentCluster();
  if (cluster === null) throw new Error('the administrator’s configuration has no current cluster');
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [cluster],
    users: [{ name: ACCOUNT, token }],
    contexts: [{ name: ACCOUNT, cluster: cluster.name, user: ACCOUNT, namespace }],
    currentContext: ACCOUNT,
  });
  return config.exportConfig();
}

async function giveRights(admin: KubeConfig, namespace: string): Promise<void> {
  const rbac = admin.makeApiClient(RbacAuthorizationV1Api);
  await rbac.createNamespacedRole({ namespace, body: { metadata: { name: ACCOUNT }, rules: POOL_RIGHTS } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: ACCOUNT };
  const subjects = [{ kind: 'ServiceAccount', name: ACCOUNT, namespace }];
  await rbac.createNamespacedRoleBinding({ namespace, body: { metadata: { name: ACCOUNT }, roleRef, subjects } });
}

class RealCluster implements TestCluster {
  readonly kubeconfig: string;
  readonly #admin: KubeConfig;
  readonly #core: CoreV1Api;
  readonly #namespace: string;
  #warnings = 0;

  constructor(admin: KubeConfig, namespace: string, kubeconfig: string) {
    this.#admin = admin;
    this.#core = admin.makeApiClient(CoreV1Api);
    this.#namespace = namespace;
    this.kubeconfig = kubeconfig;
  }

  async pods(): Promise<WirePod[]> {
    const { items } = await this.#core.listNamespacedPod({ namespace: this.#namespace });
    return JSON.parse(JSON.stringify(items));
  }

  async assign(name: string): Promise<void> {
    const target = { apiVersion: 'v1', kind: 'Node', name: NODE };
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
    await this.#core.createNamespacedPodBinding({ name, namespace: this.#namespace, body });
  }

  async setStatus(name: string, status: V1PodStatus): Promise<void> {
    const pod = await this.#core.readNamespacedPod({ name, namespace: this.#namespace });
    await this.#core.replaceNamespacedPodStatus({ name, namespace: this.#namespace, body: { ...pod, status } });
  }

  async warn(pod: string, reason: string, message: string): Promise<void> {
    this.#warnings += 1;
    const at = new Date(Date.UTC(2025, 5, 2, 12, this.#warnings));
    const involvedObject = { apiVersion: 'v1', kind: 'Pod', name: pod, namespace: this.#namespace };
    const body = {
      ...{ metadata: { name: `${pod}.${this.#warnings}` }, involvedObject, reason, message, type: 'Warning' },
      ...{ firstTimestamp: at, lastTimestamp: at, source: { component: 'kubelet', host: NODE } },
    };
    await this.#core.createNamespacedEvent({ namespace: this.#namespace, body });
  }

  async endDeleted(name: string): Promise<void> {
    await this.#core.deleteNamespacedPod({ name, namespace: this.#namespace, gracePeriodSeconds: 0 });
  }

  /** The controller that counts is not there: what it would write is written here. */
  async setQuota(pods: number): Promise<void> {
    const name = 'builds';
    const hard = { pods: String(pods) };
    const namespace = this.#namespace;
    const made = await this.#core.createNamespacedResourceQuota({
      namespace,
      body: { metadata: { name }, spec: { hard } },
    });
    const body = { ...made, status: { hard, used: { pods: '0' } } };
    await this.#core.replaceNamespacedResourceQuotaStatus({ name, namespace, body });
  }

  async setRights(verbs: readonly string[]): Promise<void> {
    const rbac = this.#admin.makeApiClient(RbacAuthorizationV1Api);
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: [...verbs] }];
    const body = { metadata: { name: ACCOUNT }, rules };
    await rbac.replaceNamespacedRole({ name: ACCOUNT, namespace: this.#namespace, body });
  }
}
