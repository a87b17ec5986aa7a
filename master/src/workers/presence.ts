/** What is known of a worker only while it is connected. */
export interface WorkerPresence {
  readonly connected: boolean;
  readonly connectedSince: number | null;
  /** It said that it is shutting down. */
  readonly leaving: boolean;
  /** What refused its last attempt to connect, if anything did. */
  readonly lastRefusal: string | null;
}
