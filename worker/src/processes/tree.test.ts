import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { realClock } from '../clock.ts';
import { bootId, processFacts } from './proc.ts';
import { ProcessTree } from './tree.ts';

function begin(line: string, markers: Record<string, string>) {
  const child = spawn('/bin/sh', ['-c', line], {
    env: { PATH: process.env.PATH, ...markers },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return { child, pid: child.pid ?? 0, exited: once(child, 'exit') };
}

it('does not touch a process that has the number of a dead leader, but began at another time', async () => {
  const { pid, child } = begin('exec sleep 60', {});
  const facts = processFacts(pid);
  const markers = { ICEFALL_STORE: randomUUID() };
  const trees = [
    { pid, startTicks: (facts?.startTicks ?? 0) + 1, bootId: bootId() },
    { pid, startTicks: facts?.startTicks ?? 0, bootId: 'the boot before' },
  ].map((leader) => ProcessTree.ofLeftovers(realClock, leader, markers));
  for (const tree of trees) {
    expect(tree.living()).toEqual([]);
    expect(await tree.end(0)).toEqual([]);
  }
  expect(processFacts(pid)?.dead).toBe(false);
  expect(child.exitCode).toBeNull();
});

it('ends the group of a leader that is provably the same, though it took off its markers', async () => {
  const { pid, exited } = begin('exec sleep 60', {});
  const leader = { pid, startTicks: processFacts(pid)?.startTicks ?? 0, bootId: bootId() };
  const tree = ProcessTree.ofLeftovers(realClock, leader, { ICEFALL_STORE: randomUUID() });
  expect(tree.living()).toMatchObject([{ pid }]);
  expect(await tree.end(5000)).toEqual([]);
  expect((await exited)[1]).toBe('SIGTERM');
});

it('kills what ignores TERM, and what moved into a session of its own', async () => {
  const markers = { ICEFALL_STORE: randomUUID() };
  const line = `trap '' TERM; setsid sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done' & wait; while :; do sleep 0.05; done`;
  const { pid, child, exited } = begin(line, markers);
  await once(child.stdout, 'data');
  const { tree } = ProcessTree.ofLeader(realClock, pid, markers);
  expect(new Set(tree.living().map(({ group }) => group)).size).toBeGreaterThan(1);
  expect(await tree.end(50)).toEqual([]);
  expect((await exited)[1]).toBe('SIGKILL');
  expect(tree.living()).toEqual([]);
});
