import type { BenchCase } from '../bench-case.ts';
import { builders } from './builders.ts';
import { builds } from './builds.ts';
import { dispatch } from './dispatch.ts';
import { history } from './history.ts';
import { log50, log200 } from './log.ts';
import { memory } from './memory.ts';
import { pageHistory } from './page-history.ts';
import { pageLog } from './page-log.ts';
import { pageMany } from './page-many.ts';
import { projects } from './projects.ts';
import { publish, publishMillion } from './publish.ts';
import { steps } from './steps.ts';

/** In the order in which they run. */
export const CASES: readonly BenchCase[] = [
  dispatch,
  builds,
  steps,
  log50,
  log200,
  memory,
  builders,
  projects,
  history,
  pageHistory,
  pageLog,
  pageMany,
  publish,
  publishMillion,
];
