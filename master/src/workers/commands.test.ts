import { describe, expect, test } from 'vitest';
import { ACK_AFTER_MS } from './acknowledger.ts';
import { recordOf, shell, siteWith, TestRoom } from './test-room.ts';

const open = () => new TestRoom(siteWith({ name: 'w1', grace: '10m' }));

describe('a command', () => {
  test('is sent to its connected worker once it is on disk, with the directory of its build', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    room.core.turn(() => {
      room.order(build);
      expect(agent.heard).toEqual(['welcome []']);
    });
    expect(agent.heard).toEqual(['welcome []', 'start 1']);
    expect(agent.messages[1]).toMatchObject({ epoch: 1001, buildDirectory: 'b1', label: 'b #1', command: shell() });
    expect(room.row('SELECT state, store_id FROM commands')).toEqual({ state: 'sent', store_id: 'store-one' });
  });

  test('of a turn that failed is neither on disk nor sent', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    const failing = () =>
      room.core.turn(() => {
        room.order(build);
        throw new Error('no');
      });
    expect(failing).toThrow('no');
    expect(room.onRecord).toEqual([]);
    expect(agent.heard).toEqual(['welcome []']);
  });

  test('runs to its end: begun, its output kept and acknowledged, its end told once, released', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    room.order(build);
    agent.says({ kind: 'started', commandId: 1, epoch: 1001, at: 1, pid: 77 });
    const end = agent.output(1, 1001, 'hello\n');
    room.clock.advance(ACK_AFTER_MS);
    agent.finishes(1, 1001, end, { exitCode: 3 });
    expect(agent.heard).toEqual(['welcome []', 'start 1', `ack 1 ${end}`, 'release 1']);
    expect(room.told).toEqual(['1 started 77', '1 exited 3']);
    expect(room.onRecord).toEqual([]);
    expect(room.text(build)).toBe('hello\n');
  });

  test('that says twice that it has begun is told of once', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    for (let i = 0; i < 2; i += 1) agent.says({ kind: 'started', commandId: 1, epoch: 1001, at: 1, pid: 77 });
    expect(room.told).toEqual(['1 started 77']);
    expect(room.row('SELECT state, pid FROM commands')).toEqual({ state: 'started', pid: 77 });
  });

  test('too large for a message is refused, at once or when its worker comes, which goes on with the others', () => {
    const room = open();
    const huge = shell({ command: ['echo', 'ä'.repeat(2.1 * 1024 * 1024)] });
    room.order(room.build(), huge);
    const agent = room.connect();
    room.order(room.build(), huge);
    room.order(room.build());
    expect(room.told).toEqual(['1 refused null', '2 refused null']);
    expect(agent.heard).toEqual(['welcome []', 'start 3']);
    expect(room.onRecord).toEqual(['3 sent']);
  });

  test('gives its extra logs their names', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    room.order(build, shell({ logFiles: [{ name: 'config.log', path: 'c', follow: false }] }));
    agent.output(1, 1001, 'x\n');
    agent.session.receivedFrame(frameOfLog(recordOf('checking\n', 16), recordOf('x\n').length));
    expect(room.logs.ofStep(build, 0).map(({ name }) => name)).toEqual(['stdio', 'config.log']);
  });

  test('is not ended by a worker whose output is not all here', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    agent.output(1, 1001, 'hello\n');
    agent.finishes(1, 1001, 1000);
    expect(agent.heard.at(-1)).toBe('error output_missing');
    expect(agent.end).toBe('4400 output_missing');
    expect(room.told).toEqual([]);
    expect(room.onRecord).toEqual(['1 sent']);
    expect(room.logged.join()).toContain('told to have ended after 1000 bytes');
  });

  test('whose end is on record already is only released', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    agent.finishes(1, 1001);
    agent.finishes(1, 1001);
    expect(agent.heard.slice(2)).toEqual(['release 1', 'release 1']);
    expect(room.told).toEqual(['1 exited 0']);
  });

  test('ends with its step and is released by the next master, when this one dies before it could tell', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    room.order(build);
    const end = agent.output(1, 1001, 'all of it\n');
    agent.send = () => {};
    agent.finishes(1, 1001, end);
    const next = room.restarted();
    const held = { commandId: 1, epoch: 1001, state: 'finished' as const, firstOffset: 0, endOffset: end };
    const again = next.connect('w1', { commands: [held] });
    expect(again.heard).toEqual(['welcome [drop 1]']);
    expect([room.told, next.told]).toEqual([['1 exited 0'], []]);
    expect(next.text(build)).toBe('all of it\n');
  });

  test('goes on in the next master at the end of its copy, which is durable by then', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    room.order(build);
    agent.says({ kind: 'started', commandId: 1, epoch: 1001, at: 1, pid: 77 });
    const here = agent.output(1, 1001, 'before\n');
    const next = room.restarted();
    const held = { commandId: 1, epoch: 1001, state: 'running' as const, firstOffset: 0, endOffset: 500 };
    const again = next.connect('w1', { commands: [held] });
    expect(again.welcome?.commands).toEqual([{ action: 'continue', commandId: 1, epoch: 1001, offset: here }]);
    again.finishes(1, 1001, again.output(1, 1001, 'after\n', here));
    expect(next.text(build)).toBe('before\nafter\n');
    expect(next.told).toEqual(['1 exited 0']);
  });

  test('whose worker came back with a gap in its output is dropped and lost', () => {
    const room = open();
    room.connect().cut();
    const build = room.build();
    room.connect();
    room.order(build);
    const held = { commandId: 1, epoch: 1001, state: 'running' as const, firstOffset: 100, endOffset: 500 };
    const again = room.connect('w1', { commands: [held] });
    expect(again.heard).toEqual(['welcome [drop 1]']);
    expect(room.told.join()).toContain('1 lost: its output is incomplete: the master holds 0 bytes');
    expect(room.onRecord).toEqual([]);
  });

  test('that had begun and is not there any more is lost', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    agent.says({ kind: 'started', commandId: 1, epoch: 1001, at: 1, pid: 77 });
    expect(room.connect().heard).toEqual(['welcome []']);
    expect(room.told).toEqual(['1 started 77', '1 lost: the worker w1 came back without the command']);
  });

  test('that did not arrive is sent again, to the same journal', () => {
    const room = open();
    room.connect();
    room.order(room.build());
    expect(room.connect().heard).toEqual(['welcome []', 'start 1']);
    expect(room.onRecord).toEqual(['1 sent']);
  });

  test('that did not arrive is lost with the disk that it was sent to', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    agent.cut();
    expect(room.connect('w1', { storeId: 'store-two' }).heard).toEqual(['welcome []']);
    expect(room.told.join()).toContain('1 lost: the worker w1 came back with another journal');
  });

  test('that a lost one makes a build ask for is sent after the welcome', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    room.order(build);
    agent.says({ kind: 'started', commandId: 1, epoch: 1001, at: 1, pid: 77 });
    room.commands.lost.on(() => room.order(build, shell(), { patient: true }));
    expect(room.connect().heard).toEqual(['welcome []', 'start 2']);
  });
});

describe('an interrupt', () => {
  test('ends a command that was never sent at once, in the same turn', () => {
    const room = open();
    room.order(room.build());
    room.core.turn(() => {
      room.interrupt(1);
      expect(room.told).toEqual(['1 interrupted null']);
    });
    expect(room.onRecord).toEqual([]);
    expect(room.connect().heard).toEqual(['welcome []']);
  });

  test('is sent to the worker, and again when it is back, until the command has ended', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    room.interrupt(1, 'first');
    room.interrupt(1, 'second');
    expect(agent.messages.slice(2)).toMatchObject([{ reason: 'first' }, { reason: 'first' }]);
    const held = { commandId: 1, epoch: 1001, state: 'running' as const, firstOffset: 0, endOffset: 0 };
    const again = room.connect('w1', { commands: [held] });
    expect(again.heard).toEqual(['welcome [continue 1]', 'interrupt 1']);
    again.finishes(1, 1001, 0, { reason: 'interrupted', exitCode: null });
    expect(room.told).toEqual(['1 interrupted null']);
  });

  test('of an absent worker’s command that never arrived ends it when the worker is back without it', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    agent.cut();
    room.interrupt(1);
    expect(room.told).toEqual([]);
    expect(room.connect().heard).toEqual(['welcome []']);
    expect(room.told).toEqual(['1 interrupted null']);
  });

  test('of a step without command does nothing', () => {
    const room = open();
    room.interrupt(room.build());
    expect(room.told).toEqual([]);
  });
});

function frameOfLog(record: Uint8Array, offset: number): Uint8Array {
  const frame = new Uint8Array(25 + record.length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, 1);
  view.setBigUint64(1, 1n);
  view.setBigUint64(9, 1001n);
  view.setBigUint64(17, BigInt(offset));
  frame.set(record, 25);
  return frame;
}
