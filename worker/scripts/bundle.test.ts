import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const run = promisify(execFile);

it('makes one file of each program that plain node runs, wherever it lies', async () => {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'bundle.ts')]);
  const directory = await mkdtemp(join(tmpdir(), 'icefall-bundle-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const [file = '', gateway = ''] = ['icefall-worker.cjs', 'icefall-gateway.cjs'].map((name) => join(directory, name));
  const [agent = '', client = ''] = stdout.trim().split('\n');
  await copyFile(agent, file);
  await copyFile(client, gateway);
  expect((await run(process.execPath, [file, '--version'])).stdout).toMatch(/^icefall-worker \d+\.\d+\.\d+\n$/);
  const wrong = run(process.execPath, [file, '--master', 'ws://localhost:1'], { env: {} });
  await expect(wrong).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--name is missing') });
  expect((await run(process.execPath, [gateway, 'help'])).stdout).toMatch(/^icefall-gateway: leases/);
});
