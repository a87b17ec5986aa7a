import { PEER_DEAD_MS, PING_INTERVAL_MS } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { ACK_AFTER_BYTES, ACK_AFTER_MS } from './acknowledger.ts';
import { HELLO_TIMEOUT_MS, MAX_FAULTS_A_MINUTE } from './session.ts';
import { HELLO, siteWith, TestAgent, TestRoom } from './test-room.ts';

const open = () => new TestRoom(siteWith({ name: 'w1', grace: '10m' }, { name: 'w2' }));

describe('a session', () => {
  test('keeps what the worker tells of itself', () => {
    const room = open();
    room.connect();
    expect(room.workers.presence('w1')).toMatchObject({ connected: true, connectedSince: room.core.now() });
    const row = room.row<{ info: string; last_seen_at: number; store_id: string }>(
      "SELECT * FROM workers WHERE name = 'w1'",
    );
    expect(row).toMatchObject({ last_seen_at: room.core.now(), store_id: 'store-one' });
    expect(JSON.parse(row.info)).toEqual(HELLO.info);
  });

  test('that does not begin with a hello is ended', () => {
    const room = open();
    const silent = new TestAgent(room.workers, 'w1');
    room.clock.advance(HELLO_TIMEOUT_MS);
    expect(silent.end).toContain('4400 no hello');
    const rude = new TestAgent(room.workers, 'w1');
    rude.says({ kind: 'leaving', reason: 'x' });
    expect([rude.heard, rude.end]).toEqual([['error not_greeted'], '4400 not_greeted']);
    const framing = new TestAgent(room.workers, 'w1');
    framing.output(1, 1, 'x');
    expect(framing.end).toBe('4400 not_greeted');
    expect(room.workers.presence('w1').connected).toBe(false);
  });

  test('of another major version is refused, and the page can say why', () => {
    const room = open();
    const agent = room.connect('w1', { protocol: { major: 99, minor: 0 } });
    expect(agent.heard).toEqual(['error version_mismatch']);
    expect(agent.end).toContain('4406');
    expect(room.workers.presence('w1')).toMatchObject({ connected: false });
    expect(room.workers.presence('w1').lastRefusal).toContain('speaks version 99');
    room.connect();
    expect(room.workers.presence('w1').lastRefusal).toBeNull();
  });

  test('takes unknown kinds and bad frames for faults that it names, and goes on', () => {
    const room = open();
    const agent = room.connect();
    agent.saysText('{"kind":"dance"}');
    agent.saysText('no json');
    agent.frame(new Uint8Array(3));
    agent.says(HELLO);
    agent.output(99, 1, 'x');
    agent.output(99, 1, 'y');
    expect(agent.heard.slice(1)).toEqual([
      'error bad_message',
      'error bad_json',
      'error bad_frame',
      'error greeted_twice',
      'error unknown_command',
    ]);
    expect(agent.end).toBeNull();
    room.order(room.build());
    expect(agent.heard.at(-1)).toBe('start 1');
  });

  test('ends when there are too many faults in a minute, and hurts nobody else', () => {
    const room = open();
    const [bad, good] = [room.connect('w1'), room.connect('w2')];
    for (let i = 0; i < MAX_FAULTS_A_MINUTE; i += 1) bad.saysText('{}');
    room.clock.advance(60_000);
    bad.saysText('{}');
    expect(bad.end).toBeNull();
    for (let i = 0; i < MAX_FAULTS_A_MINUTE; i += 1) bad.saysText('{}');
    expect(bad.end).toContain('4400 too many bad messages');
    expect(good.end).toBeNull();
    expect(room.workers.presence('w2').connected).toBe(true);
  });

  test('ends at output that does not follow on what is here, and the next one begins where it was', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    const end = agent.output(1, 1001, 'one\n');
    agent.output(1, 1001, 'three\n', end + 100);
    expect(agent.heard.at(-1)).toBe('error journal_gap');
    expect(agent.end).toBe('4400 journal_gap');
    const held = { commandId: 1, epoch: 1001, state: 'running' as const, firstOffset: 0, endOffset: 500 };
    expect(room.connect('w1', { commands: [held] }).welcome?.commands).toMatchObject([{ offset: end }]);
  });

  test('takes output that it has already only once', () => {
    const room = open();
    const agent = room.connect();
    const build = room.build();
    room.order(build);
    agent.output(1, 1001, 'one\n');
    agent.output(1, 1001, 'one\n', 0);
    expect(room.text(build)).toBe('one\n');
  });

  test('acknowledges what came in a while at once', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    agent.output(1, 1001, 'one\n');
    room.clock.advance(ACK_AFTER_MS - 1);
    const end = agent.output(1, 1001, 'two\n');
    expect(agent.heard).not.toContain(`ack 1 ${end}`);
    room.clock.advance(1);
    expect(agent.heard.filter((message) => message.startsWith('ack'))).toEqual([`ack 1 ${end}`]);
  });

  test('acknowledges much output without waiting', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    let end = 0;
    while (end < ACK_AFTER_BYTES) end = agent.output(1, 1001, 'x'.repeat(60_000));
    expect(agent.heard.at(-1)).toBe(`ack 1 ${end}`);
  });

  test('ends when this side fails, so that the worker tells it again', () => {
    const room = open();
    const agent = room.connect();
    room.order(room.build());
    let broken = true;
    room.commands.finished.on(() => {
      if (broken) throw new Error('a mistake');
    });
    agent.finishes(1, 1001);
    expect(agent.end).toContain('1011');
    expect(room.onRecord).toEqual(['1 sent']);
    broken = false;
    const held = { commandId: 1, epoch: 1001, state: 'finished' as const, firstOffset: 0, endOffset: 0 };
    const again = room.connect('w1', { commands: [held] });
    again.finishes(1, 1001);
    expect(again.heard).toEqual(['welcome [continue 1]', 'release 1']);
  });

  test('that could not be put on record leaves the worker away', () => {
    const room = open();
    room.workers.arrived.on(() => {
      throw new Error('a mistake');
    });
    const agent = room.connect();
    expect(agent.end).toContain('1011');
    expect(room.workers.presence('w1').connected).toBe(false);
    room.order(room.build());
    expect(room.onRecord).toEqual(['1 queued']);
  });
});

describe('a second connection under one name', () => {
  test('replaces the first where it has the same journal, and the worker was never away', () => {
    const room = open();
    const first = room.connect();
    const build = room.build();
    const second = room.connect();
    expect(first.end).toContain('1000');
    expect(second.end).toBeNull();
    expect(room.graceOf(build)).toBeNull();
    first.says({ kind: 'leaving', reason: 'x' });
    expect(room.workers.presence('w1')).toMatchObject({ connected: true, leaving: false });
    room.order(build);
    expect([first.heard, second.heard]).toEqual([['welcome []'], ['welcome []', 'start 1']]);
  });

  test('that was overtaken by a newer one is not taken: what was begun since is not lost', () => {
    const room = open();
    const build = room.build();
    const agent = room.connect('w1', { startedAt: 20, greeting: 2 });
    room.order(build);
    agent.says({ kind: 'started', commandId: 1, epoch: 1001, at: 1, pid: 7 });
    const late = room.connect('w1', { startedAt: 20, greeting: 1 });
    const ofTheAgentBefore = room.connect('w1', { instanceId: 'instance-zero', startedAt: 10, greeting: 9 });
    for (const overtaken of [late, ofTheAgentBefore])
      expect([overtaken.heard, overtaken.end?.slice(0, 4)]).toEqual([[], '1000']);
    expect(agent.end).toBeNull();
    expect(agent.heard).toEqual(['welcome []', 'start 1']);
    expect(room.workers.presence('w1').connected).toBe(true);
    expect(room.onRecord).toEqual(['1 started']);
  });

  test('of the agent that follows on one whose clock was ahead is taken once that is gone', () => {
    const room = open();
    const first = room.connect('w1', { startedAt: 20, greeting: 2 });
    first.cut();
    const second = room.connect('w1', { instanceId: 'instance-two', startedAt: 10, greeting: 1 });
    expect(second.heard).toEqual(['welcome []']);
  });

  test('of another agent is refused while the first is alive, and both are told', () => {
    const room = open();
    const first = room.connect();
    room.clock.advance(PING_INTERVAL_MS * 10);
    const second = room.connect('w1', { storeId: 'store-two' });
    expect(second.heard).toEqual(['error name_taken']);
    expect(second.end).toContain('4409');
    expect(first.heard).toEqual(['welcome []', 'error name_taken']);
    expect(first.end).toBeNull();
    expect(room.workers.presence('w1').lastRefusal).toContain('another agent is connected as "w1"');
  });

  test('of another agent takes the place of one that does not answer any more', () => {
    const room = open();
    const first = room.connect();
    first.answers = false;
    // What came last was seen at the first look; a second agent comes before the look that would give the first one up.
    room.clock.advance(PING_INTERVAL_MS / 2 + PEER_DEAD_MS - 1);
    expect(room.connect('w1', { storeId: 'store-two' }).heard).toEqual(['error name_taken']);
    room.clock.stall(1);
    const second = room.connect('w1', { storeId: 'store-two' });
    expect(second.heard).toEqual(['welcome []']);
    expect(first.end).not.toBeNull();
  });
});

describe('liveness', () => {
  test('gives up a worker that is silent, and keeps one that answers', () => {
    const room = open();
    const [dead, living] = [room.connect('w1'), room.connect('w2')];
    dead.answers = false;
    room.clock.advance(PEER_DEAD_MS + PING_INTERVAL_MS);
    expect(dead.end).toBe('terminated');
    expect(room.workers.presence('w1').connected).toBe(false);
    expect([living.end, living.pings]).toEqual([null, 3]);
  });

  test('does not count the time in which the master itself did not look', () => {
    const room = open();
    const agent = room.connect();
    agent.answers = false;
    room.clock.stall(600_000);
    room.clock.advance(0);
    expect(agent.end).toBeNull();
  });
});
