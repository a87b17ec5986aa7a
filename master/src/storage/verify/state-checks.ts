import type { Database } from '../../db/database.ts';
import { type Finding, REMEDY } from './findings.ts';

/** A fact that holds after every turn. `sql` gives the places where it does not. */
interface Fact {
  readonly broken: string;
  readonly sql: string;
}

/** Places that are told for one fact. */
const MOST_PLACES = 20;

const FACTS: readonly Fact[] = [
  {
    broken: 'it has ended without a result, or has a result without having ended',
    sql: `SELECT 'requests ' || id AS place FROM requests
          WHERE (state = 'finished') <> (result IS NOT NULL) OR (state = 'finished') <> (finished_at IS NOT NULL)
          UNION ALL SELECT 'builds ' || id FROM builds
          WHERE (state = 'finished') <> (result IS NOT NULL) OR (state = 'finished') <> (finished_at IS NOT NULL)
          UNION ALL SELECT 'steps ' || build_id || '.' || number FROM steps WHERE (state = 'finished') <> (result IS NOT NULL)
          UNION ALL SELECT 'buildsets ' || id FROM buildsets WHERE (finished_at IS NULL) <> (result IS NULL)`,
  },
  {
    broken: 'it is being built, but no build of it runs, or more than one',
    sql: `SELECT 'requests ' || id AS place FROM requests WHERE state = 'building'
          AND (SELECT COUNT(*) FROM builds WHERE request_id = requests.id AND builds.state <> 'finished') <> 1`,
  },
  {
    broken: 'it runs, but its request is not being built',
    sql: `SELECT 'builds ' || builds.id AS place FROM builds JOIN requests ON requests.id = request_id
          WHERE builds.state <> 'finished' AND requests.state <> 'building'`,
  },
  {
    broken: 'it has ended, but one of its steps has not',
    sql: `SELECT 'steps ' || build_id || '.' || steps.number AS place FROM steps JOIN builds ON builds.id = build_id
          WHERE builds.state = 'finished' AND steps.state IN ('running', 'waitingForLocks')`,
  },
  {
    broken: 'it has ended before its requests, or they before it',
    sql: `SELECT 'buildsets ' || id AS place FROM buildsets WHERE (finished_at IS NOT NULL) <>
          NOT EXISTS (SELECT 1 FROM requests WHERE buildset_id = buildsets.id AND state <> 'finished')`,
  },
  {
    broken: 'it went into a request that does not exist, or that has ended before it',
    sql: `SELECT 'requests ' || r.id AS place FROM requests AS r LEFT JOIN requests AS o ON o.id = r.collapsed_into
          WHERE r.collapsed_into IS NOT NULL AND (o.id IS NULL OR (o.state = 'finished' AND r.state <> 'finished'))`,
  },
  {
    broken: 'it belongs to no step that runs, or to another attempt',
    sql: `SELECT 'commands ' || c.id AS place FROM commands AS c
          LEFT JOIN builds AS b ON b.id = c.build_id
          LEFT JOIN steps AS s ON s.build_id = c.build_id AND s.number = c.step_number
          WHERE s.state IS NULL OR s.state <> 'running' OR b.state = 'finished' OR b.epoch <> c.epoch`,
  },
  {
    broken: 'it is held by, or waited for, somebody who has ended or does not exist',
    sql: `SELECT 'lock_claims ' || id || ' (' || lock || ' for ' || holder || ')' AS place FROM lock_claims
          WHERE NOT (
            (holder LIKE 'request:%' AND EXISTS (SELECT 1 FROM requests
              WHERE id = CAST(substr(holder, 9) AS INTEGER) AND state = 'pending'))
            OR (holder LIKE 'build:%' AND EXISTS (SELECT 1 FROM builds
              WHERE id = CAST(substr(holder, 7) AS INTEGER) AND state <> 'finished'))
            OR (holder LIKE 'step:%' AND EXISTS (SELECT 1 FROM steps JOIN builds ON builds.id = build_id
              WHERE 'step:' || build_id || '.' || steps.number = holder
                AND build_id = CAST(substr(holder, 6) AS INTEGER)
                AND (steps.state <> 'finished' OR granted_at IS NOT NULL) AND builds.state <> 'finished')))`,
  },
  {
    broken: 'one holds it alone, and others hold it too',
    sql: `SELECT 'lock_claims of ' || lock AS place FROM lock_claims WHERE granted_at IS NOT NULL
          GROUP BY lock HAVING SUM(mode = 'exclusive') > 0 AND COUNT(*) > 1`,
  },
  {
    broken: 'it has ended, and holds a slot of its worker',
    sql: "SELECT 'builds ' || id AS place FROM builds WHERE state = 'finished' AND holds_slot <> 0",
  },
  {
    broken: 'it belongs to no step',
    sql: `SELECT 'logs ' || logs.id AS place FROM logs
          LEFT JOIN steps ON steps.build_id = logs.build_id AND steps.number = logs.step_number
          WHERE steps.build_id IS NULL`,
  },
  {
    broken: 'the build that triggered it does not exist',
    sql: `SELECT 'buildsets ' || id AS place FROM buildsets WHERE parent_build_id IS NOT NULL
          AND parent_build_id NOT IN (SELECT id FROM builds)`,
  },
  {
    broken: 'its epoch is higher than the highest on record: it might be given again',
    sql: `SELECT 'builds ' || id AS place FROM builds
          WHERE epoch > (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'epoch')`,
  },
];

/** Rows against each other: what the engine keeps true over every turn. */
export function checkState(db: Database): Finding[] {
  return FACTS.flatMap(({ broken, sql }) => {
    const places = db.prepare<[], { place: string }>(sql).all();
    const findings = places
      .slice(0, MOST_PLACES)
      .map(({ place }): Finding => ({ severity: 'damage', place, message: broken, remedy: REMEDY.report }));
    const more = places.length - MOST_PLACES;
    if (more <= 0) return findings;
    return [...findings, { severity: 'damage', place: `${more} more`, message: broken, remedy: REMEDY.report }];
  });
}
