import type { Route } from '../route.ts';
import { auditRoutes } from './audit.ts';
import { badgeRoutes } from './badges.ts';
import { builderRoutes } from './builders.ts';
import { buildRoutes } from './builds.ts';
import { changeRoutes } from './changes.ts';
import { eventRoutes } from './events.ts';
import { hookRoutes } from './hooks.ts';
import { lockRoutes } from './locks.ts';
import { logRoutes } from './logs.ts';
import { metricRoutes } from './metrics.ts';
import { projectRoutes } from './projects.ts';
import { providerRoutes } from './providers.ts';
import { reporterRoutes } from './reporters.ts';
import { requestRoutes } from './requests.ts';
import { schedulerRoutes } from './schedulers.ts';
import { sessionRoutes } from './sessions.ts';
import { systemRoutes } from './system.ts';
import { tokenRoutes } from './tokens.ts';
import { userRoutes } from './users.ts';
import { workerRoutes } from './workers.ts';

/** Every route of the API: what the server serves and what the OpenAPI document describes. */
export const ROUTES: readonly Route[] = [
  ...systemRoutes,
  ...metricRoutes,
  ...eventRoutes,
  ...builderRoutes,
  ...badgeRoutes,
  ...buildRoutes,
  ...requestRoutes,
  ...changeRoutes,
  ...hookRoutes,
  ...reporterRoutes,
  ...schedulerRoutes,
  ...workerRoutes,
  ...lockRoutes,
  ...projectRoutes,
  ...logRoutes,
  ...sessionRoutes,
  ...providerRoutes,
  ...tokenRoutes,
  ...userRoutes,
  ...auditRoutes,
];
