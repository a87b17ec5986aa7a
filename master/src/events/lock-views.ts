import type { Lock, LockHolder, lockWaiterSchema } from '@icefall/shared';
import type { z } from 'zod';
import { isPathLock, type LockDeclaration, lockOfKey } from '../config/locks.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { lockUses } from '../config/whole.ts';
import type { Statements } from '../db/rows.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { LockClaimRow } from '../locks/lock-keeper.ts';

type LockWaiter = z.infer<typeof lockWaiterSchema>;

/** What a claim's holder is, as far as the database knows it. */
export interface NamedClaimRow {
  readonly request_id: number | null;
  readonly build_id: number | null;
  readonly step_number: number | null;
  readonly builder: string | null;
  readonly build_number: number | null;
  readonly step_name: string | null;
}

type ClaimRow = LockClaimRow & NamedClaimRow;

/**
 * `request:ID`, `build:ID` and `step:BUILD.NUMBER` of a table's holders taken apart, in SQL, so that all claims come with
 * one query.
 */
export const namedClaims = (table: 'lock_claims' | 'lock_uses') => `
  WITH claim AS (
    SELECT *, substr(holder, 1, instr(holder, ':') - 1) AS what, substr(holder, instr(holder, ':') + 1) AS key
      FROM ${table}
  ), named AS (
    SELECT *,
      CASE what WHEN 'request' THEN CAST(key AS INTEGER) END AS request_id,
      CASE what WHEN 'request' THEN NULL WHEN 'build' THEN CAST(key AS INTEGER)
        ELSE CAST(substr(key, 1, instr(key, '.') - 1) AS INTEGER) END AS build_id,
      CASE what WHEN 'step' THEN CAST(substr(key, instr(key, '.') + 1) AS INTEGER) END AS step_number
      FROM claim
  )
  SELECT named.*, COALESCE(builds.builder, requests.builder) AS builder, builds.number AS build_number,
      steps.name AS step_name
    FROM named
    LEFT JOIN requests ON requests.id = named.request_id
    LEFT JOIN builds ON builds.id = named.build_id
    LEFT JOIN steps ON steps.build_id = named.build_id AND steps.number = named.step_number`;
const CLAIMS = namedClaims('lock_claims');

/** Locks with who holds them and who waits. */
export class LockViews {
  readonly #db: Statements;
  readonly #config: SiteConfig;
  readonly #now: () => number;
  #declared: { readonly site: SiteDeclaration; readonly locks: ReadonlyMap<string, LockDeclaration> } | null = null;

  constructor(db: Statements, config: SiteConfig, now: () => number) {
    this.#db = db;
    this.#config = config;
    this.#now = now;
  }

  /**
   * All configured locks in the site's order, then those that left the configuration while somebody holds them, and the
   * parts of path locks that somebody holds or waits for.
   */
  all(): Lock[] {
    const claims = this.#db.all<ClaimRow>(`${CLAIMS} ORDER BY named.seq, named.id`);
    const byLock = Map.groupBy(claims, (claim) => claim.lock);
    const keys = new Set([...this.#byKey().keys(), ...byLock.keys()]);
    return [...keys].map((key) => this.#view(key, byLock.get(key) ?? []));
  }

  /** The lock with a key; one that nobody knows any more is free and empty. */
  lock(key: string): Lock {
    return this.#view(key, this.#db.all<ClaimRow>(`${CLAIMS} WHERE named.lock = ? ORDER BY named.seq, named.id`, key));
  }

  #byKey(): ReadonlyMap<string, LockDeclaration> {
    const { site } = this.#config;
    if (this.#declared?.site !== site) this.#declared = { site, locks: locksByKey(site) };
    return this.#declared.locks;
  }

  #view(key: string, claims: readonly ClaimRow[]): Lock {
    const { name, worker } = lockOfKey(key);
    const declaration = this.#byKey().get(worker === null ? name : key);
    const maxCount = (worker === null ? undefined : declaration?.maxCountForWorker[worker]) ?? declaration?.maxCount;
    const waiters = claims.filter((claim) => claim.granted_at === null).map((claim, i) => waiterOf(claim, i + 1));
    return {
      name: key,
      scope: worker === null ? 'master' : 'worker',
      worker,
      // As the lock table treats a lock that is not configured.
      maxCount: maxCount ?? 1,
      ofPaths: declaration !== undefined && isPathLock(declaration),
      holders: claims.filter((claim) => claim.granted_at !== null).map(holderOf),
      waiters,
      alarm: this.#alarm(waiters, declaration?.alarmAfterMs ?? null),
    };
  }

  #alarm(waiters: readonly LockWaiter[], afterMs: number | null): Lock['alarm'] {
    const [first] = [...waiters].sort((a, b) => a.since - b.since);
    if (first === undefined || afterMs === null || this.#now() < first.since + afterMs) return null;
    return { waiter: first, since: first.since + afterMs };
  }
}

/** Keys of every configured lock: a worker lock is one for each worker whose builds can ask for it. */
function locksByKey(site: SiteDeclaration): Map<string, LockDeclaration> {
  const uses = Map.groupBy(lockUses(site), (use) => use.lock);
  const keys = new Map<string, LockDeclaration>();
  for (const lock of site.locks) {
    if (lock.scope === 'master') keys.set(lock.name, lock);
    const workers = new Set(uses.get(lock)?.flatMap((use) => use.workers));
    if (lock.scope === 'worker')
      for (const worker of site.workers) if (workers.has(worker)) keys.set(`${lock.name}@${worker.name}`, lock);
  }
  return keys;
}

/** A claim is a request's only until it becomes a build, in the turn of the grant; 0 stands for "no build yet". */
export function holderOf(claim: ClaimRow): LockHolder {
  return {
    buildId: claim.build_id ?? 0,
    builder: claim.builder ?? '',
    buildNumber: claim.build_number ?? 0,
    stepNumber: claim.step_number,
    stepName: claim.step_name,
    mode: claim.mode,
    count: claim.count,
    since: claim.granted_at ?? claim.queued_at,
  };
}

function waiterOf(claim: ClaimRow, position: number): LockWaiter {
  return {
    position,
    buildId: claim.build_id,
    requestId: claim.request_id,
    builder: claim.builder ?? '',
    buildNumber: claim.build_number,
    stepNumber: claim.step_number,
    stepName: claim.step_name,
    mode: claim.mode,
    count: claim.count,
    since: claim.queued_at,
  };
}
