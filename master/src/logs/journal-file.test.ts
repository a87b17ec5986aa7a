import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeRecord, ProtocolError } from '@icefall/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalFile } from './journal-file.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'icefall-journal-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const one = encodeRecord({ stream: 1, at: 10, data: Buffer.from('first\n') });
const two = encodeRecord({ stream: 2, at: 20, data: Buffer.from('second\n') });
const texts = (file: JournalFile) => [...file.records()].map((record) => Buffer.from(record.data).toString());

describe('the master’s copy of a journal', () => {
  test('goes on where it was after a restart', () => {
    const path = join(dir, 'j');
    const before = new JournalFile(path);
    before.append(0, one);
    before.close();
    const after = new JournalFile(path);
    expect(after.end).toBe(one.length);
    after.append(one.length, two);
    expect(texts(after)).toEqual(['first\n', 'second\n']);
    after.close();
  });

  test('takes bytes that are sent twice once', () => {
    const file = new JournalFile(join(dir, 'j'));
    file.append(0, one);
    const records = file.append(0, Buffer.concat([one, two]));
    expect(records.map((record) => record.stream)).toEqual([2]);
    expect(texts(file)).toEqual(['first\n', 'second\n']);
    file.close();
  });

  test('refuses a gap', () => {
    const file = new JournalFile(join(dir, 'j'));
    expect(() => file.append(5, one)).toThrow(ProtocolError);
    expect(file.end).toBe(0);
    file.close();
  });

  test('drops a record that a crash cut off', () => {
    const path = join(dir, 'j');
    const before = new JournalFile(path);
    before.append(0, one);
    before.close();
    appendFileSync(path, two.subarray(0, two.length - 2));
    const after = new JournalFile(path);
    expect(after.end).toBe(one.length);
    expect(statSync(path).size).toBe(one.length);
    after.close();
  });

  test('says what is durable only after it was synced', () => {
    const file = new JournalFile(join(dir, 'j'));
    file.append(0, one);
    expect(file.durable).toBe(0);
    file.sync();
    expect(file.durable).toBe(one.length);
    file.close();
  });

  test('reads a journal longer than one read', () => {
    const file = new JournalFile(join(dir, 'j'));
    const record = encodeRecord({ stream: 1, at: 1, data: Buffer.alloc(60_000, 'x') });
    for (let i = 0; i < 50; i += 1) file.append(i * record.length, record);
    expect(texts(file)).toHaveLength(50);
    file.close();
  });
});
