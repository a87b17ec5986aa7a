import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Build, changeSchema } from '@icefall/shared';
import { stampsOf } from '../end-to-end/stamps.ts';
import type { Dice } from '../simulation/dice.ts';
import { describeBuild } from '../support/api.ts';
import { TestGround } from '../support/ground.ts';
import { optionsOfProcess } from '../support/options.ts';
import type { TestProcess } from '../support/process.ts';
import type { TestWorker } from '../support/worker.ts';
import { Bed, type Work } from './bed.ts';
import { expectClean, expectLocksKept, expectLog } from './checks.ts';
import { pageOfBuilds } from './history.ts';
import { longestLife, residentMiB, type Sample, sizeMiB } from './memory.ts';
import { testimonyOf } from './witness.ts';

const USAGE = `Usage: npm run soak -- [--minutes 60] [--seed 1] [--keep-master]
Pushes and forced builds without end, and a fault every few seconds; at the end every one of them must be accounted for.
Prints figures as JSON, and ends with 1 if anything is amiss.
  --keep-master  the master is never killed, so that its memory has time to grow`;
const options = optionsOfProcess(USAGE, { numbers: { minutes: 60, seed: 1 }, flags: ['keep-master'] });
const LENGTH_MS = options.minutes * 60_000;
/** Forced builds that may be under way: the two workers together have sixteen slots. */
const MOST_UNDER_WAY = 24;
/** Between two looks at memory. */
const SAMPLE_MS = 10_000;
/** All that is left at the end must come to its end within this time. */
const END_MS = 180_000;

class Soak {
  readonly bed: Bed;
  readonly dice: Dice;
  readonly works: Work[] = [];
  readonly changes: number[] = [];
  readonly samples: Sample[] = [];
  readonly faults: Record<string, number> = {};
  readonly #agents: readonly TestWorker[];
  readonly #begun = performance.now();
  #masterBegun = performance.now();
  /** Of those that are under way; the rest has ended. */
  #underWay: Work[] = [];
  #retried = 0;
  /** When agents were dead, by the clock on the wall. */
  readonly #deaths: { readonly worker: string; readonly from: number; readonly until: number }[] = [];

  constructor(bed: Bed, agents: readonly TestWorker[]) {
    this.bed = bed;
    this.dice = bed.dice;
    this.#agents = agents;
  }

  get over(): boolean {
    return performance.now() - this.#begun > LENGTH_MS;
  }

  get minutes(): number {
    return (performance.now() - this.#begun) / 60_000;
  }

  async work(): Promise<void> {
    await Promise.all([this.#push(), this.#force(), this.#trouble(), this.#sample()]);
  }

  /** Tells of pushes, each until it is accepted. */
  async #push(): Promise<void> {
    for (let n = 1; !this.over; n += 1) {
      const push = { repository: 'r', branch: 'main', revision: `r${n}`, files: ['f'], deliveryId: `push-${n}` };
      const { id } = await this.#insist(() => this.bed.api.post('/changes', push, changeSchema));
      this.changes.push(id);
      await delay(this.dice.duration(100, 3000));
    }
  }

  async #force(): Promise<void> {
    const kinds = ['talks', 'silent', 'anywhere', 'anywhere', 'counting', 'exclusive'] as const;
    for (let n = 1; !this.over; n += 1) {
      await this.#settle();
      if (this.#underWay.length < MOST_UNDER_WAY) {
        const work = await this.#forceOnce(this.dice.pick(kinds), n);
        this.works.push(work);
        this.#underWay.push(work);
      }
      await delay(this.dice.duration(100, 2000));
    }
  }

  /** A request whose answer was lost may have been accepted: the same key gives the same buildset. */
  async #forceOnce(builder: string, n: number): Promise<Work> {
    const key = `${builder}-${n}`;
    const request = { values: { key, rounds: String(this.dice.duration(20, 1000)) } };
    const buildset = await this.#insist(() => this.bed.api.force(builder, request, { 'idempotency-key': key }));
    return { key, buildset };
  }

  async #settle(): Promise<void> {
    const left: Work[] = [];
    for (const work of this.#underWay) {
      const { finishedAt } = await this.#insist(() => this.bed.api.buildset(work.buildset.id));
      if (finishedAt === null) left.push(work);
    }
    this.#underWay = left;
  }

  async #trouble(): Promise<void> {
    while (!this.over) {
      await delay(this.dice.duration(1000, 8000));
      await this.#fault();
    }
  }

  async #fault(): Promise<void> {
    const { bed, dice } = this;
    const agent = dice.pick(this.#agents);
    const faults = {
      'master killed': async () => {
        await bed.restartMaster();
        this.#masterBegun = performance.now();
      },
      'agent killed': async () => {
        const from = Date.now();
        await agent.kill();
        await delay(dice.duration(1, 2000));
        agent.startAgain();
        this.#deaths.push({ worker: agent.name, from, until: Date.now() });
      },
      'link cut': async () => {
        await bed.wire.cut();
        await delay(dice.duration(10, 8000));
        await bed.wire.mend();
      },
      'link stalled': async () => {
        bed.wire.stall();
        await delay(dice.duration(100, 6000));
        bed.wire.flow();
      },
      'half open': async () => bed.wire.halfOpen('worker'),
      'master frozen': () => frozen(bed.master.process, dice.duration(100, 5000)),
      'agent frozen': () => frozen(agent.process, dice.duration(100, 5000)),
    };
    const names = ['agent killed', 'link cut', 'link stalled', 'half open', 'master frozen', 'agent frozen'] as const;
    // Seldom, so that its memory has time to grow.
    const name = dice.chance(0.06) && !options['keep-master'] ? 'master killed' : dice.pick(names);
    await faults[name]();
    this.faults[name] = (this.faults[name] ?? 0) + 1;
  }

  async #sample(): Promise<void> {
    while (!this.over) {
      await delay(SAMPLE_MS);
      const sample = {
        atS: Math.round((performance.now() - this.#begun) / 1000),
        masterMiB: residentMiB(this.bed.master.process),
        agentsMiB: this.#agents.map(({ process }) => residentMiB(process)),
        masterAgeS: Math.round((performance.now() - this.#masterBegun) / 1000),
        databaseMiB: sizeMiB(this.bed.master.directory),
      };
      this.samples.push(sample);
      if (this.samples.length % 6 === 0) console.error(JSON.stringify({ ...sample, works: this.works.length }));
    }
  }

  /** Asks again while nobody answers. */
  async #insist<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        await delay(50);
      }
    }
  }

  /** Everything that was accepted has exactly one result, and what its processes have seen. */
  async account(): Promise<void> {
    const { bed } = this;
    for (const work of this.works) {
      const { result } = await bed.api.finished(work.buildset, END_MS);
      assert.equal(result, 'SUCCESS', work.key);
      const attempts = await bed.attempts(work);
      assert.deepEqual(
        attempts.map((build) => build.result),
        [...attempts.slice(1).map(() => 'RETRY'), 'SUCCESS'],
      );
      this.#retried += attempts.length - 1;
      for (const lost of attempts.slice(0, -1))
        assert.ok(this.#sawDeath(lost), `lost without need: ${describeBuild(lost)}`);
      assert.deepEqual(testimonyOf(bed.witness, work.key).beside, [], `${work.key}: beside its repetition`);
      for (const build of attempts) await expectLog(bed, work.key, build);
    }
    await this.#accountPushes();
    // Steps whose agent was killed have no end; those have held as well, but nobody knows for how long.
    const { intervals } = stampsOf(join(bed.witness, 'stamps'));
    expectLocksKept(intervals);
    await expectClean(bed);
  }

  /** Whether its agent was dead while it was built: nothing else costs an attempt. */
  #sawDeath({ worker, startedAt, finishedAt }: Build): boolean {
    return this.#deaths.some(
      (death) => death.worker === worker && startedAt <= death.until && death.from <= (finishedAt ?? 0),
    );
  }

  async #accountPushes(): Promise<void> {
    const { api } = this.bed;
    await api.waitFor('all pushes to be built', async () => {
      const { runningBuilds, pendingRequests } = (await api.snapshot()).status;
      const calm = await pageOfBuilds(api, 'calm', 1);
      const isLastBuilt = calm[0]?.changeIds.includes(this.changes.at(-1) ?? 0) ?? false;
      return runningBuilds + pendingRequests === 0 && isLastBuilt ? true : null;
    });
    for (const builder of ['at_once', 'calm']) {
      const built = (await pageOfBuilds(api, builder)).filter(({ result }) => result !== 'RETRY');
      assert.ok(built.every(({ result }) => result === 'SUCCESS'));
      const ids = built.flatMap(({ changeIds }) => changeIds).sort((a, b) => a - b);
      assert.deepEqual(
        ids,
        this.changes.toSorted((a, b) => a - b),
        `${builder}: every push built once`,
      );
    }
  }

  figures(): object {
    // None: between two lives.
    const masters = this.samples.map(({ masterMiB }) => masterMiB).filter((mib) => mib > 0);
    const agents = this.samples.flatMap(({ agentsMiB }) => agentsMiB);
    return {
      minutes: Number(this.minutes.toFixed(1)),
      pushes: this.changes.length,
      forced: this.works.length,
      attemptsLost: this.#retried,
      faults: this.faults,
      master: { firstMiB: masters[0], lastMiB: masters.at(-1), mostMiB: Math.max(...masters) },
      agents: { firstMiB: agents[0], lastMiB: agents.at(-1), mostMiB: Math.max(...agents) },
      // The longest life of one master: the slope of its memory.
      longestMasterLife: longestLife(this.samples),
      databaseMiB: this.samples.at(-1)?.databaseMiB,
    };
  }
}

/** Stopped for a while; a process that was ended meanwhile stays so. */
async function frozen(process: TestProcess, ms: number): Promise<void> {
  process.signal('SIGSTOP');
  await delay(ms);
  process.signal('SIGCONT');
}

const ground = new TestGround();
let failure: unknown = null;
try {
  const bed = await Bed.make(ground, options.seed);
  const soak = new Soak(bed, [await bed.worker('steady'), await bed.worker('second')]);
  try {
    await soak.work();
    await soak.account();
  } finally {
    console.log(JSON.stringify(soak.figures(), null, 2));
  }
} catch (error) {
  failure = error;
  console.error(error instanceof Error ? error.stack : String(error));
}
await ground.end();
console.log(failure === null ? 'everything is accounted for' : 'FAILED');
process.exit(failure === null ? 0 : 1);
