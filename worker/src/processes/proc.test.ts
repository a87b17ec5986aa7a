import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { bootId, findProcesses, parseStat, processFacts } from './proc.ts';

it('reads a stat line whose program has parentheses and spaces in its name', () => {
  const rest = `S 10 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 2`;
  expect(parseStat(`4711 (a) b (c) ${rest}`)).toEqual({
    pid: 4711,
    name: 'a) b (c',
    parent: 10,
    group: 42,
    dead: false,
    startTicks: 98765,
  });
});

it('takes a zombie for dead, and nonsense for nothing', () => {
  expect(parseStat('1 (x) Z 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5')?.dead).toBe(true);
  expect(parseStat('')).toBeNull();
  expect(parseStat('1 (x) S')).toBeNull();
});

it('knows this process and this boot', () => {
  expect(processFacts(process.pid)).toMatchObject({ pid: process.pid, parent: process.ppid, dead: false });
  expect(processFacts(2 ** 22 + 1)).toBeNull();
  expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
});

it('finds processes only where every marker matches as a whole', () => {
  const store = randomUUID();
  const child = spawn('sleep', ['60'], { env: { ICEFALL_COMMAND: '1-12', ICEFALL_STORE: store }, detached: true });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const find = (markers: Record<string, string>, notBeforeTicks = 0) =>
    findProcesses({ group: null, markers, notBeforeTicks }).map(({ pid }) => pid);
  expect(find({ ICEFALL_COMMAND: '1-12', ICEFALL_STORE: store })).toEqual([child.pid]);
  expect(find({ ICEFALL_COMMAND: '1-1', ICEFALL_STORE: store })).toEqual([]);
  expect(find({ COMMAND: '1-12', ICEFALL_STORE: store })).toEqual([]);
  expect(find({ ICEFALL_COMMAND: '1-12', ICEFALL_STORE: randomUUID() })).toEqual([]);
  const begun = processFacts(child.pid ?? 0)?.startTicks ?? 0;
  expect(find({ ICEFALL_STORE: store }, begun)).toEqual([child.pid]);
  expect(find({ ICEFALL_STORE: store }, begun + 1)).toEqual([]);
});
