import { type WorkerMessage, workerMessageSchema } from '@icefall/shared';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HELLO, outcome, siteWith, TestAgent, TestRoom } from './test-room.ts';

/** A worker minds its own commands' business: whatever it says of another worker's command changes nothing. */

const MINE = { commandId: 1, epoch: 1001 } as const;
/** Of each kind of message, one that speaks of the command of w1; null: the kind speaks of no command. */
const OF_ANOTHERS: { readonly [K in WorkerMessage['kind']]: Extract<WorkerMessage, { kind: K }> | null } = {
  hello: { ...HELLO, commands: [{ ...MINE, state: 'finished', firstOffset: 0, endOffset: 0 }] },
  started: { kind: 'started', ...MINE, at: 1, pid: 666 },
  finished: { kind: 'finished', ...MINE, endOffset: 0, outcome: outcome({ exitCode: 0 }) },
  leaving: null,
  error: null,
};

/** Two workers; w1 runs command 1 and has written a line. */
function twoWorkers() {
  const room = new TestRoom(siteWith({ name: 'w1' }, { name: 'w2' }));
  onTestFinished(() => room.logs.close());
  const honest = room.connect('w1');
  const build = room.build('w1');
  room.order(build);
  honest.says({ kind: 'started', ...MINE, at: 1, pid: 77 });
  honest.output(MINE.commandId, MINE.epoch, 'mine\n');
  const state = () => ({
    told: [...room.told],
    record: room.row('SELECT id, worker, state, pid FROM commands'),
    text: room.text(build),
    heard: honest.heard,
    builds: room.row('SELECT state, result FROM builds'),
  });
  return { room, honest, state };
}

describe("another worker's command", () => {
  test('is spoken of in every kind of message that there is', () => {
    const kinds = workerMessageSchema.options.map((option) => option.shape.kind.value);
    expect(Object.keys(OF_ANOTHERS).sort()).toEqual([...kinds].sort());
  });

  test.each(Object.entries(OF_ANOTHERS).filter(([, message]) => message !== null))(
    'is not touched by "%s" about it',
    (kind, message) => {
      const { room, state } = twoWorkers();
      const before = state();
      const other = new TestAgent(room.workers, 'w2');
      if (kind !== 'hello') other.says(HELLO);
      if (message !== null) other.says(message);
      expect(state()).toEqual(before);
      // It is never told what the command is.
      expect(other.heard.filter((word) => word.startsWith('start'))).toEqual([]);
    },
  );

  test('takes no output from it, nor one from a worker that has not said hello', () => {
    const { room, state } = twoWorkers();
    const before = state();
    const other = room.connect('w2');
    other.output(MINE.commandId, MINE.epoch, 'forged\n', 0);
    expect(other.heard.at(-1)).toBe('error unknown_command');
    new TestAgent(room.workers, 'w2').output(MINE.commandId, MINE.epoch, 'forged\n', 0);
    expect(state()).toEqual(before);
  });

  test('is not paused, and not lost, when the other worker leaves or complains', () => {
    const { room, state } = twoWorkers();
    const before = state();
    const other = room.connect('w2');
    other.says({ kind: 'leaving', reason: 'x' });
    other.says({ kind: 'error', code: 'x', message: 'y' });
    other.cut();
    expect(state()).toEqual(before);
    expect(room.workers.isAvailable('w1')).toBe(true);
  });
});

describe('a token that is revoked', () => {
  test('ends the connection of its worker, and lets nobody in', () => {
    const { room, honest } = twoWorkers();
    const token = room.workers.issueToken('w1');
    const ask = () =>
      room.workers.authentication.check({ name: 'w1', authorization: `Bearer ${token}`, address: '192.0.2.1' });
    expect(ask()).toBeNull();
    expect(room.workers.revokeToken('w1')).toBe(true);
    expect(honest.end).toContain('its token was revoked');
    expect(ask()).toMatchObject({ code: 'no_token' });
    expect(room.workers.revokeToken('w1')).toBe(false);
  });
});
