import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Project } from '@icefall/shared';
import { AuditLog } from '../access/audit-log.ts';
import { Changes } from '../changes/changes.ts';
import { Webhooks } from '../changes/webhooks.ts';
import { builder, factory } from '../config/builders.ts';
import { webhook } from '../config/changes.ts';
import { textField } from '../config/fields.ts';
import { masterLock, workerLock } from '../config/locks.ts';
import { takeProblems } from '../config/problems.ts';
import { forceScheduler, nightlyScheduler } from '../config/schedulers.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { worker } from '../config/workers.ts';
import { openDatabase } from '../db/database.ts';
import { Core } from '../engine/core.ts';
import { SiteConfig } from '../engine/site-config.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { BuildViews } from '../events/build-views.ts';
import { StepViews } from '../events/step-views.ts';
import { LogStore } from '../logs/log-store.ts';
import { Reporters } from '../reporters/reporters.ts';
import { Buildsets } from '../requests/buildsets.ts';
import { Requests } from '../requests/requests.ts';
import { Schedulers } from '../schedulers/schedulers.ts';
import { shell } from '../steps/shell.ts';
import type { WorkerPresence } from '../workers/presence.ts';
import { ActionError, type MasterPort } from './master-port.ts';

/** For tests: a master of real rooms, whose actions on builds and workers are simple and noted down. */

/** 2025-06-02 12:00 UTC. */
export const NOW = Date.UTC(2025, 5, 2, 12);
export const REPOSITORY = 'https://git.example.org/scripts.git';

const tree = masterLock('tree', { maxCount: 100 });
const disk = workerLock('disk', { maxCount: 2, maxCountForWorker: { w2: 5 } });
const [w1, w2] = [worker({ name: 'w1', maxBuilds: 2 }), worker({ name: 'w2', locks: [disk.counting()] })];
const build = shell({ name: 'build', command: ['make'], locks: [tree.counting()] });
const linux = builder({
  name: 'linux',
  group: 'platforms',
  tags: ['fast'],
  workers: [w1, w2],
  factory: factory([build]),
});
const docs = builder({ name: 'docs', workers: [w1], factory: factory([]), locks: [tree.exclusive()] });
const force = forceScheduler({
  name: 'force',
  builders: [linux, docs],
  codebases: { '': { repository: REPOSITORY, branch: 'main' } },
  fields: [textField({ name: 'variant', required: true, pattern: '[a-z0-9.]+' })],
});
const nightly = nightlyScheduler({
  name: 'nightly',
  cron: '0 2 * * *',
  builders: [linux],
  codebases: { '': { repository: REPOSITORY, branch: 'main' } },
});

const declared = {
  title: 'Test site',
  workers: [w1, w2],
  builders: [linux, docs],
  schedulers: [force, nightly],
  changeSources: [webhook('gitea')],
};
export const SITE: SiteDeclaration = site(declared);
/** The same, with an address of its own. */
export const SITE_WITH_URL: SiteDeclaration = site({ ...declared, url: 'https://ci.example.org' });
const problems = takeProblems();
if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));

/** As a seed scheduler would tell of them. */
const PROJECTS: Project[] = [
  {
    name: 'widgets',
    repository: 'https://git.example.org/widgets.git',
    branch: 'main',
    file: 'icefall.yml',
    state: 'ok',
    pipelineRevision: '5f1c2a90',
    readRevision: '5f1c2a90',
    readAt: NOW,
    builders: ['widgets-debian12'],
    errors: [],
    trust: { pullRequests: 'restricted', forks: 'none', platforms: ['debian12'] },
  },
];

export class TestSite implements AsyncDisposable {
  readonly clock = new VirtualClock(NOW);
  readonly directory = mkdtempSync(join(tmpdir(), 'icefall-http-'));
  readonly core: Core;
  readonly config: SiteConfig;
  readonly audit: AuditLog;
  readonly logs: LogStore;
  readonly changes: Changes;
  readonly schedulers: Schedulers;
  readonly buildsets: Buildsets;
  readonly requests: Requests;
  readonly port: MasterPort;
  /** What was logged as a warning or an error. */
  readonly complaints: string[] = [];
  /** What the master was asked to do. */
  readonly deeds: string[] = [];
  readonly presence = new Map<string, WorkerPresence>();
  /** What the next reload does. */
  reload: () => Promise<{ configVersion: number }> = () => Promise.resolve({ configVersion: 2 });

  constructor(declaration = SITE) {
    const note = (_fields: object, message: string) => this.complaints.push(message);
    this.core = new Core({
      database: openDatabase(':memory:'),
      clock: this.clock,
      random: { next: () => 0.5 },
      log: { info: () => {}, warn: note, error: note },
    });
    this.config = new SiteConfig(declaration, 1);
    this.audit = new AuditLog(this.core, this.config);
    this.buildsets = new Buildsets(this.core);
    this.requests = new Requests(this.core, this.buildsets);
    this.changes = new Changes(this.core, this.config);
    this.schedulers = new Schedulers(this.core, this.config, this.buildsets, this.changes);
    this.logs = new LogStore(this.core, join(this.directory, 'logs'));
    this.schedulers.start();
    this.port = this.#port();
  }

  #port(): MasterPort {
    const { core, config, audit, schedulers, changes, logs } = this;
    const away: WorkerPresence = { connected: false, connectedSince: null, leaving: false, lastRefusal: null };
    return {
      core,
      config,
      audit,
      schedulers,
      changes,
      logs,
      webhooks: new Webhooks(core, config, changes),
      reporters: this.#reporters(),
      version: '0.1.0',
      startedAt: NOW,
      configErrors: [],
      drainingSince: null,
      projects: {
        all: () => PROJECTS,
        project: (name) => PROJECTS.find((project) => project.name === name) ?? null,
        read: (name) => Promise.resolve(PROJECTS.find((project) => project.name === name) ?? null),
      },
      setDraining: (isDraining) => this.deeds.push(`drain ${isDraining}`),
      previewForce: (name, request, who) => {
        const { sourceStamps } = schedulers.planned(name, request, who);
        return { sourceStamps: [...sourceStamps], fields: {}, requests: [] };
      },
      worker: (name) => this.presence.get(name) ?? away,
      stopBuild: (id, reason) => this.#stopBuild(id, reason),
      rebuild: (id, owner) => this.#rebuild(id, owner),
      releaseLock: (lock, { buildId, stepNumber }, reason) => {
        this.deeds.push(`release ${lock} of ${buildId}.${stepNumber ?? 'build'}: ${reason}`);
        return 7;
      },
      cancelRequest: (id, reason) => this.#cancelRequest(id, reason),
      setPaused: (name, paused) => this.#setPaused(name, paused),
      shutdownWorker: (name, reason) => this.deeds.push(`shutdown ${name}: ${reason}`),
      issueToken: (name) => {
        this.deeds.push(`token ${name}`);
        return `token-of-${name}`;
      },
      revokeToken: (name) => this.deeds.push(`revoke ${name}`),
      reload: () => this.reload(),
    };
  }

  /** They tell nobody; what is on record is for tests to write. */
  #reporters(): Reporters {
    const { core, config, changes, logs } = this;
    const views = new BuildViews(core.db, new StepViews(core.db, logs));
    const secret = () => Promise.reject(new Error('there are no secrets here'));
    return new Reporters(core, { config, changes, logs, views, secret, now: () => core.now() }, null);
  }

  #stopBuild(id: number, reason: string): void {
    const row = this.#need<{ state: string }>('builds', 'build', id);
    if (row.state === 'finished') throw new ActionError('conflict', `build ${id} has ended`);
    this.core.turn(() => {
      this.core.db.update('builds', { id }, { stop_reason: reason, state: 'finishing' });
      this.core.touch('build', id);
    });
    this.deeds.push(`stop ${id}: ${reason}`);
  }

  #rebuild(id: number, owner: string | null): { buildsetId: number; requestIds: readonly number[] } {
    const { builder: name } = this.#need<{ builder: string }>('builds', 'build', id);
    this.deeds.push(`rebuild ${id}`);
    const made = { scheduler: 'force', reason: 'rebuild', owner, builders: [name], sourceStamps: [], properties: {} };
    return this.core.turn(() => this.buildsets.add({ ...made, priority: 0 }));
  }

  #cancelRequest(id: number, reason: string): void {
    const row = this.#need<{ state: string }>('requests', 'request', id);
    if (row.state !== 'pending') throw new ActionError('conflict', `request ${id} is ${row.state}`);
    this.core.turn(() => this.requests.finish(id, 'CANCELLED'));
    this.deeds.push(`cancel ${id}: ${reason}`);
  }

  #setPaused(name: string, paused: boolean): void {
    this.core.turn(() => {
      this.core.db.run(
        'INSERT INTO workers (name, paused) VALUES (?, ?) ON CONFLICT DO UPDATE SET paused = excluded.paused',
        name,
        paused ? 1 : 0,
      );
      this.core.touch('worker', name);
    });
  }

  #need<Row>(table: string, what: string, id: number): Row {
    const row = this.core.db.one<Row>(`SELECT * FROM ${table} WHERE id = ?`, id);
    if (row === null) throw new ActionError('not_found', `there is no ${what} ${id}`);
    return row;
  }

  /** Lets the next round of events, and the next look at logs, come. */
  settle(): void {
    this.clock.advance(60);
  }

  /** What was done, by the audit log. */
  audits(): { who: string; action: string; object: string }[] {
    return this.core.db.all("SELECT who, action, object FROM audit WHERE result = 'ok' ORDER BY id");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.schedulers.stop();
    this.logs.close();
    rmSync(this.directory, { recursive: true });
  }
}
