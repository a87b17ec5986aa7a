import type { EventData, EventKind, Snapshot, Status } from '@icefall/shared';
import type { Grants } from './grants.ts';
import type { Owners } from './owners.ts';

/**
 * What somebody may view of the resources that answers and events carry. Names of builders that a visible thing mentions
 * (who holds the lock it waits for) are no secret: what those builders do is.
 */
export class Sight {
  readonly #grants: Grants;
  readonly #owners: Owners;
  /** Everything is seen, as it is. */
  readonly isWhole: boolean;

  constructor(grants: Grants, owners: Owners) {
    this.#grants = grants;
    this.#owners = owners;
    this.isWhole = grants.mayOnSite('view');
  }

  /** The builders that are seen; undefined: all. */
  get builders(): readonly string[] | undefined {
    const scope = this.#grants.scopeOf('view');
    return scope === 'all' ? undefined : [...scope];
  }

  /** The resource as it is shown, itself where all of it may be seen; null for what may not. */
  see<K extends EventKind, T extends EventData[K]>(kind: K, data: T): T | null {
    if (this.isWhole) return data;
    if (isStatus(kind, data)) return { ...data, configErrors: [], alarms: [] };
    const builders = this.#owners.of(kind, data);
    const isSeen = builders?.some((builder) => this.#grants.may('view', builder)) ?? this.#grants.mayAnywhere('view');
    return isSeen ? data : null;
  }

  only<K extends EventKind, T extends EventData[K]>(kind: K, list: readonly T[]): T[] {
    return list.map((data) => this.see(kind, data)).filter((data) => data !== null);
  }

  status(status: Status): Status {
    return this.see('config', status) ?? status;
  }

  snapshot(all: Snapshot): Snapshot {
    if (this.isWhole) return all;
    return {
      ...all,
      status: this.status(all.status),
      builders: this.only('builder', all.builders),
      builds: this.only('build', all.builds),
      requests: this.only('request', all.requests),
      changes: this.only('change', all.changes),
      workers: this.only('worker', all.workers),
      locks: this.only('lock', all.locks),
      schedulers: this.only('scheduler', all.schedulers),
    };
  }
}

/** A site's mistakes and alarms tell of everything; they are for those who see everything. */
function isStatus<T extends EventData[EventKind]>(kind: EventKind, data: T): data is T & Status {
  return kind === 'config' && 'configErrors' in data;
}
