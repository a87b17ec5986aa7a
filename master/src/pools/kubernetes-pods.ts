import {
  ApiException,
  CoreV1Api,
  type CoreV1Event,
  KubeConfig,
  type V1Pod,
  type V1PodStatus,
} from '@kubernetes/client-node';
import type { KubernetesPool } from '../config/pools.ts';
import { podOf } from './pod.ts';
import { type Container, IMAGE_MARK, LABELS, type NewContainer, type PoolProvider, ProviderError } from './provider.ts';

/** Pods of a Kubernetes cluster. */
export class KubernetesPods implements PoolProvider {
  readonly #pool: KubernetesPool;
  readonly #owner: string;
  readonly #api: CoreV1Api;
  readonly #namespace: string;
  readonly #random: () => number;

  /** `owner` tells this master's pods from those of others. Throws where there is no configuration of a cluster. */
  constructor(pool: KubernetesPool, owner: string, random: () => number) {
    const config = configOf(pool);
    this.#pool = pool;
    this.#owner = owner;
    this.#api = config.makeApiClient(CoreV1Api);
    this.#namespace = pool.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
    this.#random = random;
  }

  async list(): Promise<Container[]> {
    const labelSelector = `${LABELS.owner}=${this.#owner},${LABELS.pool}=${this.#pool.name}`;
    const { items } = await asked(() => this.#api.listNamespacedPod({ namespace: this.#namespace, labelSelector }));
    const pods = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const containers = pods.map(containerOf);
    if (!pods.some(isSilent)) return containers;
    const warnings = await this.#warnings();
    return containers.map((one, i) => {
      const pod = pods[i];
      return pod !== undefined && isSilent(pod) ? { ...one, trouble: warnings(one.id) } : one;
    });
  }

  /** What was last said against a pod, by its name: of volumes and networks only events tell. */
  async #warnings(): Promise<(pod: string) => string | null> {
    const fieldSelector = 'involvedObject.kind=Pod,type=Warning';
    try {
      const { items } = await asked(() => this.#api.listNamespacedEvent({ namespace: this.#namespace, fieldSelector }));
      const said = items
        // Of that the pod's own status tells, and no longer than it is true.
        .filter(({ reason }) => reason !== 'FailedScheduling')
        .sort((a, b) => timeOf(a) - timeOf(b))
        .map(({ involvedObject, reason, message }) => [involvedObject.name, wordsOfState(reason, message)] as const);
      const last = new Map(said);
      return (pod) => last.get(pod) ?? null;
    } catch (error) {
      // An account that may not see events: that is told, and pods are made all the same.
      if (error instanceof ProviderError) return () => error.message;
      throw error;
    }
  }

  async start({ worker, token, image }: NewContainer): Promise<void> {
    const suffix = Math.floor(this.#random() * 36 ** 5)
      .toString(36)
      .padStart(5, '0');
    const body = podOf(this.#pool, { worker, token, image, name: `${worker}-${suffix}`, owner: this.#owner });
    await asked(() => this.#api.createNamespacedPod({ namespace: this.#namespace, body }));
  }

  async remove(id: string): Promise<void> {
    try {
      await asked(() => this.#api.deleteNamespacedPod({ namespace: this.#namespace, name: id }));
    } catch (error) {
      if (error instanceof ProviderError && error.cause instanceof ApiException && error.cause.code === 404) return;
      throw error;
    }
  }
}

/** What the client takes where it finds nothing: no cluster is there. */
const NOWHERE = 'http://localhost:8080';

/** The configuration of a pool's cluster. Throws {@link ProviderError} where there is none. */
function configOf({ name, kubeconfig }: KubernetesPool): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  if (kubeconfig === undefined && config.getCurrentCluster()?.server === NOWHERE)
    throw new ProviderError(
      `pool "${name}" knows no cluster: say kubeconfig: FILE, set KUBECONFIG, or give the master's pod a service account and its token`,
    );
  return config;
}

/** Reasons for which a container waits that are no trouble (Kubernetes documentation, "Pod Lifecycle"). */
const USUAL = ['ContainerCreating', 'PodInitializing'];

function containerOf({ metadata, status }: V1Pod): Container {
  const phase = status?.phase ?? 'Pending';
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const waiting = status?.containerStatuses?.map(({ state }) => state?.waiting).find((state) => state !== undefined);
  const unscheduled = status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  const told = waiting !== undefined && !USUAL.includes(waiting.reason ?? '') ? waiting : unscheduled;
  const trouble = told === undefined ? null : wordsOfState(told.reason, told.message);
  return {
    id: metadata?.name ?? '',
    worker: metadata?.labels?.[LABELS.worker] ?? '',
    image: metadata?.annotations?.[IMAGE_MARK] ?? null,
    state: isOver ? 'ended' : phase === 'Running' ? 'running' : 'starting',
    since: metadata?.creationTimestamp?.getTime() ?? 0,
    trouble: isOver ? endOf(status) : trouble,
  };
}

function wordsOfState(reason: string | undefined, message: string | undefined): string {
  return [reason, message].filter(Boolean).join(': ');
}

/** On a node, not running, and its status says nothing against it. */
function isSilent(pod: V1Pod): boolean {
  const { state, trouble } = containerOf(pod);
  const isScheduled = pod.status?.conditions?.some(({ type, status }) => type === 'PodScheduled' && status === 'True');
  return state === 'starting' && trouble === null && isScheduled === true;
}

/** When an event was seen last; newer clients of events write another field than older ones. */
function timeOf({ lastTimestamp, eventTime, metadata }: CoreV1Event): number {
  return (lastTimestamp ?? eventTime ?? metadata.creationTimestamp)?.getTime() ?? 0;
}

/** Why a pod has ended; null: its agent was told to leave, and did. */
function endOf(status: V1PodStatus | undefined): string | null {
  if (status?.message !== undefined) return status.message;
  const ended = status?.containerStatuses?.map(({ state }) => state?.terminated).find((state) => state !== undefined);
  if (ended === undefined || ended.exitCode === 0) return null;
  return `${ended.reason ?? 'Error'}: exit code ${ended.exitCode}`;
}

/** An answer of the cluster, or its refusal in its own words. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new ProviderError(wordsOf(error), { cause: error });
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof ApiException)) return error instanceof Error ? error.message : String(error);
  try {
    const { message } = JSON.parse(String(error.body)) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // No status object: a proxy has answered, and the code is all there is to tell.
  }
  return `the cluster answered ${error.code}`;
}
