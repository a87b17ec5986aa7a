import type { Build, EventKind, MasterEvent, Request, Snapshot, Step } from '@icefall/shared';
import {
  makeBuild,
  makeBuilder,
  makeChange,
  makeRequest,
  makeSnapshot,
  makeStep,
} from '@icefall/shared/testing/resources';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EventHandlers } from '../api/stream.ts';
import { createLive } from './live.ts';
import { createStore, type Store } from './store.ts';

/** Finished builds in a snapshot: fewer than a run makes, so that some are never seen. */
const SNAPSHOT_BUILDS = 5;

/** What a master knows and tells: the newest of each resource, at the number of the turn that touched it last. */
class Master {
  seq = 100;
  readonly builds = new Map<number, Build>();
  readonly requests = new Map<number, Request>();
  readonly touched = new Map<string, { seq: number; kind: EventKind; key: string }>();
  loads = 1;

  touch(kind: EventKind, key: string): void {
    this.seq += 1;
    this.touched.delete(`${kind} ${key}`);
    this.touched.set(`${kind} ${key}`, { seq: this.seq, kind, key });
  }

  /** A build begins; the steps of its first turn are touched before it, as the engine does at times. */
  begin(): void {
    const id = this.builds.size + 1;
    const steps = [makeStep({ buildId: id, number: 0, state: 'running', result: null, finishedAt: null })];
    this.builds.set(id, makeBuild({ id, state: 'running', result: null, startedAt: id, finishedAt: null, steps }));
    this.requests.set(id, makeRequest({ id, state: 'building', buildIds: [id] }));
    this.touch('step', `${id}.0`);
    this.touch('build', String(id));
    this.touch('request', String(id));
    this.touch('builder', 'alma9');
  }

  change(which: number, change: (build: Build) => { build: Build; touched: [EventKind, string][] }): void {
    const running = [...this.builds.values()].filter((build) => build.finishedAt === null);
    const chosen = running[which % Math.max(1, running.length)];
    if (chosen === undefined) return;
    const { build, touched } = change(chosen);
    this.builds.set(build.id, build);
    for (const [kind, key] of touched) this.touch(kind, key);
  }

  data(kind: EventKind, key: string): unknown {
    if (kind === 'request') return this.requests.get(Number(key));
    if (kind === 'builder') return this.builder();
    if (kind === 'change') return makeChange({ id: Number(key) });
    if (kind === 'config') return makeSnapshot().status;
    const [id, number] = key.split('.').map(Number);
    const { steps = [], ...head } = this.builds.get(id ?? 0) ?? {};
    return kind === 'build' ? head : steps.find((step) => step.number === number);
  }

  builder() {
    const running = [...this.builds.values()].filter((build) => build.finishedAt === null);
    return makeBuilder({ runningBuilds: running.length, description: `load ${this.loads}` });
  }

  /** What happened after an event, each resource once and as it is now. */
  after(seq: number): MasterEvent[] {
    return [...this.touched.values()]
      .filter((one) => one.seq > seq)
      .map((one) => ({ ...one, at: 0, data: this.data(one.kind, one.key) }) as MasterEvent);
  }

  snapshot(): Snapshot {
    const all = [...this.builds.values()].sort((a, b) => b.id - a.id);
    const finished = all.filter((build) => build.finishedAt !== null).slice(0, SNAPSHOT_BUILDS);
    return makeSnapshot({
      seq: this.seq,
      builders: [this.builder()],
      builds: all.filter((build) => build.finishedAt === null || finished.includes(build)),
      since: finished.at(-1)?.finishedAt ?? 0,
      more: all.length > SNAPSHOT_BUILDS,
      requests: [...this.requests.values()].filter((request) => request.state !== 'finished'),
      changes: [...this.touched.values()]
        .filter(({ kind }) => kind === 'change')
        .map(({ key }) => makeChange({ id: Number(key) })),
    });
  }
}

/** A page whose network and clock do only what they are told. */
class Visitor {
  readonly store: Store = createStore();
  readonly #master: Master;
  #snapshots: ((snapshot: Snapshot) => void)[] = [];
  #stream: { seq: number; handlers: EventHandlers } | null = null;
  #timers: { work: () => void; off: boolean }[] = [];
  readonly #live;

  constructor(master: Master) {
    this.#master = master;
    this.#live = createLive(this.store, {
      fetchSnapshot: () => new Promise((resolve) => this.#snapshots.push(resolve)),
      openEvents: (seq, handlers) => {
        const stream = { seq, handlers };
        this.#stream = stream;
        return () => {
          if (this.#stream === stream) this.#stream = null;
        };
      },
      after: (_ms, work) => {
        const timer = { work, off: false };
        this.#timers.push(timer);
        return () => {
          timer.off = true;
        };
      },
      beforePaint: (work) => work(),
      now: () => 0,
      random: () => 0,
    });
    this.#live.start();
  }

  async answerSnapshots(): Promise<void> {
    for (const answer of this.#snapshots.splice(0)) answer(this.#master.snapshot());
    for (let i = 0; i < 4; i += 1) await Promise.resolve();
  }

  /** The master's next round reaches the page; `twice` as after a cut that lost nothing. */
  deliver(twice: boolean): void {
    const stream = this.#stream;
    if (stream === null) return;
    stream.handlers.opened();
    const events = this.#master.after(stream.seq);
    for (const event of twice ? [...events, ...events] : events) stream.handlers.event(event);
    stream.seq = this.#master.seq;
  }

  cut(): void {
    this.#stream?.handlers.broken();
  }

  reset(): void {
    this.#stream?.handlers.reset();
  }

  /** The computer sleeps, or somebody looks at another page for a while. */
  sleep(): void {
    this.#live.pause();
  }

  wake(): void {
    this.#live.resume();
  }

  ring(): void {
    for (const timer of this.#timers.splice(0)) if (!timer.off) timer.work();
  }

  /** All is well again, for as long as it takes. */
  async settle(): Promise<void> {
    this.wake();
    for (let i = 0; i < 6; i += 1) {
      await this.answerSnapshots();
      this.deliver(false);
      this.ring();
    }
  }
}

const begin = fc.constant((master: Master) => master.begin());
const nextStep = fc.nat().map((which) => (master: Master) => {
  master.change(which, (build) => {
    const number = build.steps.length;
    const ended = build.steps.map((one): Step => ({ ...one, state: 'finished', result: 'SUCCESS', finishedAt: 1 }));
    const steps = [...ended, makeStep({ buildId: build.id, number, state: 'running', result: null })];
    return {
      build: { ...build, steps },
      touched: [
        ['step', `${build.id}.${number}`],
        ['step', `${build.id}.${number - 1}`],
      ],
    };
  });
});
const finish = fc.nat().map((which) => (master: Master) => {
  master.change(which, (build) => {
    const request = master.requests.get(build.requestId) ?? makeRequest({ id: build.id });
    master.requests.set(build.id, { ...request, id: build.id, state: 'finished', result: 'SUCCESS' });
    return {
      build: { ...build, state: 'finished', result: 'SUCCESS', finishedAt: 1000 + master.seq },
      touched: [
        ['build', String(build.id)],
        ['request', String(build.id)],
        ['builder', 'alma9'],
      ],
    };
  });
});
const push = fc.constant((master: Master) => master.touch('change', String(master.seq)));
const reload = fc.constant((master: Master) => {
  master.loads += 1;
  master.touch('config', '');
});
const acts = fc.oneof(
  { weight: 4, arbitrary: begin },
  { weight: 6, arbitrary: nextStep },
  { weight: 4, arbitrary: finish },
  { weight: 2, arbitrary: push },
  { weight: 1, arbitrary: reload },
);
const troubles = fc.oneof(
  { weight: 6, arbitrary: fc.boolean().map((twice) => (page: Visitor) => page.deliver(twice)) },
  { weight: 4, arbitrary: fc.constant((page: Visitor) => page.ring()) },
  { weight: 3, arbitrary: fc.constant((page: Visitor) => page.answerSnapshots()) },
  { weight: 1, arbitrary: fc.constant((page: Visitor) => page.cut()) },
  { weight: 1, arbitrary: fc.constant((page: Visitor) => page.reset()) },
  { weight: 1, arbitrary: fc.constant((page: Visitor) => page.sleep()) },
  { weight: 1, arbitrary: fc.constant((page: Visitor) => page.wake()) },
);
const story = fc.array(fc.record({ act: acts, trouble: fc.option(troubles) }), { maxLength: 60 });

test('after whatever cuts, sleeps, resets and replays, a page shows exactly what a fresh one does', async () => {
  await fc.assert(
    fc.asyncProperty(story, async (moments) => {
      const master = new Master();
      const page = new Visitor(master);
      for (const { act, trouble } of moments) {
        act(master);
        await trouble?.(page);
      }
      await page.settle();
      const fresh = new Visitor(master);
      await fresh.settle();
      for (const name of ['builders', 'workers', 'locks', 'schedulers'] as const)
        expect(page.store[name].all.value).toEqual(fresh.store[name].all.value);
      for (const build of fresh.store.builds.all.value) expect(page.store.builds.peek(build.id)).toEqual(build);
      for (const request of fresh.store.requests.all.value)
        expect(page.store.requests.peek(request.id)).toEqual(request);
      for (const change of fresh.store.changes.all.value) expect(page.store.changes.peek(change.id)).toEqual(change);
      // It may know more of the past than a fresh one, but nothing that is not so.
      for (const build of page.store.builds.all.value) expect(build).toEqual(master.builds.get(build.id));
      for (const request of page.store.requests.all.value) expect(request).toEqual(master.requests.get(request.id));
      const { beforeId, hole } = page.store.history.value;
      expect(hole).toBeNull();
      for (const [id, build] of master.builds) if (id >= beforeId) expect(page.store.builds.peek(id)).toEqual(build);
    }),
    { numRuns: 400, seed: 3 },
  );
});
