import type { V1Pod, V1PodStatus } from '@kubernetes/client-node';

/** As the API server sends it: JSON, with times as text. */
export type WirePod = Omit<V1Pod, 'metadata'> & { metadata: Record<string, unknown> & { name: string } };

/** A cluster for tests of what makes pods: an API server, of which the test itself is scheduler and kubelet. */
export interface TestCluster {
  /** Of the account that makes pods, with its namespace. */
  readonly kubeconfig: string;
  pods(): Promise<WirePod[]>;
  /** What the scheduler does. */
  assign(pod: string): Promise<void>;
  /** What scheduler and kubelet write. */
  setStatus(pod: string, status: V1PodStatus): Promise<void>;
  /** What a controller or kubelet tells of a pod, as an event; a later one is later by a minute. */
  warn(pod: string, reason: string, message: string): Promise<void>;
  /** The kubelet has ended a pod that was deleted: now it is gone. */
  endDeleted(pod: string): Promise<void>;
  /** Pods that the namespace may have from now on. */
  setQuota(pods: number): Promise<void>;
  /** What the account may do with pods from now on; it sees no events any more. */
  setRights(verbs: readonly string[]): Promise<void>;
}
