import { strict as assert } from 'node:assert';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Build, Buildset } from '@icefall/shared';
import { type Home, homeAt, PROGRAMS as SITE_PROGRAMS } from '@icefall/site/embedded/home';
import { prepare, writeSettings } from '@icefall/site/embedded/prepare';
import type { SettingsFile } from '@icefall/site/settings';
import { Dice } from '../../simulation/dice.ts';
import { describeBuild } from '../../support/api.ts';
import { TestMaster } from '../../support/master.ts';
import { run } from '../../support/process.ts';
import { PROGRAMS } from '../../support/programs.ts';
import type { TestWorker } from '../../support/worker.ts';
import { expectSound } from '../checks.ts';
import type { Run, Scenario } from '../scenario.ts';

const REPOSITORY = 'software.icefall.example';
/** Files of one publish: enough that it takes a while. */
const FILES = 400;
/** Publishes of one run. */
const PUBLISHES = 2;
const NEVER = '0 0 29 2 *';
const LOCAL: SettingsFile = {
  clock: { nightly: NEVER, nightlySpack: NEVER, users: NEVER, whitelist: NEVER, backup: NEVER, garbage: NEVER },
  data: [],
};

/** The stratum 0 of the embedded site, and the master over it: each process by itself, so that one can die alone. */
class PublishBed {
  readonly dice: Dice;
  readonly master: TestMaster;
  readonly worker: TestWorker;
  readonly #run: Run;
  readonly #home: Home;

  private constructor(run: Run, home: Home, master: TestMaster, worker: TestWorker) {
    this.dice = new Dice(run.seed);
    this.master = master;
    this.worker = worker;
    this.#run = run;
    this.#home = home;
  }

  static async make(run: Run): Promise<PublishBed> {
    const { ground } = run;
    const home = homeAt(ground.path('home'));
    mkdirSync(home.directory, { recursive: true });
    writeFileSync(home.localSettings, JSON.stringify(LOCAL));
    // Nobody listens there: no step of a publish needs them.
    const ports = { page: 1, workers: 2, stratum0: 3, rsync: 4 };
    writeSettings(home, ports);
    prepare(home, ports, ['debian12']);
    const env = { ICEFALL_SETTINGS: home.settings };
    const master = await TestMaster.start(ground, { site: SITE_PROGRAMS.site, env, directory: home.master });
    const token = readFileSync(join(home.tokens, 'stratum0.token'), 'utf8').trim();
    const worker = await master.worker('stratum0', { token, directory: home.worker('stratum0') });
    return new PublishBed(run, home, master, worker);
  }

  /** Changes the tree, and asks for its publish. */
  async publish(n: number): Promise<Buildset> {
    const folder = join(this.#home.tree, REPOSITORY, 'release', `part-${n}`);
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < FILES; i += 1) writeFileSync(join(folder, `file-${i}`), `publish ${n}, file ${i}\n`);
    return this.master.api.force('force_publish', { values: { path: 'release' } });
  }

  /** What the stratum 0 says of itself. */
  async state(): Promise<{ readonly revision: number; readonly transaction: string }> {
    const { stdout } = await this.#stratum0('info');
    const value = (label: string) => new RegExp(`^${label}: (.*)$`, 'm').exec(stdout)?.[1] ?? '';
    return { revision: Number(value('Revision')), transaction: value('Transaction') };
  }

  async expectSound(): Promise<void> {
    const { transaction } = await this.state();
    assert.equal(transaction, 'none', 'no transaction is open');
    const { code, stderr } = await this.#stratum0('check');
    assert.equal(code, 0, `icefall-stratum0 check: ${stderr}`);
    await expectSound(this.#run.ground, this.master.directory);
  }

  /** Waits for the one attempt of a publish. */
  async finished(buildset: Buildset): Promise<Build> {
    await this.master.api.finished(buildset);
    const { buildIds } = await this.master.api.request(buildset.requestIds[0] ?? 0);
    assert.equal(buildIds.length, 1, 'a publish is tried once');
    return this.master.api.build(buildIds[0] ?? 0);
  }

  #stratum0(verb: string) {
    const command = [...PROGRAMS.stratum0, verb, '--dir', this.#home.stratum0, REPOSITORY];
    return run(this.#run.ground, { name: `stratum0 ${verb}`, command });
  }
}

async function masterKilled(run: Run): Promise<void> {
  const bed = await PublishBed.make(run);
  for (let n = 1; n <= PUBLISHES; n += 1) {
    const before = await bed.state();
    const buildset = await bed.publish(n);
    for (let i = bed.dice.int(1, 2); i > 0; i -= 1) {
      await delay(bed.dice.int(0, 900));
      await bed.master.kill();
      await delay(bed.dice.int(0, 600));
      await bed.master.startAgain();
    }
    const build = await bed.finished(buildset);
    assert.equal(build.result, 'SUCCESS', describeBuild(build));
    const after = await bed.state();
    assert.equal(after.revision, before.revision + 1, 'published once');
  }
  await bed.expectSound();
}

/** The publish that was cut off may have been done or not, but not twice; the next one goes well. */
async function agentKilled(run: Run): Promise<void> {
  const bed = await PublishBed.make(run);
  for (let n = 1; n <= PUBLISHES; n += 1) {
    const before = await bed.state();
    const buildset = await bed.publish(n);
    await delay(bed.dice.int(0, 1200));
    await bed.worker.kill();
    await delay(bed.dice.int(0, 600));
    bed.worker.startAgain();
    const build = await bed.finished(buildset);
    const { revision, transaction } = await bed.state();
    assert.equal(transaction, 'none', `no transaction is open\n${describeBuild(build)}`);
    const done = revision - before.revision;
    if (build.result === 'SUCCESS') assert.equal(done, 1, describeBuild(build));
    else assert.ok(build.result === 'EXCEPTION' && (done === 0 || done === 1), `${done} ${describeBuild(build)}`);
  }
  const { revision } = await bed.state();
  const last = await bed.finished(await bed.publish(PUBLISHES + 1));
  assert.equal(last.result, 'SUCCESS', describeBuild(last));
  assert.equal((await bed.state()).revision, revision + 1);
  await bed.expectSound();
}

export const publishScenarios: readonly Scenario[] = [
  {
    name: 'publish-master-killed',
    title: 'a master that is killed during a publish: it is published once, and no transaction is left open',
    run: masterKilled,
  },
  {
    name: 'publish-agent-killed',
    title: 'an agent that is killed during a publish: never published twice, and the transaction is aborted',
    run: agentKilled,
  },
];
