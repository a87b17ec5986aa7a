import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { homeAt } from './home.ts';
import { prepareRsync } from './rsync-daemon.ts';

const run = promisify(execFile);

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

test('the rsync daemon of the embedded site offers the users’ space and takes a backup', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'icefall-rsync-'));
  const home = homeAt(directory);
  const port = await freePort();
  const daemon = spawn('rsync', ['--daemon', '--no-detach', `--config=${prepareRsync(home, port)}`], {
    stdio: 'ignore',
  });
  onTestFinished(() => {
    daemon.kill();
    rmSync(directory, { recursive: true });
  });
  writeFileSync(join(directory, 'kept.txt'), 'kept\n');
  const address = `rsync://127.0.0.1:${port}`;
  await expect.poll(() => run('rsync', [`${address}/users/`]).then(({ stdout }) => stdout, String)).toContain('alice');
  await run('rsync', ['-a', join(directory, 'kept.txt'), `${address}/backup/tree/`]);
  expect(readFileSync(join(home.rsync, 'backup/tree/kept.txt'), 'utf8')).toBe('kept\n');
});
