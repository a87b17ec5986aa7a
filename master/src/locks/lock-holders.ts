import type { LockHolder } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import type { LockClaimRow } from './lock-keeper.ts';

interface Named {
  readonly builder: string;
  readonly number: number;
}

/** Who holds a lock (by its key), as people see it: a build, or one of its steps. */
export function lockHolders(core: Core, lock: string): LockHolder[] {
  const rows = core.db.all<LockClaimRow>(
    'SELECT * FROM lock_claims WHERE lock = ? AND granted_at IS NOT NULL ORDER BY granted_at, id',
    lock,
  );
  return rows.flatMap((row) => {
    const match = /^(?:build:(\d+)|step:(\d+)\.(\d+))$/.exec(row.holder);
    const buildId = Number(match?.[1] ?? match?.[2] ?? 0);
    const build = core.db.one<Named>('SELECT builder, number FROM builds WHERE id = ?', buildId);
    if (build === null) return [];
    const stepNumber = match?.[3] === undefined ? null : Number(match[3]);
    return [
      {
        buildId,
        builder: build.builder,
        buildNumber: build.number,
        stepNumber,
        stepName: stepNumber === null ? null : stepName(core, buildId, stepNumber),
        mode: row.mode,
        count: row.count,
        since: row.granted_at ?? row.queued_at,
      },
    ];
  });
}

function stepName(core: Core, buildId: number, number: number): string | null {
  const row = core.db.one<{ name: string }>(
    'SELECT name FROM steps WHERE build_id = ? AND number = ?',
    buildId,
    number,
  );
  return row?.name ?? null;
}
