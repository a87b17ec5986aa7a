import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Home, homeAt } from './home.ts';
import { endLeftovers, runProcesses } from './processes.ts';

describe('the processes of the embedded site', () => {
  let home: Home;
  beforeEach(() => {
    home = homeAt(mkdtempSync(join(tmpdir(), 'home-')));
    mkdirSync(home.output);
  });
  afterEach(() => rmSync(home.directory, { recursive: true, force: true }));
  const isAlive = (pid: number) =>
    existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

  test('are ended with everything that they started', async () => {
    const processes = runProcesses(home);
    const pids = join(home.directory, 'pids');
    processes.start({ name: 'parent', command: ['sh', '-c', `sleep 600 & echo $$ $! >${pids}; wait`] });
    const started = await vi.waitFor(() => {
      const numbers = readFileSync(pids, 'utf8').trim().split(' ').map(Number);
      expect(numbers).toHaveLength(2);
      return numbers;
    });
    await processes.stop();
    await vi.waitFor(() => expect(started.filter(isAlive)).toEqual([]));
    expect(existsSync(home.processes)).toBe(false);
  });

  test('tell when one ends by itself, with the end of its output', async () => {
    const processes = runProcesses(home);
    processes.start({ name: 'master', command: ['sh', '-c', 'echo the reason >&2; exit 3'] });
    expect(await processes.failed).toMatch(/^master ended by itself \(exit code 3\):\n {2}the reason$/);
    await processes.stop();
  });

  test('left by a start that was killed are ended by the next, and no others', async () => {
    const ours = spawn('sh', ['-c', 'sleep 600; true', home.directory], { detached: true, stdio: 'ignore' });
    const other = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const ends = new Promise((resolve) => ours.once('exit', (_code, signal) => resolve(signal)));
    writeFileSync(home.processes, JSON.stringify({ master: ours.pid, worker: other.pid }));
    const said: string[] = [];
    await endLeftovers(home, (line) => said.push(line));
    expect(await ends).toBe('SIGTERM');
    expect(said).toEqual([expect.stringContaining('ending master')]);
    expect(other.exitCode).toBeNull();
    expect(isAlive(other.pid ?? 0)).toBe(true);
    other.kill('SIGKILL');
  });
});
