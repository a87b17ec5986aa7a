import { delimiter, join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Servers and tools of Debian that `npm test` fetched, after what the machine has; a user's PATH lacks administrators' folders.
const fetched = join(import.meta.dirname, 'node_modules/.cache/debian-programs/bin');
process.env.PATH = [process.env.PATH, '/usr/sbin', '/sbin', fetched].join(delimiter);

const node = { environment: 'node' as const, pool: 'forks' as const };
const beside = '{master,worker,shared,config,docker,docs,k8s,scripts}/**';
const notOurs = ['**/node_modules/**', '**/dist/**'];
/**
 * Unit tests that are not among the quick ones: they start many processes, publish whole repositories, check types, walk
 * every route there is, or hash passwords as slowly as they must be.
 */
const slow = [
  'config/embedded/build-scripts.test.ts',
  'docs/readme.test.ts',
  'k8s/manifests.test.ts',
  'config/pipeline.test.ts',
  'master/src/changes/git-*.test.ts',
  'master/src/cli/main.test.ts',
  'master/src/config/loader.test.ts',
  'master/src/config/trial.test.ts',
  'master/src/config/type-errors.test.ts',
  'master/src/cli/access.test.ts',
  'master/src/http/access.test.ts',
  'master/src/http/acting.test.ts',
  'master/src/http/fuzzing.test.ts',
  'master/src/http/matrix.test.ts',
  'master/src/http/proxies.test.ts',
  'master/src/storage/backup.test.ts',
  'master/src/workers/worker-certificate.test.ts',
  'master/src/projects/git-reader.test.ts',
  'worker/src/agent.test.ts',
  'worker/src/commands/git/checkout.test.ts',
  'worker/src/commands/shell.test.ts',
  'worker/src/main.test.ts',
  'worker/src/processes/run.test.ts',
  'worker/src/secrets/secrets.test.ts',
  'worker/src/stratum0/*.test.ts',
  'worker/src/stratum0/{history,objects,transaction,tree,trust,verbs}/*.test.ts',
];

export default defineConfig({
  test: {
    maxWorkers: '100%',
    projects: [
      {
        test: {
          ...node,
          name: 'unit',
          include: [`${beside}/*.test.{ts,tsx}`],
          exclude: [...notOurs, ...slow],
          testTimeout: 30_000,
        },
      },
      { test: { ...node, name: 'slow', include: slow, exclude: notOurs, testTimeout: 60_000 } },
      {
        test: {
          ...node,
          name: 'system',
          include: ['tests/**/*.test.ts'],
          exclude: notOurs,
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
