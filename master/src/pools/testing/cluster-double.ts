import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { mistakesIn } from '@icefall/k8s/testing/strict';
import type { V1PodStatus } from '@kubernetes/client-node';
import { type Answer, type Asked, serveDouble, temporaryFolder } from './http-double.ts';
import type { TestCluster, WirePod } from './test-cluster.ts';

const TOKEN = 'cluster-token';
const NAMESPACE = 'ci';
const USER = `system:serviceaccount:${NAMESPACE}:master`;
const CREATED = '2025-06-02T12:00:00Z';
/** RFC 1123, as names of pods are. */
const POD_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** As rights name them. */
const VERBS: Readonly<Record<string, string>> = {
  ...{ 'POST pods': 'create pods', 'GET pods': 'list pods', 'DELETE pod': 'delete pods', 'GET events': 'list events' },
};
/** The selector of events that is understood. */
const WARNINGS = 'involvedObject.kind=Pod,type=Warning';

/**
 * A double of a cluster's API, over HTTP, as the Kubernetes API reference and the API server's own messages describe it:
 * of pods in one namespace that what {@link KubernetesPods} uses, which is to list them by labels, to create and to
 * delete, and to list warnings about them. What it is sent is validated against Kubernetes' own schemas, strictly; whatever it does not know it refuses.
 * `npm run kubernetes` has the same tests with a real API server.
 */
export class ClusterDouble implements TestCluster {
  readonly kubeconfig: string;
  /** Null: there is no quota. */
  #quota: number | null = null;
  #rights: readonly string[] = Object.values(VERBS);
  /** Null: the API server answers; else what stands in front of it does. */
  proxyError: Answer | null = null;
  readonly #pods: WirePod[] = [];
  readonly #warnings: object[] = [];
  #version = 1000;

  private constructor(kubeconfig: string) {
    this.kubeconfig = kubeconfig;
  }

  static async start(): Promise<ClusterDouble> {
    const double = new ClusterDouble(join(temporaryFolder(), 'config'));
    const server = await serveDouble((asked) => double.#answer(asked), 0);
    const { port } = server.address() as AddressInfo;
    const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token: TOKEN } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: NAMESPACE } }],
    };
    writeFileSync(double.kubeconfig, JSON.stringify(config));
    return double;
  }

  pods(): Promise<WirePod[]> {
    return Promise.resolve([...this.#pods]);
  }

  assign(name: string): Promise<void> {
    return this.#change(name, (pod) => Object.assign(pod, { spec: { ...pod.spec, nodeName: 'node-1' } }));
  }

  setStatus(name: string, status: V1PodStatus): Promise<void> {
    return this.#change(name, (pod) => Object.assign(pod, { status }));
  }

  warn(pod: string, reason: string, message: string): Promise<void> {
    const lastTimestamp = new Date(Date.parse(CREATED) + (this.#warnings.length + 1) * 60_000).toISOString();
    const involvedObject = { apiVersion: 'v1', kind: 'Pod', name: pod, namespace: NAMESPACE };
    const metadata = { name: `${pod}.${this.#warnings.length}`, namespace: NAMESPACE };
    this.#warnings.push({ metadata, involvedObject, reason, message, type: 'Warning', lastTimestamp });
    return Promise.resolve();
  }

  endDeleted(name: string): Promise<void> {
    return this.#change(name, (pod) => {
      if (!('deletionTimestamp' in pod.metadata)) throw new Error(`pod ${name} is not being deleted`);
      this.#pods.splice(this.#pods.indexOf(pod), 1);
    });
  }

  setQuota(pods: number): Promise<void> {
    this.#quota = pods;
    return Promise.resolve();
  }

  setRights(verbs: readonly string[]): Promise<void> {
    this.#rights = verbs.map((verb) => `${verb} pods`);
    return Promise.resolve();
  }

  async #change(name: string, change: (pod: WirePod) => void): Promise<void> {
    const pod = this.#named(name);
    if (pod === undefined) throw new Error(`there is no pod ${name}`);
    change(pod);
    this.#touch(pod);
  }

  #answer({ method, url, body, authorization }: Asked): Answer {
    if (this.proxyError !== null) return this.proxyError;
    if (authorization !== `Bearer ${TOKEN}`) return refused(401, 'Unauthorized', 'Unauthorized');
    const path = new RegExp(`^/api/v1/namespaces/${NAMESPACE}/(pods|events)(?:/([^/]+))?$`).exec(url.pathname);
    if (path === null) return refused(404, 'NotFound', 'the server could not find the requested resource');
    const [, resource = '', name] = path;
    const right = VERBS[`${method} ${name === undefined ? resource : resource.slice(0, -1)}`];
    if (right === undefined) return refused(405, 'MethodNotAllowed', `the double knows no ${method} ${url.pathname}`);
    const [verb = ''] = right.split(' ');
    if (!this.#rights.includes(right)) {
      const what = name === undefined ? `${resource} is` : `${resource} "${name}" is`;
      const words = `${what} forbidden: User "${USER}" cannot ${verb} resource "${resource}" in API group "" in the namespace "${NAMESPACE}"`;
      return refused(403, 'Forbidden', words);
    }
    if (resource === 'events') return this.#listWarnings(url.searchParams);
    if (verb === 'create') return this.#create(Object(body));
    return verb === 'list' ? this.#list(url.searchParams) : this.#delete(name ?? '');
  }

  #create(pod: WirePod): Answer {
    const { name } = pod.metadata;
    const [mistake] = mistakesIn(pod);
    if (mistake !== undefined) return refused(400, 'BadRequest', `strict decoding error: ${mistake}`);
    if (!POD_NAME.test(name))
      return refused(422, 'Invalid', `Pod "${name}" is invalid: metadata.name: Invalid value: "${name}"`);
    if (this.#named(name) !== undefined) return refused(409, 'AlreadyExists', `pods "${name}" already exists`);
    const used = this.#pods.length;
    if (this.#quota !== null && used >= this.#quota) {
      const words = `exceeded quota: builds, requested: pods=1, used: pods=${used}, limited: pods=${this.#quota}`;
      return refused(403, 'Forbidden', `pods "${name}" is forbidden: ${words}`);
    }
    const uid = `00000000-0000-4000-8000-${String(this.#version).padStart(12, '0')}`;
    const made = { ...pod, metadata: { ...pod.metadata, namespace: NAMESPACE, uid, creationTimestamp: CREATED } };
    this.#pods.push({ ...made, status: { phase: 'Pending', qosClass: 'Guaranteed' } });
    this.#touch(this.#pods.at(-1));
    return { status: 201, body: this.#pods.at(-1) };
  }

  #list(query: URLSearchParams): Answer {
    const unknown = [...query.keys()].filter((key) => key !== 'labelSelector');
    if (unknown.length > 0) return refused(400, 'BadRequest', `the double knows no ${unknown.join(', ')} of a list`);
    const wanted = (query.get('labelSelector') ?? '').split(',').map((pair) => pair.split('='));
    const items = this.#pods.filter(({ metadata }) =>
      wanted.every(([key = '', value]) => Object(metadata.labels)[key] === value),
    );
    const metadata = { resourceVersion: String(this.#version) };
    return { status: 200, body: { kind: 'PodList', apiVersion: 'v1', metadata, items } };
  }

  /** Newest first: nothing is promised of their order. */
  #listWarnings(query: URLSearchParams): Answer {
    if (query.toString() !== new URLSearchParams({ fieldSelector: WARNINGS }).toString())
      return refused(400, 'BadRequest', `the double knows no list of events by ${query}`);
    const metadata = { resourceVersion: String(this.#version) };
    return {
      status: 200,
      body: { kind: 'EventList', apiVersion: 'v1', metadata, items: this.#warnings.toReversed() },
    };
  }

  /** A pod is there, with the time when it is to be gone, until its kubelet has ended it; one on no node, or that has ended, goes at once. */
  #delete(name: string): Answer {
    const pod = this.#named(name);
    if (pod === undefined) return refused(404, 'NotFound', `pods "${name}" not found`);
    if (pod.spec?.nodeName === undefined || isOver(pod)) this.#pods.splice(this.#pods.indexOf(pod), 1);
    else {
      pod.metadata.deletionTimestamp ??= CREATED;
      this.#touch(pod);
    }
    return { status: 200, body: pod };
  }

  #named(name: string): WirePod | undefined {
    return this.#pods.find(({ metadata }) => metadata.name === name);
  }

  #touch(pod: WirePod | undefined): void {
    this.#version += 1;
    if (pod !== undefined) pod.metadata.resourceVersion = String(this.#version);
  }
}

function isOver({ status }: WirePod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** A Status, as every refusal of an API server is. */
function refused(code: number, reason: string, message: string): Answer {
  return {
    status: code,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code },
  };
}
