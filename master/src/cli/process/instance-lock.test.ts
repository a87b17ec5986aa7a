import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AlreadyRunning, InstanceLock, runningMaster } from './instance-lock.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'icefall-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Another process that takes the lock and says so. */
async function holder() {
  const script = `
    const { InstanceLock } = await import(${JSON.stringify(new URL('instance-lock.ts', import.meta.url).href)});
    InstanceLock.acquire(${JSON.stringify(directory)}, process.pid);
    process.stdout.write('held');
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

describe('the lock of a directory', () => {
  test('keeps a second master out and names the first one', async () => {
    const child = await holder();
    expect(runningMaster(directory)).toBe(child.pid);
    expect(() => InstanceLock.acquire(directory, process.pid, 0)).toThrow(AlreadyRunning);
    expect(() => InstanceLock.acquire(directory, process.pid, 0)).toThrow(`process ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  test('ends with a process that is killed, though its pid file stays', async () => {
    const child = await holder();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readFileSync(join(directory, 'master.pid'), 'utf8')).toBe(`${child.pid}\n`);
    expect(runningMaster(directory)).toBeNull();
    InstanceLock.acquire(directory, process.pid).release();
  });

  test('is free again after a release, and nothing but the empty lock file is left', () => {
    const lock = InstanceLock.acquire(join(directory, 'new'), 4711);
    expect(runningMaster(join(directory, 'new'))).toBe(4711);
    lock.release();
    expect(runningMaster(join(directory, 'new'))).toBeNull();
    expect(existsSync(join(directory, 'new', 'master.pid'))).toBe(false);
  });

  test('does not take a pid file of somebody else, nor an empty one, for a running master', () => {
    expect(runningMaster(directory)).toBeNull();
    writeFileSync(join(directory, 'master.pid'), `${process.pid}\n`);
    expect(runningMaster(directory)).toBeNull();
  });
});
