import { afterEach, describe, expect, test } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { type DockerPoolOptions, dockerPool } from '../config/pools.ts';
import { collectProblems } from '../config/problems.ts';
import { forceScheduler } from '../config/schedulers.ts';
import { type SiteDeclaration, site } from '../config/site.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { shell } from '../steps/shell.ts';
import type { Container, NewContainer, PoolProvider } from './provider.ts';

const MINUTE = 60_000;

/** For tests: a provider whose containers are entries of a list. */
class FakeProvider implements PoolProvider {
  containers: Container[] = [];
  readonly started: string[] = [];
  readonly removed: string[] = [];
  readonly #now: () => number;
  /** What a start is answered with. */
  refusal: string | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  list(): Promise<Container[]> {
    return Promise.resolve([...this.containers]);
  }

  start({ worker, token }: NewContainer): Promise<void> {
    if (token === '') throw new Error('no token');
    if (this.refusal !== null) return Promise.reject(new Error(this.refusal));
    this.started.push(worker);
    const id = `${worker}-${this.started.length}`;
    this.containers.push({ id, worker, state: 'starting', since: this.#now(), trouble: null });
    return Promise.resolve();
  }

  remove(id: string): Promise<void> {
    this.removed.push(id);
    this.containers = this.containers.filter((container) => container.id !== id);
    return Promise.resolve();
  }

  set(worker: string, change: Partial<Container>): void {
    this.containers = this.containers.map((one) => (one.worker === worker ? { ...one, ...change } : one));
  }
}

function siteOf(options: Partial<DockerPoolOptions> = {}): SiteDeclaration {
  const { value, problems } = collectProblems(() => {
    const pool = dockerPool({ name: 'pool', maximum: 2, image: 'agent:1', master: 'ws://master:9989', ...options });
    const build = builder({
      name: 'build',
      workers: [...pool.workers],
      factory: factory([shell({ command: ['make'] })]),
    });
    const force = forceScheduler({ name: 'force', builders: [build] });
    return site({ title: 'test', workers: [...pool.workers], builders: [build], schedulers: [force], pools: [pool] });
  });
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return value;
}

const open: SimulatedSite[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one[Symbol.dispose]();
});

function setUp(options: Partial<DockerPoolOptions> = {}) {
  const made: FakeProvider = new FakeProvider(() => simulated.clock.now());
  const simulated: SimulatedSite = new SimulatedSite({
    site: siteOf(options),
    work: () => ({ durationMs: MINUTE }),
    makeProvider: () => made,
  });
  open.push(simulated);
  const look = () => simulated.master.rooms.pools.look();
  const force = () => simulated.master.schedulers.force('force', { values: {} }, null);
  const blocker = (id: number) => {
    const row = simulated.master.core.db.one<{ blocker: string | null }>(
      'SELECT blocker FROM requests WHERE id = ?',
      id,
    );
    return JSON.parse(row?.blocker ?? 'null');
  };
  /** A container's agent is there. */
  const come = (worker: string) => {
    made.set(worker, { state: 'running' });
    simulated.worker(worker).connect();
    simulated.run(100);
  };
  return { simulated, provider: made, look, force, blocker, come };
}

describe('a pool', () => {
  test('starts a container for a request that waits, and says so; its worker builds it', async () => {
    const { provider, look, force, blocker, come, simulated } = setUp();
    const { requestIds } = force();
    await look();
    expect(provider.started).toEqual(['pool-1']);
    await look();
    expect(provider.started).toEqual(['pool-1']);
    expect(blocker(requestIds[0] ?? 0)).toEqual({
      ...{ kind: 'pool', pool: 'pool', starting: 1, running: 0, maximum: 2, trouble: null },
    });
    come('pool-1');
    simulated.run(2 * MINUTE);
    expect(simulated.master.rooms.builds.rows.build(1)).toMatchObject({ worker: 'pool-1', result: 'SUCCESS' });
  });

  test('tells why its containers do not come, in the words of the cluster', async () => {
    const { provider, look, force, blocker } = setUp();
    const [id = 0] = force().requestIds;
    await look();
    provider.set('pool-1', { trouble: 'ImagePullBackOff: Back-off pulling image "agent:1"' });
    await look();
    expect(blocker(id)).toMatchObject({ kind: 'pool', trouble: 'ImagePullBackOff: Back-off pulling image "agent:1"' });
  });

  test('tells a refusal, and tries again after a while, not at every look', async () => {
    const { provider, look, force, blocker, simulated } = setUp();
    provider.refusal = 'pods "pool-1" is forbidden: exceeded quota: builds';
    const [id = 0] = force().requestIds;
    await look();
    expect(blocker(id)).toMatchObject({ kind: 'pool', starting: 0, trouble: provider.refusal });
    provider.refusal = null;
    await look();
    expect(provider.started).toEqual([]);
    simulated.run(MINUTE);
    await look();
    expect(provider.started).toEqual(['pool-1']);
  });

  test('lets go who has nothing to do for long, and removes the container when it has ended', async () => {
    const { provider, look, force, come, simulated } = setUp({ idle: '5m' });
    force();
    await look();
    come('pool-1');
    simulated.run(3 * MINUTE);
    await look();
    expect(simulated.master.worker('pool-1').leaving).toBe(false);
    simulated.run(5 * MINUTE);
    await look();
    simulated.run(1000);
    expect(simulated.master.worker('pool-1').leaving || !simulated.master.worker('pool-1').connected).toBe(true);
    provider.set('pool-1', { state: 'ended' });
    await look();
    expect(provider.removed).toEqual(['pool-1-1']);
  });

  test('finds its containers again after a crash of the master: the build goes on, and nothing is started twice', async () => {
    const { provider, look, force, come, simulated } = setUp();
    force();
    await look();
    come('pool-1');
    simulated.killMaster();
    simulated.startMaster();
    simulated.worker('pool-1').connect();
    await look();
    simulated.run(2 * MINUTE);
    expect(simulated.master.rooms.builds.rows.build(1)).toMatchObject({
      worker: 'pool-1',
      result: 'SUCCESS',
      attempt: 1,
    });
    expect([provider.started, provider.removed]).toEqual([['pool-1'], []]);
  });

  test('removes what belongs to no place: a second container of a worker, and those of a pool that was made smaller', async () => {
    const { provider, look } = setUp();
    const usual = { state: 'running', since: 0, trouble: null } as const;
    provider.containers = [
      { id: 'a', worker: 'pool-1', ...usual },
      { id: 'b', worker: 'pool-1', ...usual },
      { id: 'c', worker: 'pool-9', ...usual },
    ];
    await look();
    expect(provider.removed).toContain('b');
    expect(provider.removed).toContain('c');
  });

  test('keeps warm workers', async () => {
    const { provider, look } = setUp({ warm: 1 });
    await look();
    expect(provider.started).toEqual(['pool-1']);
  });
});
