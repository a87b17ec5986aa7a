import { CLOSE, type Hello, type WorkerMessage } from '@icefall/shared';
import { describe, expect, it } from 'vitest';
import { FakeWire } from '../test-support/fake-wire.ts';
import { KeptLog } from '../test-support/kept-log.ts';
import { ManualClock } from '../test-support/manual-clock.ts';
import { type Directive, Link } from './link.ts';

const hello: Hello = {
  kind: 'hello',
  protocol: { major: 1, minor: 0 },
  storeId: 'store-of-test',
  instanceId: 'instance-of-test',
  info: {
    platform: 'linux',
    arch: 'x64',
    os: { name: '', id: '', version: '' },
    cpus: 1,
    memoryBytes: 1,
    hostname: 'h',
    versions: {},
    baseDirectory: '/',
  },
  commands: [],
};
const welcome = {
  kind: 'welcome',
  protocol: { major: 1, minor: 7 },
  masterId: 'm',
  commands: [],
  news: 'unknown field',
};

function setUp() {
  const clock = new ManualClock();
  const logger = new KeptLog();
  const wires: FakeWire[] = [];
  const events: string[] = [];
  const received: Directive[] = [];
  const link = new Link({
    ...{ clock, logger },
    random: () => 1,
    longestDelayMs: 600_000,
    dial: (wireEvents) => {
      const wire = new FakeWire(wireEvents);
      wires.push(wire);
      return wire;
    },
    hello: () => hello,
    onUp: () => events.push('up'),
    onDown: () => events.push('down'),
    onMessage: (message) => received.push(message),
  });
  link.open();
  const wire = () => {
    const last = wires.at(-1);
    if (last === undefined) throw new Error('nothing was dialled');
    return last;
  };
  const connect = () => {
    wire().events.onOpen();
    wire().receive(welcome);
  };
  /** Delay until the next try, after this end of the wire. */
  const delayAfter = (end: Parameters<FakeWire['events']['onEnd']>[0]) => {
    wire().events.onEnd(end);
    const [delay = -1] = clock.delays;
    clock.advance(delay);
    return delay;
  };
  return { clock, logger, wires, events, received, link, wire, connect, delayAfter };
}

const failed = { kind: 'failed', message: 'connect ECONNREFUSED' } as const;

describe('a link', () => {
  it('greets, and is up when it is welcomed, by a newer master too', () => {
    const { events, wire, link, connect } = setUp();
    link.send({ kind: 'leaving', reason: 'not yet' });
    connect();
    expect([events, wire().texts, link.up]).toEqual([['up'], [hello], true]);
    link.send({ kind: 'leaving', reason: 'now' });
    expect(wire().texts.at(-1)).toEqual({ kind: 'leaving', reason: 'now' });
  });

  it('tries again at growing intervals, and soon after a good connection', () => {
    const { clock, connect, delayAfter, events } = setUp();
    expect([1, 2, 3, 4].map(() => delayAfter(failed))).toEqual([200, 400, 800, 1600]);
    for (let i = 0; i < 20; i += 1) delayAfter(failed);
    expect(delayAfter(failed)).toBe(600_000);
    connect();
    clock.advance(10_000);
    expect(delayAfter({ kind: 'closed', code: CLOSE.goingAway, reason: 'restart' })).toBe(200);
    expect(events).toEqual(['up', 'down']);
  });

  it('does not hammer a master that welcomes and then drops it, nor stay away long', () => {
    const { connect, delayAfter } = setUp();
    const delays = [1, 2, 3, 4, 5, 6, 7].map(() => {
      connect();
      return delayAfter({ kind: 'closed', code: 1006, reason: '' });
    });
    expect(delays).toEqual([200, 400, 800, 1600, 3200, 3200, 3200]);
  });

  it.each([
    [{ kind: 'refused', status: 401, message: 'the token is wrong' } as const, 600_000],
    [{ kind: 'refused', status: 403, message: 'revoked' } as const, 600_000],
    [{ kind: 'refused', status: 409, message: 'another agent' } as const, 200],
    [{ kind: 'refused', status: 502, message: '' } as const, 200],
    [{ kind: 'closed', code: CLOSE.protocolError, reason: 'bad_frame' } as const, 600_000],
    [{ kind: 'closed', code: CLOSE.versionMismatch, reason: '' } as const, 600_000],
    [{ kind: 'closed', code: CLOSE.nameTaken, reason: '' } as const, 200],
  ])('after %j waits %d ms', (end, delay) => {
    const { delayAfter, logger } = setUp();
    expect(delayAfter(end)).toBe(delay);
    if (end.kind === 'refused') expect(logger.lines.join()).toContain(end.message);
  });

  it('gives up a connection on which nothing comes any more', () => {
    const { clock, wires, events, connect } = setUp();
    connect();
    // The welcome itself is the last that is heard.
    clock.advance(35_000);
    expect(events).toEqual(['up', 'down']);
    clock.advance(200);
    expect(wires).toHaveLength(2);
  });

  it('gives up a master that does not answer the greeting', () => {
    const { clock, wires, wire } = setUp();
    const first = wire();
    first.events.onOpen();
    for (let i = 0; i < 14; i += 1) {
      clock.advance(5000);
      first.received += 1;
    }
    expect(wires).toHaveLength(2);
  });

  it('does not come back once it is closed', () => {
    const { clock, wires, link, connect } = setUp();
    connect();
    link.close('leaving');
    clock.advance(10_000_000);
    expect([wires.length, wires[0]?.closedWith]).toEqual([1, 1000]);
  });
});

describe('messages that are none', () => {
  const complaints = (texts: readonly WorkerMessage[]) =>
    texts.flatMap((text) => (text.kind === 'error' ? [text.code] : []));

  it('are answered with a named error, and the link stays', () => {
    const { wire, link, connect, received } = setUp();
    connect();
    wire().receive({ kind: 'dance', steps: 3 });
    wire().receive('no JSON');
    wire().receive({ kind: 'ack', commandId: -1, epoch: 1, offset: 0 });
    wire().receive(welcome);
    wire().events.onBytes(100);
    expect(complaints(wire().texts)).toEqual([
      'bad_message',
      'bad_json',
      'bad_message',
      'welcomed_twice',
      'unexpected_frame',
    ]);
    expect([link.up, received]).toEqual([true, []]);
  });

  it('end the link when there are too many of them', () => {
    const { wire, connect } = setUp();
    connect();
    for (let i = 0; i < 21; i += 1) wire().receive('nonsense');
    expect(wire().closedWith).toBe(CLOSE.protocolError);
  });

  it('are also those that come before the welcome', () => {
    const { wire, received } = setUp();
    wire().events.onOpen();
    wire().receive({ kind: 'shutdown', drain: false, reason: '' });
    expect([complaints(wire().texts), received]).toEqual([['not_welcomed'], []]);
  });
});

it('does not work with a master of another major version', () => {
  const { wire, events, logger } = setUp();
  wire().events.onOpen();
  wire().receive({ ...welcome, protocol: { major: 2, minor: 0 } });
  expect([events, wire().closedWith]).toEqual([[], CLOSE.versionMismatch]);
  expect(logger.lines.join()).toContain('version 2');
});
