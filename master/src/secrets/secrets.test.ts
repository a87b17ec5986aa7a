import { describe, expect, it } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { site } from '../config/site-program.ts';
import { worker } from '../config/workers.ts';
import { shell, TestRoom } from '../workers/test-room.ts';
import { SecretError, type SecretProvider } from './provider.ts';
import { type SecretAnswer, type SecretSource, Secrets } from './secrets.ts';

type Read = (name: string) => Promise<Buffer | null>;

function providerOf(title: string, read: Read): SecretProvider {
  return { type: 'secretProvider', title, place: null, read };
}

function siteWithSecrets(...from: readonly SecretProvider[]) {
  const w1 = worker({ name: 'w1' });
  const b = builder({ name: 'b', workers: [w1], factory: factory([]) });
  return site({ title: 't', workers: [w1], builders: [b], secrets: { from, allow: [{ branches: ['main'] }] } });
}

/** Lets promises that wait for nothing else go on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

function roomWith(...from: readonly SecretProvider[]) {
  const room = new TestRoom(siteWithSecrets(...from));
  const secrets = new Secrets(room.core, room.config);
  const answers: SecretAnswer[] = [];
  const fetch = async (build: number, ...names: readonly string[]) => {
    secrets.fetch(build, names, (answer) => answers.push(answer));
    await settled();
  };
  const ofBranch = (branch: string | null) => {
    const build = room.build();
    const stamps = JSON.stringify([{ codebase: '', repository: 'r', branch, revision: null, project: '' }]);
    room.core.turn(() => room.core.db.run('UPDATE buildsets SET source_stamps = ?', stamps));
    return build;
  };
  return { room, answers, fetch, ofBranch };
}

describe('the secrets of a site', () => {
  it('come from the first place that has them', async () => {
    const one = providerOf('one', async (name) => (name === 'a' ? Buffer.from('from one') : null));
    const two = providerOf('two', async () => Buffer.from('from two'));
    const { answers, fetch, ofBranch } = roomWith(one, two);
    await fetch(ofBranch('main'), 'a', 'b');
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    expect(answers).toEqual([{ values: { a: base64('from one'), b: base64('from two') } }]);
  });

  it('are not even asked for where the rules do not give them', async () => {
    const asked: string[] = [];
    const place = providerOf('one', async (name) => {
      asked.push(name);
      return Buffer.from('swordfish');
    });
    const { answers, fetch, ofBranch } = roomWith(place);
    await fetch(ofBranch('refs/pull/5/merge'), 'a');
    expect(answers).toMatchObject([
      { error: { code: 'secret_refused', message: expect.stringMatching(/refs\/pull\/5/) } },
    ]);
    expect(asked).toEqual([]);
  });

  it.each([
    ['no place has it', null, 'secret_unknown', /nowhere; asked: one/],
    ['it is too short to be taken out of logs', Buffer.from('abc\n\n\n\n'), 'bad_secret', /shorter than 6/],
    ['it is too large', Buffer.alloc(70_000, 1), 'bad_secret', /larger than/],
  ])('are refused where %s', async (_name, value, code, message) => {
    const { answers, fetch, ofBranch } = roomWith(providerOf('one', async () => value));
    await fetch(ofBranch('main'), 'a');
    expect(answers).toMatchObject([{ error: { code, message: expect.stringMatching(message) } }]);
  });

  it('are asked for again where a place does not answer, and given up after a while', async () => {
    let tries = 0;
    const place = providerOf('one', async () => {
      tries += 1;
      throw new SecretError('secret_unavailable', 'it is down');
    });
    const { room, answers, fetch, ofBranch } = roomWith(place);
    await fetch(ofBranch('main'), 'a');
    for (const seconds of [1, 5, 15]) {
      expect(answers).toEqual([]);
      room.clock.advance(seconds * 1000);
      await settled();
    }
    expect([tries, answers]).toEqual([4, [{ error: { code: 'secret_unavailable', message: 'it is down' } }]]);
  });

  it('are given up where a place never answers', async () => {
    const { room, answers, fetch, ofBranch } = roomWith(providerOf('one', () => new Promise(() => {})));
    await fetch(ofBranch('main'), 'a');
    for (let tries = 0; tries < 4; tries += 1) {
      for (const seconds of [10, 15]) {
        room.clock.advance(seconds * 1000);
        await settled();
      }
    }
    expect(answers).toMatchObject([{ error: { message: expect.stringMatching(/did not answer within 10 s/) } }]);
  });

  it('are not told by a place that fails with one in its words', async () => {
    const place = providerOf('one', async () => {
      throw new Error('swordfish');
    });
    const { room, answers, fetch, ofBranch } = roomWith(place);
    await fetch(ofBranch('main'), 'a');
    for (const seconds of [1, 5, 15]) {
      room.clock.advance(seconds * 1000);
      await settled();
    }
    expect(answers).toHaveLength(1);
    expect(JSON.stringify([answers, room.logged])).not.toContain('swordfish');
  });
});

/** Answers when the test says. */
class HeldSource implements SecretSource {
  readonly waiting: ((answer: SecretAnswer) => void)[] = [];
  fetch(_build: number, _names: readonly string[], answer: (answer: SecretAnswer) => void): void {
    this.waiting.push(answer);
  }
}

describe('a command with secrets', () => {
  const command = shell({ secrets: { env: { TOKEN: 'a' }, files: {}, stdin: null } });
  const values = { values: { a: 'c3dvcmRmaXNo' } };
  const open = () => {
    const source = new HeldSource();
    const room = new TestRoom(siteWithSecrets(providerOf('one', async () => null)), { secrets: source });
    return { room, source };
  };

  it('is sent with them when they are there, and nothing of them is on record', () => {
    const { room, source } = open();
    const agent = room.connect();
    room.order(room.build(), command);
    expect(agent.heard).toEqual(['welcome []']);
    source.waiting[0]?.(values);
    expect(agent.messages[1]).toMatchObject({ kind: 'start', secrets: values.values });
    expect(JSON.stringify(room.core.db.all('SELECT * FROM commands'))).not.toContain('c3dvcmRmaXNo');
  });

  it('is refused where they are not given: its worker never hears of it', () => {
    const { room, source } = open();
    const agent = room.connect();
    room.order(room.build(), command);
    source.waiting[0]?.({ error: { code: 'secret_refused', message: 'no' } });
    expect([agent.heard, room.told, room.onRecord]).toEqual([['welcome []'], ['1 refused null'], []]);
  });

  it('is refused by name where the worker is too old for them', () => {
    const { room, source } = open();
    const agent = room.connect('w1', { protocol: { major: 1, minor: 0 } });
    const ends: string[] = [];
    room.commands.finished.on(({ outcome }) => ends.push(outcome.error?.code ?? ''));
    room.order(room.build(), command);
    expect([agent.heard, ends, source.waiting.length]).toEqual([['welcome []'], ['worker_too_old'], 0]);
  });

  it('that is stopped while they are fetched ends without being sent', () => {
    const { room, source } = open();
    const agent = room.connect();
    const build = room.build();
    room.order(build, command);
    room.interrupt(build);
    source.waiting[0]?.(values);
    expect([agent.heard, room.told]).toEqual([['welcome []'], ['1 interrupted null']]);
  });

  it('is given them anew over the next connection, not what was fetched for the one before', () => {
    const { room, source } = open();
    const first = room.connect();
    room.order(room.build(), command);
    first.cut();
    const second = room.connect();
    source.waiting[0]?.(values);
    expect(second.heard).toEqual(['welcome []']);
    source.waiting[1]?.(values);
    expect([first.heard, second.heard]).toEqual([['welcome []'], ['welcome []', 'start 1']]);
  });

  it('is given them anew by a master that was started anew', () => {
    const { room, source } = open();
    room.connect();
    room.order(room.build(), command);
    const after = room.restarted();
    const agent = after.connect();
    source.waiting[1]?.(values);
    expect(agent.heard).toEqual(['welcome []', 'start 1']);
  });
});
