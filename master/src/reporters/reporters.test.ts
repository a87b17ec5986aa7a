import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { collectProblems } from '../config/problems.ts';
import { mailReporter, type ReporterDeclaration, type ReportMode, webhookReporter } from '../config/reporters.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { worker } from '../config/workers.ts';
import type { SecretProvider } from '../secrets/provider.ts';
import { secret } from '../secrets/reference.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { shell } from '../steps/shell.ts';
import { TRY_LIMIT_MS } from './courier.ts';
import { MOST_DONE, MOST_WAITING } from './report-rows.ts';
import { MOST_PAUSE_MS, MOST_TRIES } from './retries.ts';
import { DeliveryError, type Letter, type Transport } from './transport.ts';

fc.configureGlobal({ seed: 20250602 });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** For tests: takes letters, or does with the next ones what it is told. */
class FakeTransport implements Transport {
  readonly arrived: Letter[] = [];
  /** What becomes of the letters to come; those beyond it arrive. `never`: no answer comes. */
  readonly fates: (Error | 'never' | 'arrives unheard')[] = [];
  /** What becomes of all of them. */
  always: Error | null = null;
  tries = 0;
  /** Called when a letter comes. */
  onTry = () => {};

  deliver(letter: Letter): Promise<string | null> {
    this.tries += 1;
    this.onTry();
    const fate = this.fates.shift() ?? this.always;
    if (fate instanceof Error) return Promise.reject(fate);
    if (fate !== 'never') this.arrived.push(letter);
    return fate === null ? Promise.resolve(null) : new Promise(() => {});
  }

  get subjects(): string[] {
    return this.arrived.map((letter) => (letter.via === 'mail' ? letter.subject : letter.url));
  }
}

const down = (message = 'connect ECONNREFUSED') => new DeliveryError('down', message);
const KEPT: SecretProvider = {
  ...{ type: 'secretProvider', title: 'a place', place: null },
  read: (name) => Promise.resolve(Buffer.from(`value-of-${name}`)),
};

function mail(name = 'mail', when: ReportMode = 'always'): ReporterDeclaration {
  return mailReporter({
    ...{ name, when, from: 'ci@example.org', to: ['team@example.org'] },
    server: { host: 'mail.example.org', user: 'ci', password: secret('mail') },
  });
}

function siteWith(...reporters: readonly ReporterDeclaration[]): SiteDeclaration {
  const { value, problems } = collectProblems(() => {
    const w1 = worker({ name: 'w1' });
    const steps = factory([shell({ name: 'compile', command: 'make' })]);
    const builders = [builder({ name: 'linux', workers: [w1], factory: steps })];
    const secrets = { from: [KEPT], allow: [{ branches: ['main'] }] };
    return site({ title: 'Test', url: 'https://ci.example.org', workers: [w1], builders, secrets, reporters });
  });
  expect(problems).toEqual([]);
  return value;
}

/** Declared once: to find the places of declarations takes long in a test. */
const SITE = siteWith(mail());
const SITE_AGAIN = siteWith(mail());

let simulated: SimulatedSite | null = null;
afterEach(() => simulated?.[Symbol.dispose]());

/** How the builds to come end. */
interface World {
  readonly it: SimulatedSite;
  readonly transport: FakeTransport;
  /** Runs a build to its end. */
  build(exitCode?: number): Promise<void>;
  /** Lets time pass, and what is to be delivered meanwhile be delivered. */
  pass(ms: number): Promise<void>;
  readonly reporter: () => ReturnType<SimulatedSite['master']['reporters']['all']>[number] | undefined;
}

function worldOf(declared: SiteDeclaration, isOnDisk = false): World {
  const transport = new FakeTransport();
  let exit = 0;
  const work = () => ({ durationMs: 100, exitCode: exit });
  const it = new SimulatedSite({ site: declared, transport, isOnDisk, work });
  simulated = it;
  it.connectAll();
  const pass = async (ms: number) => {
    const end = it.clock.now() + ms;
    for (;;) {
      // What is under way in promises goes on between two timers.
      for (let i = 0; i < 20; i += 1) await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      const next = it.clock.nextAt();
      if (next === null || next > end) break;
      it.clock.runUntil(next);
    }
    it.clock.runUntil(end);
  };
  const build = async (exitCode = 0) => {
    exit = exitCode;
    it.request(['linux']);
    await pass(2000);
  };
  return { it, transport, build, pass, reporter: () => it.master.reporters.all()[0] };
}

describe('a reporter', () => {
  test('tells of builds in order, once, and says how that goes', async () => {
    const { transport, build, reporter } = worldOf(SITE);
    for (const exit of [0, 1, 1, 0]) await build(exit);
    expect(transport.subjects).toEqual([
      '[Test] linux #1 passed',
      '[Test] linux #2 failed',
      '[Test] linux #3 still fails',
      '[Test] linux #4 works again',
    ]);
    expect(transport.tries).toBe(4);
    expect(reporter()).toMatchObject({ name: 'mail', kind: 'mail', delivered: 4, waiting: 0, lastError: null });
  });

  test('sends with the password as it is at that moment, which is written down nowhere', async () => {
    const { it, transport, build } = worldOf(SITE);
    await build();
    expect(transport.arrived[0]).toMatchObject({ via: 'mail', password: 'value-of-mail' });
    expect(JSON.stringify(it.master.core.db.all('SELECT * FROM reports'))).not.toContain('value-of');
    expect(JSON.stringify(it.master.core.db.all('SELECT * FROM config_descriptions'))).not.toContain('value-of');
  });

  test('that is added later begins with what happens then; one that is taken out is at rest, and says so', async () => {
    const { it, transport, build, pass } = worldOf(siteWith());
    await build();
    it.configure(SITE_AGAIN);
    await build();
    expect(transport.subjects).toEqual(['[Test] linux #2 passed']);
    transport.always = down();
    await build();
    await build();
    await pass(MINUTE);
    expect(it.master.core.alarms.isRaised('reporter mail')).toBe(true);
    it.configure(siteWith());
    await pass(HOUR);
    const { tries } = transport;
    await pass(HOUR);
    expect(transport.tries).toBe(tries);
    expect(it.master.core.alarms.isRaised('reporter mail')).toBe(false);
    const { items } = it.master.reporters.reports({ limit: 10 });
    expect(items.map(({ state, note }) => [state, note])).toEqual([
      ['givenUp', 'the reporter is no longer in the configuration'],
      ['givenUp', 'the reporter is no longer in the configuration'],
      ['delivered', null],
    ]);
    it.configure(SITE_AGAIN);
    transport.always = null;
    await build();
    expect(transport.subjects).toEqual(['[Test] linux #2 passed', '[Test] linux #5 passed']);
  });

  test('goes on where it was when the configuration is loaded anew', async () => {
    const { it, transport, build, pass } = worldOf(SITE);
    transport.always = down();
    await build();
    await pass(6 * HOUR);
    transport.always = null;
    // At once: what was in the way may be mended.
    it.configure(siteWith(mail(), mail('other', 'cancelled')));
    await pass(1000);
    expect(transport.subjects).toEqual(['[Test] linux #1 passed']);
  });

  test('whose server is gone waits with pauses, holds up no build, and loses nothing', async () => {
    const { it, transport, build, pass, reporter } = worldOf(SITE);
    transport.always = down();
    for (let i = 0; i < 3; i += 1) await build();
    expect(it.master.rooms.builds.rows.active()).toEqual([]);
    await pass(6 * HOUR);
    expect(reporter()).toMatchObject({ waiting: 3, delivered: 0, givenUp: 0, lastError: 'connect ECONNREFUSED' });
    expect(it.master.core.alarms.all.map(({ message }) => message)).toEqual([
      'reporter "mail" gets nothing through, and tries again: connect ECONNREFUSED; see: icefall reporters',
    ]);
    expect(transport.tries).toBeLessThan((6 * HOUR) / (MOST_PAUSE_MS / 2) + 20);
    transport.always = null;
    await pass(MOST_PAUSE_MS);
    expect(transport.subjects).toEqual([1, 2, 3].map((n) => `[Test] linux #${n} passed`));
    expect(it.master.core.alarms.all).toEqual([]);
  });

  test('gives a report up that its server will not have, says so, and goes on with the next', async () => {
    const { it, transport, build, pass, reporter } = worldOf(SITE);
    transport.fates.push(new DeliveryError('refused', '550 no such user'));
    await build();
    await build();
    expect(transport.subjects).toEqual(['[Test] linux #2 passed']);
    transport.fates.push(...Array.from({ length: MOST_TRIES }, () => new DeliveryError('failed', '451 later')));
    await build();
    await pass(12 * HOUR);
    expect(reporter()).toMatchObject({ delivered: 1, givenUp: 2, waiting: 0 });
    const { items } = it.master.reporters.reports({ limit: 10, state: 'givenUp' });
    expect(items.map(({ note }) => note)).toEqual([
      expect.stringMatching(/^given up after 15 tries in .*: 451 later$/),
      'refused: 550 no such user',
    ]);
  });

  test('tells a report again that was given up, as often as it is asked to and behind those that wait', async () => {
    const { it, transport, build, pass, reporter } = worldOf(SITE);
    transport.fates.push(new DeliveryError('refused', '550 no such user'));
    await build();
    transport.fates.push(down());
    await build();
    const resend = (id: number) => it.master.core.turn(() => it.master.reporters.resend(id));
    expect(resend(1)).toMatchObject({ id: 3, state: 'waiting' });
    await pass(MINUTE);
    expect(transport.subjects).toEqual(['[Test] linux #2 passed', '[Test] linux #1 passed']);
    expect(reporter()).toMatchObject({ delivered: 2, givenUp: 1, waiting: 0 });
    resend(3);
    await pass(MINUTE);
    expect(transport.subjects.at(-1)).toBe('[Test] linux #1 passed');
    expect(transport.arrived).toHaveLength(3);
  });

  test('breaks off a try to which no answer comes', async () => {
    const { transport, build, pass } = worldOf(SITE);
    transport.fates.push('never');
    await build();
    await pass(TRY_LIMIT_MS - 10_000);
    expect(transport.arrived).toEqual([]);
    await pass(20_000);
    expect(transport.subjects).toEqual(['[Test] linux #1 passed']);
  });

  test('has a bound for what waits, beyond which the oldest are given up and say so', async () => {
    const { it, transport, build, reporter } = worldOf(SITE);
    transport.always = down();
    await build();
    const { core } = it.master;
    core.turn(() => {
      for (let i = 0; i < MOST_WAITING; i += 1)
        core.db.run(
          "INSERT INTO reports (reporter, build_id, moment, at, state) VALUES ('mail', ?, 'end', 0, 'waiting')",
          1000 + i,
        );
    });
    await build();
    expect(reporter()).toMatchObject({ waiting: MOST_WAITING, givenUp: 2 });
  });

  test('sends nothing twice while the storage does not take it that it has arrived', async () => {
    const { it, transport, build, pass, reporter } = worldOf(SITE, true);
    const { database } = it.master.rooms;
    database.pragma('busy_timeout = 0');
    const other = new Sqlite(join(it.directory, 'icefall.db'));
    try {
      transport.onTry = () => other.exec('BEGIN IMMEDIATE');
      await build();
      await pass(MINUTE);
      expect(reporter()).toMatchObject({ waiting: 1, delivered: 0 });
      expect(it.master.core.alarms.isRaised('storageUnavailable')).toBe(true);
      transport.onTry = () => {};
      other.exec('ROLLBACK');
      await pass(MINUTE);
      expect(reporter()).toMatchObject({ waiting: 0, delivered: 1 });
      expect(transport.tries).toBe(1);
    } finally {
      other.close();
    }
  });

  test('has a bound for what is done with and kept', async () => {
    const { it, build } = worldOf(SITE);
    const { core } = it.master;
    const count = () => core.db.one<{ n: number }>('SELECT COUNT(*) AS n FROM reports')?.n;
    core.turn(() => {
      for (let i = 0; i < 2 * MOST_DONE; i += 1)
        core.db.insert('reports', { reporter: 'mail', build_id: 1000 + i, moment: 'end', at: 0, state: 'delivered' });
    });
    await build();
    expect(count()).toBe(MOST_DONE);
  });

  test('whose function of the site fails is tried again, so that mending it is in time', async () => {
    const broken = mailReporter({
      ...{ name: 'mail', when: 'always', from: 'ci@example.org', to: ['team@example.org'] },
      server: { host: 'localhost' },
      subject: () => {
        throw new Error('no such field');
      },
    });
    const { it, transport, build, pass, reporter } = worldOf(siteWith(broken));
    await build();
    expect(reporter()).toMatchObject({ waiting: 1, lastError: 'no such field' });
    it.configure(SITE_AGAIN);
    await pass(HOUR);
    expect(transport.subjects).toEqual(['[Test] linux #1 passed']);
  });
});

describe('a master that is killed', () => {
  test('before it has read that a build ended tells of it when it is started again', async () => {
    const { it, transport, pass } = worldOf(SITE);
    it.request(['linux']);
    const { core } = it.master;
    const stop = core.committed.on(() => {
      const row = core.db.one("SELECT id FROM builds WHERE state = 'finished'");
      if (row !== null) it.clock.at(it.clock.now(), () => it.isMasterUp && it.killMaster());
    });
    await pass(5000);
    stop();
    expect([it.isMasterUp, transport.tries]).toEqual([false, 0]);
    it.startMaster();
    await pass(5000);
    expect(transport.subjects).toEqual(['[Test] linux #1 passed']);
  });

  test('while a letter is under way sends it again, and then the others in order', async () => {
    const { it, transport, build, pass, reporter } = worldOf(SITE);
    transport.fates.push('arrives unheard');
    await build();
    await build();
    expect(transport.subjects).toEqual(['[Test] linux #1 passed']);
    it.killMaster();
    it.startMaster();
    await pass(5000);
    // At least once: nobody knows whether the first one arrived. A mail program does, by its message's id.
    expect(transport.subjects).toEqual([1, 1, 2].map((n) => `[Test] linux #${n} passed`));
    const ids = transport.arrived.map((letter) => (letter.via === 'mail' ? letter.messageId : ''));
    expect([ids[0] === ids[1], ids[1] === ids[2]]).toEqual([true, false]);
    expect(reporter()).toMatchObject({ delivered: 2, waiting: 0 });
  });

  test('between two tries keeps to the pause', async () => {
    const { it, transport, build, pass } = worldOf(SITE);
    transport.always = down();
    await build();
    await pass(6 * HOUR);
    it.killMaster();
    it.startMaster();
    const { tries } = transport;
    await pass(1000);
    expect(transport.tries).toBeLessThanOrEqual(tries + 1);
    transport.always = null;
    await pass(MOST_PAUSE_MS);
    expect(transport.subjects).toEqual(['[Test] linux #1 passed']);
  });
});

/** What happens to a master and to the server that its reporter tells. */
const DEEDS: Readonly<Record<string, (world: World) => unknown>> = {
  build: ({ it, pass }) => {
    it.request(['linux']);
    return pass(150);
  },
  kill: ({ it }) => {
    it.killMaster();
    it.startMaster().connectAll();
  },
  down: ({ transport }) => {
    transport.always = down();
  },
  up: ({ transport }) => {
    transport.always = null;
  },
  unheard: ({ transport }) => transport.fates.push('arrives unheard'),
  wait: ({ pass }) => pass(10_000),
  reload: ({ it }) => it.configure(SITE_AGAIN),
};

test('every build is told at least once and in order, whatever is killed, gone or refused for now', async () => {
  const deeds = fc.array(fc.constantFrom('build', ...Object.keys(DEEDS)), { minLength: 5, maxLength: 25 });
  const lives = fc.asyncProperty(deeds, async (names) => {
    const world = worldOf(SITE);
    const { it, transport, build, pass } = world;
    try {
      for (const name of names) await DEEDS[name]?.(world);
      transport.always = null;
      await build();
      await pass(HOUR);
      const all = names.filter((name) => name === 'build').length + 1;
      const told = [...new Set(transport.subjects)];
      expect(told).toEqual(Array.from({ length: all }, (_, i) => `[Test] linux #${i + 1} passed`));
      const { items } = it.master.reporters.reports({ limit: 100 });
      expect(items.map(({ state }) => state)).toEqual(told.map(() => 'delivered'));
    } finally {
      it[Symbol.dispose]();
      simulated = null;
    }
  });
  await fc.assert(lives, { numRuns: 6 });
});

describe('reporters', () => {
  test('do not wait for each other', async () => {
    const hook = webhookReporter({ name: 'hook', url: 'https://hook.example.org/x', secret: secret('hook') });
    const { transport, build } = worldOf(siteWith(mail(), hook));
    transport.fates.push('never');
    await build();
    expect(transport.subjects).toEqual(['[Test] linux #1 passed']);
  });

  test('are told the same of a build however many events it makes: its beginning once, its end once', async () => {
    const hook = webhookReporter({ name: 'hook', url: 'https://hook.example.org/x', secret: secret('hook') });
    const { it, transport, build, pass, reporter } = worldOf(siteWith(hook));
    await build();
    const { core } = it.master;
    const cursor = reporter()?.cursor ?? 0;
    core.turn(() => core.touch('build', 1));
    await pass(1000);
    expect(reporter()?.cursor).toBeGreaterThan(cursor);
    const events = transport.arrived.map((letter) => letter.via === 'http' && letter.headers['x-icefall-event']);
    expect(events).toEqual(['build.start', 'build.end']);
  });
});
