import { afterEach, describe, expect, test } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { textField } from '../config/fields.ts';
import { type DockerPoolOptions, dockerPool } from '../config/pools.ts';
import { collectProblems } from '../config/problems.ts';
import { forceScheduler } from '../config/schedulers.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { worker } from '../config/workers.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { shell } from '../steps/shell.ts';
import type { Container, NewContainer, PoolProvider } from './provider.ts';

const MINUTE = 60_000;

/** For tests: a provider whose containers are entries of a list. */
class FakeProvider implements PoolProvider {
  containers: Container[] = [];
  readonly started: string[] = [];
  readonly startedImages: string[] = [];
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

  start({ worker, token, image }: NewContainer): Promise<void> {
    if (token === '') throw new Error('no token');
    if (this.refusal !== null) return Promise.reject(new Error(this.refusal));
    this.started.push(worker);
    this.startedImages.push(image);
    const id = `${worker}-${this.started.length}`;
    this.containers.push({ id, worker, image, state: 'starting', since: this.#now(), trouble: null });
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

interface SetUp extends Partial<DockerPoolOptions> {
  /** A worker of no pool that the builder has as well. */
  readonly standing?: string;
}

function siteOf({ standing, ...options }: SetUp = {}): SiteDeclaration {
  const { value, problems } = collectProblems(() => {
    const pool = dockerPool({ name: 'pool', maximum: 2, image: 'agent:1', master: 'ws://master:9989', ...options });
    const workers = [...(standing === undefined ? [] : [worker({ name: standing })]), ...pool.workers];
    const build = builder({
      name: 'build',
      workers,
      factory: factory([shell({ command: ['make'] })]),
    });
    const fields = [textField({ name: 'image', default: 'agent:1' })];
    const force = forceScheduler({ name: 'force', builders: [build], fields });
    return site({ title: 'test', workers, builders: [build], schedulers: [force], pools: [pool] });
  });
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return value;
}

const open: SimulatedSite[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one[Symbol.dispose]();
});

function setUp(options: SetUp = {}) {
  const made: FakeProvider = new FakeProvider(() => simulated.clock.now());
  const looked: string[] = [];
  const simulated: SimulatedSite = new SimulatedSite({
    site: siteOf(options),
    work: () => ({ durationMs: MINUTE }),
    makeProvider: ({ name }) => ({
      list: () => {
        looked.push(name);
        return made.list().then((all) => all.filter(({ worker }) => worker.startsWith(`${name}-`)));
      },
      start: (container) => made.start(container),
      remove: (id) => made.remove(id),
    }),
  });
  open.push(simulated);
  const look = () => simulated.master.rooms.pools.look();
  const force = (image = 'agent:1') => simulated.master.schedulers.force('force', { values: { image } }, null);
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
  return { simulated, provider: made, looked, look, force, blocker, come };
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

  test.each([
    'ImagePullBackOff: Back-off pulling image "agent:1"',
    'Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.',
  ])('tells why its containers do not come, in the words of the cluster: %s', async (trouble) => {
    const { provider, look, force, blocker } = setUp();
    const [id = 0] = force().requestIds;
    await look();
    provider.set('pool-1', { trouble });
    await look();
    expect(blocker(id)).toMatchObject({ kind: 'pool', starting: 1, trouble });
    provider.set('pool-1', { trouble: null });
    await look();
    expect(blocker(id)).toMatchObject({ kind: 'pool', starting: 1, trouble: null });
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
    const usual = { image: 'agent:1', state: 'running', since: 0, trouble: null } as const;
    provider.containers = [
      { id: 'a', worker: 'pool-1', ...usual },
      { id: 'b', worker: 'pool-1', ...usual },
      { id: 'c', worker: 'pool-9', ...usual },
    ];
    await look();
    expect(provider.removed).toContain('b');
    expect(provider.removed).toContain('c');
  });

  test.each(['while it runs', 'while the master is away'])(
    'that is taken out of the configuration %s leaves nothing behind but what builds',
    async (when) => {
      const { provider, look, force, come, simulated, looked } = setUp();
      force();
      await look();
      come('pool-1');
      const usual = { image: 'agent:1', state: 'running', since: 0, trouble: null } as const;
      provider.containers.push({ id: 'idle', worker: 'pool-2', ...usual });
      const without = siteOf({ name: 'other', standing: 'pool-1' });
      if (when === 'while it runs') simulated.configure(without);
      else {
        simulated.killMaster();
        simulated.startMaster(without);
        simulated.worker('pool-1').connect();
        simulated.run(100);
      }
      await look();
      expect(provider.removed).toEqual(['idle']);
      simulated.run(2 * MINUTE);
      expect(simulated.master.rooms.builds.rows.build(1)).toMatchObject({ worker: 'pool-1', result: 'SUCCESS' });
      await look();
      expect(provider.removed).toEqual(['idle', 'pool-1-1']);
      await look();
      looked.length = 0;
      await look();
      expect(looked).toEqual(['other']);
    },
  );

  test('keeps warm workers', async () => {
    const { provider, look } = setUp({ warm: 1 });
    await look();
    expect(provider.started).toEqual(['pool-1']);
  });
});

/** Images of builds are their own business. */
const BY_PROPERTY = {
  image: { property: 'image', default: 'agent:1', allowed: ['agent:*', 'cluster.example/ci/gcc:14'] },
};

describe('a pool whose image is what a property says', () => {
  test('starts a container of it for each request, and builds it there only', async () => {
    const { provider, look, force, come, simulated } = setUp(BY_PROPERTY);
    const [first = 0] = force('cluster.example/ci/gcc:14').requestIds;
    const [second = 0] = force('agent:2').requestIds;
    await look();
    expect(provider.startedImages).toEqual(['cluster.example/ci/gcc:14', 'agent:2']);
    await look();
    come('pool-2');
    come('pool-1');
    simulated.run(3 * MINUTE);
    const { rows } = simulated.master.rooms.builds;
    const workerOf = (request: number) => [1, 2].map((id) => rows.build(id)).find((row) => row?.request_id === request);
    expect([workerOf(first)?.worker, workerOf(second)?.worker]).toEqual(['pool-1', 'pool-2']);
    expect(provider.startedImages).toHaveLength(2);
  });

  test('that is full lets one go that has no work, and says so meanwhile', async () => {
    const { provider, look, force, blocker, come, simulated } = setUp({ ...BY_PROPERTY, maximum: 1, warm: 1 });
    await look();
    await look();
    come('pool-1');
    const [id = 0] = force('agent:2').requestIds;
    await look();
    expect(blocker(id)).toMatchObject({ trouble: expect.stringContaining('it needs image agent:2') });
    simulated.run(1000);
    provider.set('pool-1', { state: 'ended' });
    await look();
    await look();
    expect(provider.startedImages).toEqual(['agent:1', 'agent:2']);
  });

  test('starts none that it does not let, and says which it does; requests behind that one are not held up', async () => {
    const { provider, look, force, blocker, come, simulated } = setUp(BY_PROPERTY);
    const [id = 0] = force('evil.example/agent:1').requestIds;
    await look();
    expect(provider.started).toEqual([]);
    const trouble =
      'property "image" is "evil.example/agent:1"; the pool lets agent:1, agent:*, cluster.example/ci/gcc:14';
    expect(blocker(id)).toMatchObject({ kind: 'pool', trouble });
    force('agent:3');
    await look();
    await look();
    expect(provider.startedImages).toEqual(['agent:3']);
    come('pool-1');
    simulated.run(3 * MINUTE);
    expect(simulated.master.rooms.builds.rows.build(1)?.result).toBe('SUCCESS');
    expect(blocker(id)).toMatchObject({ trouble });
  });
});

describe('a builder with a standing worker and a pool', () => {
  test('builds on the standing one first, and on a container what that has no slot for', async () => {
    const { provider, look, force, come, simulated } = setUp({ standing: 'north' });
    simulated.worker('north').connect();
    simulated.run(100);
    force();
    force();
    simulated.run(100);
    await look();
    expect(provider.started).toEqual(['pool-1']);
    await look();
    come('pool-1');
    simulated.run(3 * MINUTE);
    const { rows } = simulated.master.rooms.builds;
    expect([1, 2].map((id) => rows.build(id)?.worker)).toEqual(['north', 'pool-1']);
  });
});
