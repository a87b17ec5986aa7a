/** A container that was made for a worker of a pool. */
export interface Container {
  /** The provider's name for it. */
  readonly id: string;
  readonly worker: string;
  /** As it was asked for, whatever it was resolved to; null: nothing says so. */
  readonly image: string | null;
  readonly state: 'starting' | 'running' | 'ended';
  /** When it was made, milliseconds. */
  readonly since: number;
  /** Why it does not get on, in the provider's own words; null: nothing is known against it. */
  readonly trouble: string | null;
}

export interface NewContainer {
  readonly worker: string;
  readonly token: string;
  readonly image: string;
}

/** Where a pool's containers are made. What it makes it marks as its own, and finds again after any crash. */
export interface PoolProvider {
  /** All containers of the pool, also those that have ended. Throws {@link ProviderError}. */
  list(): Promise<Container[]>;
  /** Makes and starts one. Throws {@link ProviderError}, with what was answered. */
  start(container: NewContainer): Promise<void>;
  /** Removes one; whether it is there or not. Throws {@link ProviderError}. */
  remove(id: string): Promise<void>;
}

/** The cluster or engine refused, or did not answer: the message is its own. */
export class ProviderError extends Error {
  readonly code = 'provider';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProviderError';
  }
}

/** What every container of an installation of ours is marked with. */
export const LABELS = { owner: 'icefall.dev/master', pool: 'icefall.dev/pool', worker: 'icefall.dev/worker' } as const;
/** Where it is marked with the image that it was asked for: that it runs may have another name by then. */
export const IMAGE_MARK = 'icefall.dev/image';
