import type { Build, Change } from '@icefall/shared';
import { collectProblems } from '../config/problems.ts';
import type { Report } from './report.ts';

/** For tests: a build of a push, as reporters are given it. */
export const REVISION = 'a1'.repeat(20);
const AT = Date.UTC(2025, 5, 2, 12);

export const CHANGE: Change = {
  ...{
    id: 3,
    author: 'Ada <ada@example.org>',
    committer: null,
    message: 'Mend the gate\n\nAt last.',
    revision: REVISION,
  },
  ...{ branch: 'main', repository: 'https://git.example.org/group/widgets.git', codebase: '', project: '' },
  ...{ category: null, files: ['gate.c'], link: null, properties: {}, source: 'webhook:gitea', at: AT, receivedAt: AT },
  commits: [
    { revision: 'b2'.repeat(20), author: 'Bob <bob@elsewhere.example>', message: 'Try the gate', at: AT },
    { revision: REVISION, author: 'Ada <ada@example.org>', message: 'Mend the gate\n\nAt last.', at: AT },
  ],
};

const BUILD: Build = {
  ...{ id: 17, builder: 'linux', number: 5, requestId: 2, buildsetId: 2, attempt: 1, worker: 'w1', state: 'finished' },
  ...{ result: 'FAILURE', submittedAt: AT, startedAt: AT, finishedAt: AT + 200_000, summary: 'compile failed' },
  ...{
    reason: 'a change on main',
    owner: null,
    scheduler: 'main',
    changeIds: [3],
    parentBuildId: null,
    properties: {},
  },
  ...{ stopReason: null, graceUntil: null, estimateMs: null, steps: [] },
  sourceStamps: [{ codebase: '', repository: CHANGE.repository, branch: 'main', revision: REVISION, project: '' }],
};

export function reportOf({ build = {}, ...more }: Partial<Omit<Report, 'build'>> & { build?: Partial<Build> }): Report {
  return {
    ...{
      site: { title: 'Test', url: 'https://ci.example.org' },
      moment: 'end',
      url: 'https://ci.example.org/builds/17',
    },
    ...{ previous: 'SUCCESS', changes: [CHANGE], failed: null, build: { ...BUILD, ...build } },
    ...more,
  };
}

/** A declaration without mistakes. */
export function rightly<T>(declare: () => T): T {
  const { value, problems } = collectProblems(declare);
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return value;
}
