import type {
  AuditEntry,
  Build,
  Buildset,
  Caller,
  Change,
  ForcePreview,
  ForceRequest,
  HookDelivery,
  LockUse,
  Log,
  LogLines,
  Project,
  ReportEntry,
  Reporter,
  Request,
  Snapshot,
  Status,
  Worker,
  WorkerConnection,
} from '@icefall/shared';
import { apiUrl, get, post, type Query } from './client.ts';

/** Every call that the page makes. The paths are the table of docs/architecture.md. */
export const api = {
  status: () => get<Status>('/status'),
  snapshot: (hours: number, builds: number) => get<Snapshot>('/snapshot', { hours, builds }),
  build: (id: number) => get<Build>(`/builds/${id}`),
  buildByNumber: (builder: string, number: number) => get<Build>(`/builders/${part(builder)}/builds/${number}`),
  /** Newest first. `next` is the `before` of those that follow, null where there are none. */
  builds: (query: Query) => get<{ builds: Build[]; next: number | null }>('/builds', query),
  request: (id: number) => get<Request>(`/requests/${id}`),
  change: (id: number) => get<Change>(`/changes/${id}`),
  changes: (query: Query) => get<{ changes: Change[]; next: number | null }>('/changes', query),
  lockUses: (since: number) => get<{ uses: LockUse[] }>('/lock-uses', { since }),
  workerConnections: (since: number) => get<{ connections: WorkerConnection[] }>('/worker-connections', { since }),
  log: (id: number) => get<Log>(`/logs/${id}`),
  buildset: (id: number) => get<Buildset>(`/buildsets/${id}`),
  logLines: (id: number, first: number, limit: number, signal?: AbortSignal) =>
    get<LogLines>(`/logs/${id}/lines`, { first, limit }, signal),

  caller: () => get<Caller>('/session'),
  signIn: (user: string, password: string) => post<Caller>('/session', { user, password }),
  signOut: (everywhere: boolean) => post<{ next: string | null }>('/session/end', { everywhere }),
  createToken: (name: string) => post<{ token: string; expiresAt: number }>('/tokens', { name, mine: true }),
  hookDeliveries: (query: Query) =>
    get<{ deliveries: HookDelivery[]; next: number | null }>('/hooks/deliveries', query),
  reporters: () => get<{ reporters: Reporter[] }>('/reporters'),
  reports: (query: Query) => get<{ reports: ReportEntry[]; next: number | null }>('/reports', query),
  audit: (query: Query) => get<{ entries: AuditEntry[]; next: number | null }>('/audit', query),

  redeliver: (id: number) => post<HookDelivery>(`/hooks/deliveries/${id}/redeliver`),
  resendReport: (id: number) => post<ReportEntry>(`/reports/${id}/resend`),
  stop: (id: number, reason: string) => post(`/builds/${id}/stop`, { reason }),
  rebuild: (id: number) => post<{ buildset: Buildset }>(`/builds/${id}/rebuild`),
  cancel: (id: number, reason: string) => post(`/requests/${id}/cancel`, { reason }),
  force: (scheduler: string, request: ForceRequest) =>
    post<{ buildset: Buildset }>(`/schedulers/${part(scheduler)}/force`, request),
  enable: (scheduler: string, enabled: boolean) => post(`/schedulers/${part(scheduler)}/enable`, { enabled }),
  projects: () => get<{ projects: Project[] }>('/projects'),
  readProject: (name: string) => post<Project>(`/projects/${part(name)}/read`),
  runScheduler: (scheduler: string) => post<{ buildsets: Buildset[] }>(`/schedulers/${part(scheduler)}/run`),
  previewForce: (scheduler: string, request: ForceRequest) =>
    post<ForcePreview>(`/schedulers/${part(scheduler)}/preview`, request),
  pause: (worker: string) => post<Worker>(`/workers/${part(worker)}/pause`),
  sendAway: (worker: string, reason: string) => post<Worker>(`/workers/${part(worker)}/shutdown`, { reason }),
  resume: (worker: string) => post<Worker>(`/workers/${part(worker)}/resume`),
};

/** Where a log is as a file, and as plain text in the browser. */
export const logFile = (id: number) => ({ raw: apiUrl(`/logs/${id}/raw`), download: apiUrl(`/logs/${id}/download`) });

function part(name: string): string {
  return encodeURIComponent(name);
}
