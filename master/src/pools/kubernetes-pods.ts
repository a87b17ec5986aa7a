import { ApiException, CoreV1Api, KubeConfig, type V1Pod, type V1PodStatus } from '@kubernetes/client-node';
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
    const config = new KubeConfig();
    if (pool.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(pool.kubeconfig);
    this.#pool = pool;
    this.#owner = owner;
    this.#api = config.makeApiClient(CoreV1Api);
    this.#namespace = pool.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
    this.#random = random;
  }

  async list(): Promise<Container[]> {
    const labelSelector = `${LABELS.owner}=${this.#owner},${LABELS.pool}=${this.#pool.name}`;
    const { items } = await asked(() => this.#api.listNamespacedPod({ namespace: this.#namespace, labelSelector }));
    return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined).map(containerOf);
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

/** Reasons for which a container waits that are no trouble (Kubernetes documentation, "Pod Lifecycle"). */
const USUAL = ['ContainerCreating', 'PodInitializing'];

function containerOf({ metadata, status }: V1Pod): Container {
  const phase = status?.phase ?? 'Pending';
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const waiting = status?.containerStatuses?.map(({ state }) => state?.waiting).find((state) => state !== undefined);
  const unscheduled = status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  const told = waiting !== undefined && !USUAL.includes(waiting.reason ?? '') ? waiting : unscheduled;
  const trouble = told === undefined ? null : [told.reason, told.message].filter(Boolean).join(': ');
  return {
    id: metadata?.name ?? '',
    worker: metadata?.labels?.[LABELS.worker] ?? '',
    image: metadata?.annotations?.[IMAGE_MARK] ?? null,
    state: isOver ? 'ended' : phase === 'Running' ? 'running' : 'starting',
    since: metadata?.creationTimestamp?.getTime() ?? 0,
    trouble: isOver ? endOf(status) : trouble,
  };
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
