import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Build, Buildset, Step } from '@icefall/shared';
import { Dice } from '../simulation/dice.ts';
import { eventually } from '../support/eventually.ts';
import type { TestGround } from '../support/ground.ts';
import { TestMaster } from '../support/master.ts';
import type { TestWorker, WorkerOptions } from '../support/worker.ts';
import { BadWire } from './bad-wire.ts';
import { testimonyOf } from './witness.ts';

/** Something forced whose processes bear witness under a key. */
export interface Work {
  readonly key: string;
  readonly buildset: Buildset;
}

export interface BedOptions {
  /** Where the master keeps its state. */
  readonly masterDirectory?: string;
  /** More for the master's environment. */
  readonly masterEnv?: Readonly<Record<string, string>>;
}

/** A master, a wire to it on which anything can go wrong, and workers at the other end. */
export class Bed {
  readonly ground: TestGround;
  readonly dice: Dice;
  readonly master: TestMaster;
  readonly wire: BadWire;
  /** Where processes write what they did. */
  readonly witness: string;
  readonly workers: TestWorker[] = [];
  #keys = 0;

  private constructor(ground: TestGround, dice: Dice, master: TestMaster, wire: BadWire, witness: string) {
    this.ground = ground;
    this.dice = dice;
    this.master = master;
    this.wire = wire;
    this.witness = witness;
  }

  static async make(
    ground: TestGround,
    seed: number,
    { masterDirectory, masterEnv = {} }: BedOptions = {},
  ): Promise<Bed> {
    const witness = ground.path('witness');
    mkdirSync(witness, { recursive: true });
    const master = await TestMaster.start(ground, {
      site: join(import.meta.dirname, 'sites/faults.ts'),
      env: { WITNESS: witness, ...masterEnv },
      ...(masterDirectory === undefined ? {} : { directory: masterDirectory }),
    });
    const wire = await BadWire.start(ground, master.workerPort);
    return new Bed(ground, new Dice(seed), master, wire, witness);
  }

  get api() {
    return this.master.api;
  }

  /** An agent at the far end of the wire, connected. */
  async worker(name: string, options: Partial<WorkerOptions> = {}): Promise<TestWorker> {
    const worker = await this.master.worker(name, { port: this.wire.port, ...options });
    this.workers.push(worker);
    return worker;
  }

  /** A moment that differs with the seed: when the fault comes. */
  async moment(lowMs: number, highMs: number): Promise<void> {
    await delay(this.dice.int(lowMs, highMs));
  }

  /** Presses a button. `rounds`: how long its work goes on; without them until the gate opens. */
  async force(builder: string, rounds: number | 'gate' = 0): Promise<Work> {
    this.#keys += 1;
    const key = `${builder}-${this.#keys}`;
    return { key, buildset: await this.api.force(builder, { values: { key, rounds: String(rounds) } }) };
  }

  /** Forces, and waits until its process runs and the master knows of it. */
  async running(builder: string): Promise<Work & { readonly pid: number }> {
    const work = await this.force(builder);
    const { pid } = await this.stepWithProcess(work);
    return { ...work, pid };
  }

  /** Waits until a process of the work runs, and is on record. */
  async stepWithProcess({ buildset, key }: Work): Promise<Step & { readonly pid: number }> {
    const step = await this.api.waitFor(`the process of ${key}`, async () => {
      const build = (await this.api.buildsOf(buildset)).at(-1);
      const running = build?.steps.find(({ name, state }) => name === 'work' && state === 'running');
      return running?.pid == null ? null : { ...running, pid: running.pid };
    });
    await eventually(`process ${step.pid} to bear witness of ${key}`, () =>
      testimonyOf(this.witness, key).begun.includes(step.pid) ? true : null,
    );
    return step;
  }

  /** Waits until so many processes of the work have begun, whatever the master knows. */
  begun({ key }: Work, count: number, limitMs?: number): Promise<readonly number[]> {
    const look = () => {
      const { begun } = testimonyOf(this.witness, key);
      return begun.length >= count ? begun : null;
    };
    return eventually(`${count} processes of ${key} to begin`, look, limitMs);
  }

  /** Lets everything end that waits for it. */
  openGate(): void {
    writeFileSync(join(this.witness, 'gate'), '');
  }

  closeGate(): void {
    rmSync(join(this.witness, 'gate'), { force: true });
  }

  /** The master dies, and comes back after a while. */
  async restartMaster(awayMs = this.dice.duration(1, 1500)): Promise<void> {
    await this.master.kill();
    await delay(awayMs);
    await this.master.startAgain();
  }

  /** Waits until the master has lost a worker. */
  away(name: string, limitMs?: number): Promise<true> {
    return this.api.waitFor(
      `worker ${name} to be away`,
      async () => ((await this.api.worker(name)).connected ? null : true),
      limitMs,
    );
  }

  /** All attempts at a work's first request, the oldest first. */
  async attempts({ buildset }: Work): Promise<Build[]> {
    const { buildIds } = await this.api.request(buildset.requestIds[0] ?? 0);
    return Promise.all(buildIds.map((id) => this.api.build(id)));
  }
}
