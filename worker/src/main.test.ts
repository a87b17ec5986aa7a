import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { processFacts } from './processes/proc.ts';
import { shellOf } from './test-support/commands.ts';
import { temporaryDirectory } from './test-support/directories.ts';
import { FakeMaster } from './test-support/fake-master.ts';

interface Worker {
  readonly child: ChildProcess;
  readonly exited: Promise<[number | null, NodeJS.Signals | null]>;
  log(): string;
}

function startProcess(argv: readonly string[], env: Record<string, string> = {}): Worker {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...argv], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
  }
  return { child, exited: once(child, 'close') as Worker['exited'], log: () => text };
}

function startWorker(master: FakeMaster, directory: string, ...argv: readonly string[]): Worker {
  const env = { ICEFALL_MASTER: master.url, ICEFALL_WORKER_NAME: 'w1', ICEFALL_WORKER_TOKEN: 'secret-token' };
  return startProcess(['--dir', directory, '--max-delay', '50ms', ...argv], env);
}

async function site() {
  const master = await FakeMaster.listen();
  const directory = await temporaryDirectory();
  return { master, directory };
}

const lives = (pid: number) => processFacts(pid)?.dead === false;

describe('the command icefall-worker', () => {
  it('says what is wrong with its options, and ends with 2', async () => {
    const worker = startProcess(['--master', 'nowhere']);
    expect(await worker.exited).toEqual([2, null]);
    expect(worker.log()).toMatch(/^icefall-worker: --master "nowhere" is not an address like ws:/);
  });

  it('shows its help and its version', async () => {
    const [help, version] = [startProcess(['--help']), startProcess(['--version'])];
    expect([await help.exited, await version.exited]).toEqual([
      [0, null],
      [0, null],
    ]);
    expect([help.log(), version.log()]).toEqual([
      expect.stringContaining('--journal-limit'),
      expect.stringMatching(/^icefall-worker \d/),
    ]);
  });

  it('does not share its directory', async () => {
    const { master, directory } = await site();
    startWorker(master, directory);
    await master.connected();
    const second = startWorker(master, directory, '--json-log');
    expect(await second.exited).toEqual([1, null]);
    expect(JSON.parse(second.log())).toMatchObject({
      level: 'error',
      message: expect.stringContaining('give each agent a --dir of its own'),
    });
  });

  it('does not show its token to what it runs', async () => {
    const { master, directory } = await site();
    startWorker(master, directory);
    await master.connected();
    await master.run(1, shellOf('env'));
    expect(master.stdout(1)).toContain('ICEFALL_COMMAND=1-1');
    expect(master.stdout(1)).not.toContain('secret-token');
  });
});

describe('signals', () => {
  it('TERM ends what runs and leaves with 0', async () => {
    const { master, directory } = await site();
    const worker = startWorker(master, directory);
    await master.connected();
    master.start(1, shellOf('setsid sleep 60 & echo $!; exec sleep 60'));
    await master.until(() => master.stdout(1) !== '');
    worker.child.kill('SIGTERM');
    expect(await worker.exited).toEqual([0, null]);
    expect(master.replica(1).outcome).toMatchObject({ reason: 'lost', error: { code: 'worker_shutdown' } });
    expect(lives(Number(master.stdout(1)))).toBe(false);
  });

  it('USR1 finishes what runs first', async () => {
    const { master, directory } = await site();
    const worker = startWorker(master, directory, '--linger', '0');
    await master.connected();
    master.start(1, shellOf('echo up; while ! test -e go; do sleep 0.01; done'));
    await master.until(() => master.stdout(1) !== '');
    worker.child.kill('SIGUSR1');
    await master.until(() => master.messages.some(({ kind }) => kind === 'leaving'));
    master.start(2, shellOf('touch go'));
    expect(await worker.exited).toEqual([0, null]);
    expect(master.replica(1).outcome).toMatchObject({ reason: 'exited', exitCode: 0 });
  });

  it('a second one leaves at once, and nothing runs on', async () => {
    const { master, directory } = await site();
    const worker = startWorker(master, directory);
    await master.connected();
    master.start(1, shellOf('trap "" TERM; echo $$; while :; do sleep 0.05; done', { killGraceMs: 60_000 }));
    await master.until(() => master.stdout(1) !== '');
    worker.child.kill('SIGTERM');
    await master.until(() => master.messages.some(({ kind }) => kind === 'leaving'));
    worker.child.kill('SIGINT');
    expect(await worker.exited).toEqual([1, null]);
    await vi.waitFor(() => expect(lives(Number(master.stdout(1)))).toBe(false));
  });
});

describe('an agent after one that was killed', () => {
  it('ends what that left running, and tells the master that it is lost, with every byte', async () => {
    const { master, directory } = await site();
    const killed = startWorker(master, directory);
    const { storeId, instanceId } = await master.connected();
    master.acknowledges = false;
    master.start(1, shellOf('setsid sleep 60 & echo $!; echo $$; seq 1 1000; exec sleep 60'));
    await master.until(() => master.stdout(1).endsWith('\n1000\n'));
    const pids = master.stdout(1).split('\n').slice(0, 2).map(Number);
    killed.child.kill('SIGKILL');
    await killed.exited;
    expect(pids.map(lives)).toEqual([true, true]);
    const before = master.stdout(1);
    startWorker(master, directory);
    const hello = await master.connected(2);
    expect(pids.map(lives)).toEqual([false, false]);
    expect(hello).toMatchObject({ storeId, commands: [{ commandId: 1, epoch: 1, state: 'finished' }] });
    expect(hello.instanceId).not.toBe(instanceId);
    expect(await master.finished(1)).toMatchObject({ reason: 'lost', error: { code: 'agent_died' } });
    expect([master.stdout(1), master.headers(1), master.faults]).toEqual([
      before,
      expect.stringContaining("the worker's agent died while the command ran"),
      [],
    ]);
  });

  it('tells of a command that ended while no master was there', async () => {
    const { master, directory } = await site();
    const killed = startWorker(master, directory);
    await master.connected();
    master.releases = false;
    await master.run(1, shellOf('echo result; exit 4'));
    killed.child.kill('SIGKILL');
    await killed.exited;
    const outcome = master.replica(1).outcome;
    master.replica(1).outcome = null;
    master.releases = true;
    startWorker(master, directory);
    expect(await master.finished(1)).toEqual(outcome);
    expect(await readFile(join(directory, '.icefall/journal/store-id'), 'utf8')).toBe(`${master.hellos[1]?.storeId}\n`);
  });
});
