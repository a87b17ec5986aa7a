import type { ForcePreview, ForceRequest, Project } from '@icefall/shared';
import type { AuditLog } from '../access/audit-log.ts';
import type { Webhooks } from '../changes/webhooks.ts';
import type { ViewedMaster } from '../events/viewed-master.ts';
import type { Reporters } from '../reporters/reporters.ts';

/** An action that is refused: `not_found` for what does not exist, `conflict` for what its state does not allow. */
export class ActionError extends Error {
  readonly code: 'not_found' | 'conflict';
  constructor(code: 'not_found' | 'conflict', message: string) {
    super(message);
    this.name = 'ActionError';
    this.code = code;
  }
}

/** A build that holds a lock, or one of its steps. */
export interface LockHolderRef {
  readonly buildId: number;
  readonly stepNumber: number | null;
}

/** Repositories that declare their own pipelines. */
export interface ProjectsPort {
  /** In the site's order. */
  all(): Project[];
  project(name: string): Project | null;
  /** Reads its pipeline now, and puts it in force. Null: there is no such project. */
  read(name: string): Promise<Project | null>;
}

/** The master as its door sees it. Every action is one turn; those that are refused throw {@link ActionError}. */
export interface MasterPort extends ViewedMaster {
  readonly audit: AuditLog;
  readonly webhooks: Webhooks;
  readonly reporters: Pick<Reporters, 'all' | 'reports' | 'resend' | 'backlog'>;
  readonly projects: ProjectsPort;
  setDraining(isDraining: boolean): void;
  stopBuild(buildId: number, reason: string): void;
  /** What a filled-in form would start now; nothing is started. Throws SchedulerError as `schedulers.force` does. */
  previewForce(scheduler: string, request: ForceRequest, who: string | null): ForcePreview;
  /** Asks for the same again: sources, properties and builder of a build. */
  rebuild(buildId: number, owner: string | null): { buildsetId: number; requestIds: readonly number[] };
  /**
   * Takes a lock from its holder by force: the build is stopped without clean-up. Gives the fencing number of the grant
   * that ends with it.
   */
  releaseLock(lock: string, holder: LockHolderRef, reason: string): number;
  cancelRequest(requestId: number, reason: string): void;
  setPaused(worker: string, paused: boolean): void;
  /** Tells a worker to finish what it runs and leave. */
  shutdownWorker(worker: string, reason: string): void;
  /** Makes a new token for a worker that the site declares without one; it is shown this once. */
  issueToken(worker: string): string;
  /** Ends a worker's token, and its connection. */
  revokeToken(worker: string): void;
  /** Loads the site's program again. Throws ConfigError with every mistake. */
  reload(): Promise<{ configVersion: number }>;
}
