import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { lockDirectory } from './lock.ts';
import { bootId, processFacts } from './processes/proc.ts';
import { temporaryDirectory } from './test-support/directories.ts';

async function lockPath() {
  return join(await temporaryDirectory(), '.icefall', 'agent.lock');
}

it('lets one agent in, and the next when it has gone', async () => {
  const path = await lockPath();
  const lock = await lockDirectory(path);
  await expect(lockDirectory(path)).rejects.toMatchObject({ code: 'directory_in_use' });
  await expect(lockDirectory(path)).rejects.toThrow(`process ${process.pid}`);
  await lock.release();
  await (await lockDirectory(path)).release();
  expect(await readdir(join(path, '..'))).toEqual([]);
});

it.each([
  ['another process has its number', async () => ({ pid: process.pid, startTicks: 1, bootId: bootId() })],
  [
    'the machine has booted since',
    async () => ({ pid: process.pid, startTicks: processFacts(process.pid)?.startTicks, bootId: 'x' }),
  ],
  [
    'it is dead',
    async () => {
      const child = spawn('true');
      await once(child, 'exit');
      return { pid: child.pid, startTicks: 1, bootId: bootId() };
    },
  ],
])('takes over the lock of an agent of which %s', async (_what, holder) => {
  const path = await lockPath();
  await (await lockDirectory(path)).release();
  await writeFile(path, JSON.stringify({ hostname: 'h', ...(await holder()) }));
  const lock = await lockDirectory(path);
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid, bootId: bootId() });
  await lock.release();
});

it('takes over a lock that a loss of power left empty', async () => {
  const path = await lockPath();
  await (await lockDirectory(path)).release();
  await writeFile(path, '');
  await (await lockDirectory(path)).release();
});

it('keeps out an agent in another process', async () => {
  const path = await lockPath();
  const code = `import { lockDirectory } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
    await lockDirectory(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout, 'data');
  await expect(lockDirectory(path)).rejects.toThrow(`process ${child.pid}`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await (await lockDirectory(path)).release();
});
