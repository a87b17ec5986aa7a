import type { ReportEntry, Reporter } from '@icefall/shared';

/** One that has nothing to do, and one whose server is gone. */
export function listReporters(now: number): { reporters: Reporter[] } {
  const idle: Reporter = {
    ...{ name: 'mail', kind: 'mail', cursor: 1042, waiting: 0, waitingSince: null, tries: 0, nextTryAt: null },
    ...{ lastError: null, lastErrorAt: null, lastDeliveredAt: now - 400_000, delivered: 117, givenUp: 1 },
  };
  const stuck: Reporter = {
    ...{ ...idle, name: 'status', kind: 'commitStatus', waiting: 4, waitingSince: now - 900_000, tries: 9 },
    ...{
      nextTryAt: now + 200_000,
      lastError: 'https://gitlab.example.org/api/v4 does not answer: connect ECONNREFUSED',
    },
  };
  return { reporters: [idle, stuck] };
}

export function listReports(now: number): { reports: ReportEntry[]; next: null } {
  const refused: ReportEntry = {
    ...{ id: 312, reporter: 'mail', buildId: 4, moment: 'end', at: now - 4_000_000, state: 'givenUp', tries: 1 },
    ...{ nextTryAt: null, doneAt: now - 4_000_000, note: 'refused: 550 5.1.1 no such user' },
  };
  return { reports: [refused], next: null };
}
