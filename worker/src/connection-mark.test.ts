import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectionMark } from './connection-mark.ts';
import { createLogger } from './logger.ts';

let directory: string;
let said: string;
const logger = createLogger({
  json: false,
  now: () => 0,
  write: (line) => {
    said += line;
  },
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mark-'));
  said = '';
});
afterEach(() => rmSync(directory, { recursive: true }));

test('the mark is there while the agent is connected, and not what an agent before left', () => {
  const file = join(directory, 'connected');
  writeFileSync(file, '');
  const mark = connectionMark(file, logger);
  expect(existsSync(file)).toBe(false);
  mark.set(true);
  expect(existsSync(file)).toBe(true);
  mark.set(false);
  expect(existsSync(file)).toBe(false);
  expect(said).toBe('');
});

test('a mark that cannot be made is told, and nothing else happens', () => {
  const mark = connectionMark(join(directory, 'missing', 'connected'), logger);
  mark.set(true);
  expect(said).toContain('the mark of the connection cannot be changed');
});
