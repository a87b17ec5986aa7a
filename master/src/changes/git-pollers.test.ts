import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type GitPollerOptions, gitPoller } from '../config/changes.ts';
import { anyBranchScheduler } from '../config/schedulers.ts';
import { linux, MINUTE, siteOf, TestRoom } from '../schedulers/test-room.ts';
import { delayOf, GitPollers } from './git-pollers.ts';
import { TestRepository, temporaryDirectory } from './test-repository.ts';

const all = anyBranchScheduler({ name: 'all', builders: [linux] });

/** A site with one poller of a real repository, and a virtual clock. */
class Polled {
  readonly repository = TestRepository.create();
  readonly directory = temporaryDirectory();
  room: TestRoom;
  pollers: GitPollers;

  constructor(options: Partial<GitPollerOptions> = {}) {
    this.room = TestRoom.started([all], this.site(options));
    this.pollers = this.#begin();
  }

  site(options: Partial<GitPollerOptions>) {
    return { changeSources: [gitPoller({ name: 'scripts', repository: this.repository.bare, ...options })] };
  }

  #begin(): GitPollers {
    const pollers = new GitPollers(this.room.core, this.room.config, this.room.changes, { directory: this.directory });
    onTestFinished(() => pollers.stop());
    return pollers;
  }

  /** Starts the pollers, and lets what they do at once be done. */
  async started(): Promise<this> {
    this.pollers.start();
    await this.after(0);
    return this;
  }

  /** Time passes, and the polls that were due have ended. */
  async after(ms: number): Promise<void> {
    this.room.advance(ms);
    await this.pollers.idle();
  }

  /** The process ends, and another one begins. */
  async restarted(options: Partial<GitPollerOptions> = {}): Promise<void> {
    await this.pollers.stop();
    this.room = this.room.restarted(this.room.clock.now());
    this.room.config.replace(siteOf([all], this.site(options)));
    this.pollers = this.#begin();
    await this.started();
  }

  /** Branch, first line of each message, and files of each change. */
  get told(): string[] {
    const rows = this.room.core.db.all<{ id: number }>('SELECT id FROM changes ORDER BY id');
    return rows.map(({ id }) => {
      const { branch, commits, files } = this.room.change(id);
      return `${branch}: ${commits.map((commit) => commit.message).join(', ')} (${files.join(' ')})`;
    });
  }

  get error(): string | null | undefined {
    return this.pollers.status()[0]?.lastError;
  }
}

describe('a git poller', () => {
  test('only notes where the branches are the first time', async () => {
    const site = new Polled();
    site.repository.commit({ a: '1' }, 'One');
    site.repository.push('main');
    await site.started();
    await site.after(5 * MINUTE);
    expect(site.told).toEqual([]);
    expect(site.error).toBeNull();
  });

  test('makes one change of each push since, with all its commits, and has it built', async () => {
    const site = new Polled({ codebase: 'code', project: 'p', category: 'c' });
    site.repository.commit({ a: '1' }, 'One');
    site.repository.push('main');
    await site.started();
    site.repository.commit({ b: '1' }, 'Two');
    const revision = site.repository.commit({ c: '1' }, 'Three');
    site.repository.push('main');
    await site.after(5 * MINUTE - 1);
    expect(site.told).toEqual([]);
    await site.after(1);
    expect(site.told).toEqual(['main: Two, Three (b c)']);
    expect(site.room.change(1)).toMatchObject({
      repository: site.repository.bare,
      revision,
      author: 'Ada <ada@example.org>',
      message: 'Three',
      codebase: 'code',
      project: 'p',
      category: 'c',
      source: 'gitPoller:scripts',
      at: 1_700_000_003_000,
    });
    expect(site.room.listed()).toEqual([[1]]);
    await site.after(5 * MINUTE);
    expect(site.told).toHaveLength(1);
  });

  test('finds at its start what was pushed while the master was down', async () => {
    const site = await setUp();
    await site.pollers.stop();
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    await site.restarted();
    expect(site.told).toEqual(['main: Two (b)']);
    await site.restarted();
    expect(site.told).toHaveLength(1);
  });

  test('waits for its first time if it is not to ask at start', async () => {
    const site = await setUp({ atStart: false, every: '10m' });
    expect(site.pollers.status()[0]).toMatchObject({ lastPollAt: null });
    await site.after(10 * MINUTE);
    expect(site.pollers.status()[0]).toMatchObject({ lastPollAt: site.room.clock.now(), lastError: null });
  });

  test('neither loses nor doubles a push when the process ends while it is told', async () => {
    const site = await setUp();
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    site.repository.git('checkout', '-q', '-b', 'side');
    let isEnding = true;
    site.room.changes.arrived.on(() => {
      if (isEnding) throw new Error('the power went');
    });
    await site.after(5 * MINUTE);
    expect(site.told).toEqual([]);
    expect(site.error).toBe('the power went');
    isEnding = false;
    await site.restarted();
    expect(site.told).toEqual(['main: Two (b)']);
  });

  test('told by hand polls at once', async () => {
    const site = await setUp();
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    expect(await site.pollers.pollNow('scripts')).toMatchObject({ lastError: null, failures: 0 });
    expect(site.told).toHaveLength(1);
    expect(await site.pollers.pollNow('nobody')).toBeNull();
  });
});

describe('polls of one poller', () => {
  test('never run at the same time: asked for twice at once, a push is told once', async () => {
    const site = await setUp();
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    const [first, second] = await Promise.all([site.pollers.pollNow('scripts'), site.pollers.pollNow('scripts')]);
    expect([first?.lastError, second?.lastError]).toEqual([null, null]);
    expect(site.told).toEqual(['main: Two (b)']);
  });

  test('are waited for at the end, also those of a poller that is no longer declared; what they had not told is told later', async () => {
    const site = await setUp();
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    const running = site.pollers.pollNow('scripts');
    const { changeSources } = site.room.config.site;
    const apply = (sources: typeof changeSources) =>
      site.room.core.turn(() => site.room.config.replace(siteOf([all], { changeSources: sources })));
    apply([]);
    apply(changeSources);
    site.room.advance(0);
    await site.pollers.stop();
    await running;
    await site.restarted();
    expect(site.told).toEqual(['main: Two (b)']);
    expect(site.error).toBeNull();
  });

  test('do not tell again what a hook told', async () => {
    const site = await setUp();
    const revision = site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    site.room.push({ repository: site.repository.bare, revision, source: 'sendchange' });
    await site.after(5 * MINUTE);
    expect(site.room.built()).toHaveLength(1);
    expect(site.error).toBeNull();
  });
});

describe('branches', () => {
  test('are the default one unless said otherwise', async () => {
    const site = await setUp();
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('next');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual([]);
    site.repository.push('main');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['main: Two (b)']);
  });

  test('may be named; one that comes later is a push, others are not looked at', async () => {
    const site = await setUp({ branches: ['main', 'release/1'] });
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('other');
    site.repository.commit({ c: '1' }, 'Three');
    site.repository.push('release/1');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['release/1: Two, Three (b c)']);
  });

  test('may be all: of a new one its own commits are told, of one without the one it is at', async () => {
    const site = await setUp({ branches: true });
    site.repository.push('copy');
    await site.after(5 * MINUTE);
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('next');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['copy: One (a)', 'next: Two (b)']);
  });

  test('that were forced somewhere else are a push of what is new there', async () => {
    const site = await setUp();
    const base = site.repository.head();
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    await site.after(5 * MINUTE);
    site.repository.reset(base);
    site.repository.commit({ c: '1' }, 'Other two');
    site.repository.push('+main');
    await site.after(5 * MINUTE);
    site.repository.reset(base);
    site.repository.push('+main');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['main: Two (b)', 'main: Other two (b c)', 'main: One (c)']);
  });

  test('that are forced away after they were only noted are a push of what is new there, not of their history', async () => {
    const site = new Polled();
    for (const name of ['a', 'b', 'c']) site.repository.commit({ [name]: '1' }, name);
    site.repository.push('main');
    await site.started();
    site.repository.reset('HEAD~1');
    site.repository.commit({ d: '1' }, 'Other');
    site.repository.push('+main');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['main: Other (c d)']);
  });

  test('may be many: of those that were pushed each is told once', async () => {
    const site = new Polled({ branches: true });
    site.repository.commit({ a: '1' }, 'One');
    site.repository.push(...Array.from({ length: 600 }, (_, i) => `b${i}`));
    await site.started();
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('b7', 'b599');
    await site.after(5 * MINUTE);
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['b599: Two (b)', 'b7: Two (b)']);
  });

  test('may be those that a pattern fits; with another pattern the others are noted', async () => {
    const site = await setUp({ branches: /main|release\// });
    site.repository.push('release/1', 'wip');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['release/1: One (a)']);
    await site.restarted({ branches: /main|release\/|wip/ });
    expect(site.told).toHaveLength(1);
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('wip');
    await site.after(5 * MINUTE);
    expect(site.told.slice(1)).toEqual(['wip: Two (b)']);
  });

  test('are told with what is in them the first time, if that is asked for', async () => {
    const site = new Polled({ branches: true, history: true });
    site.repository.commit({ a: '1' }, 'One');
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    site.repository.commit({ c: '1' }, 'Three');
    site.repository.push('next');
    await site.started();
    expect(site.told).toEqual(['main: Two (b)', 'next: Three (c)']);
    await site.restarted({ branches: true, history: true });
    expect(site.told).toHaveLength(2);
  });

  test('that were deleted are forgotten; made again they are new, also where the name was a directory', async () => {
    const site = await setUp({ branches: true });
    site.repository.push('next');
    await site.after(5 * MINUTE);
    site.repository.git('push', '-q', 'origin', ':next');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['next: One (a)']);
    site.repository.push('next/one');
    await site.after(5 * MINUTE);
    site.repository.git('push', '-q', 'origin', ':next/one');
    site.repository.push('next');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['next: One (a)', 'next/one: One (a)', 'next: One (a)']);
    expect(site.error).toBeNull();
  });

  test('that are newly looked for are noted, not built; those looked for before are built', async () => {
    const site = await setUp();
    site.repository.push('next');
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    await site.restarted({ branches: true });
    expect(site.told).toEqual(['main: Two (b)']);
    site.repository.push('next');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['main: Two (b)', 'next: Two (b)']);
  });

  test('of another repository under the same name are noted anew', async () => {
    const site = await setUp();
    const other = TestRepository.create();
    other.commit({ x: '1' }, 'Other');
    other.push('main');
    await site.restarted({ repository: other.bare });
    expect(site.told).toEqual([]);
    other.commit({ y: '1' }, 'More');
    other.push('main');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['main: More (y)']);
  });

  test("with a name that the site's validation refuses are noted, once, and keep no other from being told", async () => {
    const site = await setUp({ branches: true });
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('a;b', 'main');
    await site.after(5 * MINUTE);
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['main: Two (b)']);
    expect(site.room.errors).toHaveLength(1);
    expect(site.room.errors[0]?.message).toContain('a;b');
  });

  test('of an empty repository are none; the first push is told', async () => {
    const site = await new Polled().started();
    expect(site.error).toBeNull();
    site.repository.commit({ a: '1' }, 'One');
    site.repository.push('main');
    await site.after(5 * MINUTE);
    expect(site.told).toEqual(['main: One (a)']);
  });

  test('without a default must be named', async () => {
    const site = await setUp();
    site.repository.push('other');
    site.repository.git('--git-dir', site.repository.bare, 'symbolic-ref', 'HEAD', 'refs/heads/gone');
    await site.after(5 * MINUTE);
    expect(site.error).toMatch(/which branch is its default; name the branches/);
  });
});

describe('a remote that fails', () => {
  test('is told with its reason, asked less and less often, and told when it works again', async () => {
    const site = await setUp();
    const away = `${site.repository.bare}.away`;
    renameSync(site.repository.bare, away);
    await site.after(5 * MINUTE);
    expect(site.error).toMatch(/^git ls-remote: .*does not appear to be a git repository/s);
    const nextPollAt = () => (site.pollers.status()[0]?.nextPollAt ?? 0) - site.room.clock.now();
    expect(nextPollAt()).toBe(10 * MINUTE);
    await site.after(10 * MINUTE);
    expect(nextPollAt()).toBe(20 * MINUTE);
    expect(site.room.errors).toHaveLength(2);
    renameSync(away, site.repository.bare);
    await site.after(20 * MINUTE);
    expect(site.error).toBeNull();
    expect(nextPollAt()).toBe(5 * MINUTE);
  });

  test('is an alarm from the third failure on, one for all pollers, until they work again or are gone', async () => {
    const site = await setUp();
    const alarms = () => site.room.core.alarms.all.map(({ message }) => message);
    const away = `${site.repository.bare}.away`;
    renameSync(site.repository.bare, away);
    await site.after(5 * MINUTE);
    await site.after(10 * MINUTE);
    expect(alarms()).toEqual([]);
    await site.after(20 * MINUTE);
    expect(alarms()).toEqual([
      expect.stringMatching(
        /^git poller "scripts" cannot ask: pushes there are not noticed .*does not appear to be a git repository$/,
      ),
    ]);
    const { repository } = site;
    const names = ['scripts', 'more'];
    const changeSources = names.map((name) => gitPoller({ name, repository: repository.bare }));
    site.room.core.turn(() => site.room.config.replace(siteOf([all], { changeSources })));
    for (let i = 0; i < 6; i += 1) await site.after(20 * MINUTE);
    expect(alarms()).toEqual([expect.stringMatching(/^2 git pollers \("scripts", "more"\) cannot ask/)]);
    renameSync(away, repository.bare);
    await site.after(60 * MINUTE);
    expect(alarms()).toEqual([]);
  });

  test.each([
    [5 * MINUTE, 0, 5 * MINUTE],
    [5 * MINUTE, 2, 20 * MINUTE],
    [5 * MINUTE, 4, 60 * MINUTE],
    [5 * MINUTE, 5000, 60 * MINUTE],
    [120 * MINUTE, 3, 120 * MINUTE],
  ])('polled every %i ms, after %i failures is asked again in %i ms', (every, failures, expected) => {
    expect(delayOf(every, failures)).toBe(expected);
  });

  test('does not tell the password in its address', async () => {
    const repository = 'http://ada:secret@127.0.0.1:1/x.git';
    const site = await new Polled({ repository }).started();
    expect(site.error).not.toContain('secret');
    expect(JSON.stringify([site.pollers.status(), site.room.errors])).not.toContain('secret');
  });
});

describe('a mirror', () => {
  test('that is broken is made anew, and nothing is lost', async () => {
    const site = await setUp();
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    await site.after(5 * MINUTE);
    const mirror = join(site.directory, 'scripts');
    renameSync(join(mirror, 'objects'), join(mirror, 'gone'));
    site.repository.commit({ c: '1' }, 'Three');
    site.repository.push('main');
    for (let polls = 0; polls < 5; polls += 1) await site.after(60 * MINUTE);
    expect(site.error).toBeNull();
    expect(site.told).toEqual(['main: Two (b)', 'main: Three (c)']);
    expect(existsSync(join(mirror, 'gone'))).toBe(false);
  });
});

describe('a new configuration', () => {
  test('stops pollers that are gone, begins new ones, and leaves the others their time', async () => {
    const site = await setUp();
    const other = TestRepository.create();
    const both = [...site.site({}).changeSources, gitPoller({ name: 'other', repository: other.bare })];
    await site.after(2 * MINUTE);
    site.room.core.turn(() => site.room.config.replace(siteOf([all], { changeSources: both })));
    await site.after(0);
    const times = () =>
      site.pollers.status().map(({ name, nextPollAt }) => [name, (nextPollAt ?? 0) - site.room.clock.now()]);
    expect(times()).toEqual([
      ['scripts', 3 * MINUTE],
      ['other', 5 * MINUTE],
    ]);
    site.room.core.turn(() => site.room.config.replace(siteOf([all], { changeSources: both.slice(1) })));
    await site.after(3 * MINUTE);
    expect(times()).toEqual([['other', 2 * MINUTE]]);
  });

  test('begins more pollers than may ask at once, and all get their turn', async () => {
    const site = await setUp();
    const many = Array.from({ length: 12 }, (_, i) =>
      gitPoller({ name: `p${i}`, repository: site.repository.bare, codebase: `c${i}` }),
    );
    site.room.core.turn(() => site.room.config.replace(siteOf([all], { changeSources: many })));
    await site.after(0);
    expect(site.pollers.status().map(({ lastError, lastPollAt }) => [lastError, lastPollAt])).toEqual(
      many.map(() => [null, site.room.clock.now()]),
    );
    site.repository.commit({ b: '1' }, 'Two');
    site.repository.push('main');
    await site.after(5 * MINUTE);
    expect(site.told).toHaveLength(12);
  });
});

/** A started site whose repository has one commit on main, which the poller has seen. */
async function setUp(options: Partial<GitPollerOptions> = {}): Promise<Polled> {
  const site = new Polled(options);
  site.repository.commit({ a: '1' }, 'One');
  site.repository.push('main');
  return await site.started();
}
