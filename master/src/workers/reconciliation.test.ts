import { describe, expect, test } from 'vitest';
import type { CommandRow } from './command-rows.ts';
import { reconcile } from './reconciliation.ts';

const STORE = 'store-one';

function rowOf(values: Partial<CommandRow> = {}): CommandRow {
  return {
    ...{ id: 7, build_id: 1, step_number: 0, epoch: 5, worker: 'w1', store_id: STORE, state: 'started', label: 'l' },
    ...{ command: '{}', transfer: null, patient: 0, pid: null, interrupt_reason: null },
    ...values,
  };
}
const heldOf = (values = {}) => {
  return { commandId: 7, epoch: 5, state: 'running' as const, firstOffset: 0, endOffset: 100, ...values };
};
const verdicts = (rows: CommandRow[], held: ReturnType<typeof heldOf>[], end = 50) =>
  reconcile({ storeId: STORE, rows, held, replicaEnd: () => end }).map((verdict) =>
    verdict.do === 'continue' ? `continue at ${verdict.offset}` : verdict.do,
  );

describe('a worker that is back with a command', () => {
  test('goes on where the copy of its journal ends', () => {
    expect(verdicts([rowOf()], [heldOf()])).toEqual(['continue at 50']);
    expect(verdicts([rowOf({ state: 'sent' })], [heldOf({ state: 'finished', firstOffset: 50 })])).toEqual([
      'continue at 50',
    ]);
  });

  test('goes on also where the master never knew that it was sent', () => {
    expect(verdicts([rowOf({ state: 'queued', store_id: null })], [heldOf()])).toEqual(['continue at 50']);
  });

  test('goes on at our end also where its own is lower, since it lost the end of its journal', () => {
    expect(verdicts([rowOf()], [heldOf({ endOffset: 20 })])).toEqual(['continue at 50']);
  });

  test('drops a command that nobody asks for', () => {
    expect(verdicts([], [heldOf()])).toEqual(['drop']);
  });

  test('drops another epoch of a command, and is told to begin the one on record', () => {
    expect(verdicts([rowOf({ state: 'sent' })], [heldOf({ epoch: 4 })])).toEqual(['drop', 'start']);
  });

  test('loses a command whose output was dropped there before it was kept here', () => {
    expect(verdicts([rowOf()], [heldOf({ firstOffset: 51 })])).toEqual(['drop', 'lose']);
  });

  test('loses a command that was given to another journal', () => {
    expect(verdicts([rowOf({ store_id: 'store-two' })], [heldOf()])).toEqual(['drop', 'lose']);
  });
});

describe('a worker that is back without a command', () => {
  test('is told to begin what was never sent', () => {
    expect(verdicts([rowOf({ state: 'queued', store_id: null })], [])).toEqual(['start']);
  });

  test('is told again what has not arrived', () => {
    expect(verdicts([rowOf({ state: 'sent' })], [])).toEqual(['start']);
  });

  test('is not told to begin what was to be ended', () => {
    expect(verdicts([rowOf({ state: 'sent', interrupt_reason: 'stop' })], [])).toEqual(['interrupt']);
  });

  test('has lost what had begun', () => {
    expect(verdicts([rowOf()], [])).toEqual(['lose']);
    expect(verdicts([rowOf({ interrupt_reason: 'stop' })], [])).toEqual(['lose']);
  });

  test('has lost what was sent to another journal', () => {
    expect(verdicts([rowOf({ state: 'sent', store_id: 'store-two' })], [])).toEqual(['lose']);
  });
});
