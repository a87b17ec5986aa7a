import type { Result, SourceStamp } from '@icefall/shared';
import { fromColumn, type Statements, toColumn } from '../db/rows.ts';
import { checkedOut } from '../requests/checked-out.ts';
import { type BuildFacts, SILENT_RESULTS } from './choice.ts';

/** Builds that are looked back at for one of the same branches; a branch that is older than these is new. */
const MOST_LOOKED_BACK = 200;

interface FactsRow {
  readonly builder: string;
  readonly state: string;
  readonly result: Result | null;
  readonly got: string | null;
  readonly source_stamps: string;
}

/** The facts of a build as it is now; null: it is no more. `tagsOf` gives the tags of a builder. */
export function factsOf(db: Statements, id: number, tagsOf: (builder: string) => readonly string[]): BuildFacts | null {
  const row = db.one<FactsRow>(
    `SELECT b.builder, b.state, b.result, json_extract(b.properties, '$.got_revision') AS got, s.source_stamps
     FROM builds b JOIN buildsets s ON s.id = b.buildset_id WHERE b.id = ?`,
    id,
  );
  if (row === null) return null;
  const got = row.got === null ? null : fromColumn<{ readonly value: unknown }>(row.got).value;
  const sourceStamps = fromColumn<SourceStamp[]>(row.source_stamps).map((stamp) => checkedOut(stamp, got));
  const result = row.state === 'finished' ? row.result : null;
  const previous = result === null ? null : previousOf(db, id, row.builder, sourceStamps);
  return { builder: row.builder, tags: tagsOf(row.builder), sourceStamps, result, previous };
}

function previousOf(db: Statements, id: number, builder: string, stamps: readonly SourceStamp[]): Result | null {
  const branches = toColumn(stamps.map(({ codebase, branch }) => [codebase, branch]));
  const row = db.one<{ result: Result }>(
    `SELECT result FROM (
       SELECT b.id, b.result, s.source_stamps FROM builds b JOIN buildsets s ON s.id = b.buildset_id
       WHERE b.builder = ? AND b.id < ? ORDER BY b.id DESC LIMIT ${MOST_LOOKED_BACK}
     ) WHERE result IS NOT NULL AND result NOT IN (SELECT value FROM json_each(?)) AND ? = (
       SELECT json_group_array(json_array(value ->> 'codebase', value ->> 'branch')) FROM json_each(source_stamps)
     ) ORDER BY id DESC LIMIT 1`,
    ...[builder, id, toColumn(SILENT_RESULTS), branches],
  );
  return row?.result ?? null;
}
