import { stat } from 'node:fs/promises';
import { decodeRecords, MAX_FRAME_PAYLOAD_BYTES, SEND_WINDOW_BYTES, type WorkerMessage } from '@icefall/shared';
import { expect, it, onTestFinished } from 'vitest';
import { realClock } from '../clock.ts';
import { Journal } from '../journal/journal.ts';
import { SegmentFiles } from '../journal/segments.ts';
import { temporaryDirectory } from '../test-support/directories.ts';
import { FakeWire, NO_EVENTS } from '../test-support/fake-wire.ts';
import { JournalSender, type Sendable } from './sender.ts';

class TestCommand implements Sendable {
  readonly commandId: number;
  readonly epoch = 1;
  readonly journal: Journal;
  ended = false;

  constructor(commandId: number, journal: Journal) {
    this.commandId = commandId;
    this.journal = journal;
  }

  finishedMessage(): WorkerMessage | null {
    if (!this.ended) return null;
    const outcome = {
      reason: 'exited' as const,
      exitCode: 0,
      signal: null,
      error: null,
      values: {},
      startedAt: 0,
      finishedAt: 0,
    };
    return { kind: 'finished', commandId: this.commandId, epoch: 1, endOffset: this.journal.end, outcome };
  }

  async write(...pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) this.journal.append(1, piece);
    await this.journal.flush();
  }
}

async function setUp(ids: readonly number[] = [1]) {
  const wire = new FakeWire(NO_EVENTS);
  const faults: unknown[] = [];
  const sender = new JournalSender(wire, (_command, error) => faults.push(error));
  const commands = await Promise.all(
    ids.map(async (id) => {
      const segments = new SegmentFiles(await temporaryDirectory());
      const journal = new Journal({
        segments,
        clock: realClock,
        limitBytes: 1e9,
        onWritten: () => sender.wake(),
        onFault: () => {},
      });
      onTestFinished(() => journal.close());
      return new TestCommand(id, journal);
    }),
  );
  const [command] = commands;
  if (command === undefined) throw new Error('no command');
  return { wire, sender, faults, commands, command };
}

/** Lets what is read back from the disk arrive. */
async function until(look: () => boolean): Promise<void> {
  while (!look()) await new Promise(setImmediate);
}

/** Waits until a number does not change any more, however long the disk takes. */
async function settled(count: () => number): Promise<void> {
  for (let last = -1; last !== count(); ) {
    last = count();
    for (let i = 0; i < 50; i += 1) await stat('/');
  }
}

const MIB = Buffer.alloc(1024 * 1024, 5);

it('sends output in whole records, then the end', async () => {
  const { wire, sender, command } = await setUp();
  sender.add(command, 0);
  await command.write(Buffer.from('one\n'), MIB);
  command.ended = true;
  sender.wake();
  let offset = 0;
  for (const frame of wire.frames) {
    expect(frame.offset).toBe(offset);
    expect(frame.payload.length).toBeLessThanOrEqual(MAX_FRAME_PAYLOAD_BYTES);
    const records = decodeRecords(frame.payload);
    let step = records.next();
    while (!step.done) step = records.next();
    expect(step.value).toBe(frame.payload.length);
    offset += frame.payload.length;
  }
  expect(offset).toBe(command.journal.end);
  expect(wire.texts).toEqual([command.finishedMessage()]);
});

it('has no more in flight than the window, and goes on when it is acknowledged', async () => {
  const { wire, sender, command } = await setUp();
  sender.add(command, 0);
  await command.write(...Array(12).fill(MIB));
  const inFlight = () =>
    wire.frames.reduce((sum, { payload }) => sum + payload.length, 0) - command.journal.acknowledged;
  let rounds = 0;
  while (command.journal.acknowledged < command.journal.end) {
    await settled(() => wire.frames.length);
    expect(inFlight()).toBeLessThanOrEqual(SEND_WINDOW_BYTES);
    expect(inFlight()).toBeGreaterThan(0);
    rounds += 1;
    await command.journal.acknowledge(command.journal.acknowledged + inFlight());
    sender.wake();
  }
  // All of the window is used: twelve MiB take three rounds and a bit.
  expect(rounds).toBeLessThanOrEqual(5);
});

it('does not tell the end before the last byte has gone', async () => {
  const { wire, sender, command } = await setUp();
  wire.holds = true;
  wire.buffered = 10 * MIB.length;
  sender.add(command, 0);
  await command.write(Buffer.from('last words'));
  command.ended = true;
  sender.wake();
  expect([wire.frames, wire.texts]).toEqual([[], []]);
  wire.holds = false;
  wire.buffered = 0;
  sender.wake();
  expect([wire.frames.length, wire.texts.length]).toEqual([1, 1]);
});

it('lets commands take turns on a slow wire', async () => {
  const { wire, sender, commands } = await setUp([1, 2]);
  wire.holds = true;
  for (const command of commands) {
    await command.write(MIB, MIB);
    sender.add(command, 0);
  }
  for (let i = 0; i < 8; i += 1) wire.leave();
  const order = wire.frames.map(({ commandId }) => commandId);
  expect(order.lastIndexOf(1)).toBeGreaterThan(order.indexOf(2));
  expect(order.indexOf(2)).toBeLessThan(order.length / 2);
});

it('begins where the master is, and reads back from the disk what has left memory', async () => {
  const { wire, sender, command } = await setUp();
  await command.write(Buffer.from('had already'));
  const from = command.journal.end;
  await command.write(...Array(20).fill(MIB));
  await command.journal.acknowledge(from);
  expect(command.journal.recent(from)).toBeNull();
  sender.add(command, from);
  while (command.journal.acknowledged < command.journal.end) {
    await until(() => (wire.frames.at(-1)?.offset ?? 0) >= command.journal.acknowledged && wire.frames.length > 0);
    const last = wire.frames.at(-1);
    await command.journal.acknowledge((last?.offset ?? 0) + (last?.payload.length ?? 0));
    sender.wake();
    await new Promise(setImmediate);
  }
  expect(wire.frames[0]?.offset).toBe(from);
  const bytes = Buffer.concat(
    wire.frames.flatMap(({ payload }) => [...decodeRecords(payload)].map(({ data }) => data)),
  );
  expect(bytes.equals(Buffer.concat(Array(20).fill(MIB)))).toBe(true);
});

it('tells the end again where it is asked to, but sends nothing twice', async () => {
  const { wire, sender, command } = await setUp();
  await command.write(Buffer.from('x'));
  command.ended = true;
  sender.add(command, 0);
  sender.wake();
  sender.add(command, 0);
  expect([wire.frames.length, wire.texts.length]).toEqual([1, 2]);
  sender.remove(command);
  sender.wake();
  expect(wire.texts).toHaveLength(2);
});

it('tells of a journal that cannot be read, and sends the others', async () => {
  const { wire, sender, commands, faults } = await setUp([1, 2]);
  const [broken, fine] = commands;
  if (broken === undefined || fine === undefined) throw new Error('no commands');
  await broken.write(...Array(20).fill(MIB));
  await fine.write(Buffer.from('fine'));
  sender.add(broken, 7);
  sender.add(fine, 0);
  await until(() => faults.length > 0);
  expect(wire.frames.map(({ commandId }) => commandId)).toEqual([2]);
});
