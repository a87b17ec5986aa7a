import type { Owned } from '../access/owners.ts';
import type { Door } from './door.ts';
import { HttpProblem } from './errors.ts';

/**
 * Requests that may wait for one builder when somebody asks for another one: a builder that builds one a minute is busy
 * for a week. What changes, clocks and triggers ask for is never turned away: nobody would ask again.
 */
export const MOST_WAITING = 10_000;

/** Throws {@link HttpProblem} `queue_full`. */
export function mustHaveRoom({ master }: Door, { builders }: Owned): void {
  const sql = "SELECT COUNT(*) AS n FROM (SELECT 1 FROM requests WHERE builder = ? AND state = 'pending' LIMIT ?)";
  for (const builder of builders) {
    const { n = 0 } = master.core.db.one<{ n: number }>(sql, builder, MOST_WAITING) ?? {};
    if (n >= MOST_WAITING)
      throw new HttpProblem(
        'queue_full',
        `${MOST_WAITING} requests wait for builder "${builder}" already; cancel some (icefall cancel), or wait`,
      );
  }
}
