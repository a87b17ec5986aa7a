import { access, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shellOf } from './test-support/commands.ts';
import { FakeMaster } from './test-support/fake-master.ts';
import { startWorker } from './test-support/worker.ts';

async function site(rest: Parameters<typeof startWorker>[1] = {}) {
  const master = await FakeMaster.listen();
  const worker = await startWorker(master, rest);
  const hello = await master.connected();
  return { master, worker, hello };
}

const journalOf = (directory: string) => readdir(join(directory, '.icefall', 'journal'));
const errors = (master: FakeMaster) =>
  master.messages.flatMap((message) => (message.kind === 'error' ? [message.code] : []));
const finishes = (master: FakeMaster) => master.messages.filter(({ kind }) => kind === 'finished');

/** A command that writes a line, waits for a file in its work directory, and writes another. */
const waitsFor = (file: string) => shellOf(`echo begun; while ! test -e ${file}; do sleep 0.01; done; echo ended`);

describe('an agent', () => {
  it('introduces itself with name, token and what it is', async () => {
    const { master, worker, hello } = await site();
    expect(master.upgradeHeaders[0]).toMatchObject({ authorization: 'Bearer secret-token', 'x-icefall-worker': 'w1' });
    expect(hello).toMatchObject({
      protocol: { major: 1 },
      commands: [],
      info: { platform: 'linux', baseDirectory: worker.directory },
    });
    expect(hello.info.cpus).toBeGreaterThan(0);
    expect(hello.info.versions.node).toBe(process.versions.node);
  });

  it('runs a command, tells when it began and how it ended, and forgets it when it is released', async () => {
    const { master, worker } = await site();
    const outcome = await master.run(1, shellOf('echo out; exit 3'));
    expect(outcome).toMatchObject({ reason: 'exited', exitCode: 3, error: null });
    expect(master.replica(1).started?.pid).toBeGreaterThan(0);
    expect(master.stdout(1)).toBe('out\n');
    expect(master.headers(1)).toMatch(/^echo out; exit 3\nin .*\/b\/build, limits: none\nexit code 3, took .*\n$/);
    expect(outcome.finishedAt).toBeGreaterThanOrEqual(outcome.startedAt);
    await worker.shutDown();
    expect(await journalOf(worker.directory)).toEqual(['store-id']);
    expect(master.faults).toEqual([]);
  });

  it('runs several commands at a time', async () => {
    const { master } = await site();
    master.start(1, shellOf('while ! test -e ../../b2/build/here; do sleep 0.01; done'), { buildDirectory: 'b1' });
    master.start(2, shellOf('touch here'), { buildDirectory: 'b2' });
    expect([(await master.finished(1)).exitCode, (await master.finished(2)).exitCode]).toEqual([0, 0]);
  });

  it('interrupts a command when the master asks', async () => {
    const { master } = await site();
    master.start(1, shellOf('echo begun; exec sleep 60'));
    await master.until(() => master.stdout(1) !== '');
    master.send({ kind: 'interrupt', commandId: 1, epoch: 1, reason: 'stopped by alice' });
    expect(await master.finished(1)).toMatchObject({
      reason: 'interrupted',
      signal: 'SIGTERM',
      error: { code: 'interrupted', message: 'stopped by alice' },
    });
    expect(master.headers(1)).toContain('stopped by alice: ended\n');
  });

  it.each(['/', '..', '.', '.icefall', '../other', '.icefall/journal'])(
    'refuses the build directory %s',
    async (buildDirectory) => {
      const { master } = await site();
      master.start(1, shellOf('true'), { buildDirectory });
      expect(await master.finished(1)).toMatchObject({ reason: 'refused', error: { code: 'bad_build_directory' } });
      expect(master.headers(1)).toContain('not started');
    },
  );

  it('holds a command up when the master takes nothing, and goes on when it does', async () => {
    const { master } = await site({ journalLimitBytes: 1024 * 1024 });
    master.acknowledges = false;
    master.start(1, shellOf('head -c 3000000 /dev/zero; echo >> done'));
    await master.until(() => master.replica(1).bytes.length > 900_000);
    await expect(access(join((await master.connected()).info.baseDirectory, 'b/build/done'))).rejects.toThrow();
    master.acknowledges = true;
    master.send({ kind: 'ack', commandId: 1, epoch: 1, offset: master.replica(1).bytes.length });
    expect((await master.finished(1)).exitCode).toBe(0);
    expect(master.stdout(1).length).toBe(3_000_000);
    expect(master.faults).toEqual([]);
  });
});

describe('orders that are out of order', () => {
  it('a command that is known is not run again, but told again', async () => {
    const { master } = await site();
    master.releases = false;
    const command = shellOf('echo once');
    await master.run(1, command);
    master.start(1, command);
    await master.until(() => finishes(master).length === 2);
    expect([master.stdout(1), master.messages.filter(({ kind }) => kind === 'started').length]).toEqual(['once\n', 2]);
    expect(master.faults).toEqual([]);
    master.send({ kind: 'release', commandId: 1, epoch: 1 });
  });

  it('an older epoch is refused', async () => {
    const { master } = await site();
    master.start(1, shellOf(['sleep', '60']), { epoch: 2 });
    master.start(1, shellOf('echo old'), { epoch: 1 });
    await master.until(() => errors(master).length > 0);
    expect(errors(master)).toEqual(['stale_epoch']);
    expect(master.replica(1, 1).started).toBeNull();
  });

  it('a newer epoch ends the older attempt before it begins', async () => {
    const { master, worker } = await site();
    master.start(1, shellOf('trap "sleep 0.2; echo left > trace; exit" TERM; echo up; while :; do sleep 0.01; done'));
    await master.until(() => master.stdout(1) !== '');
    master.start(1, shellOf('cat trace'), { epoch: 2 });
    expect((await master.finished(1, 2)).exitCode).toBe(0);
    expect([master.stdout(1, 2), finishes(master).length]).toEqual(['left\n', 1]);
    await worker.shutDown();
    expect(await journalOf(worker.directory)).toEqual(['store-id']);
  });

  it('messages about commands that there are none of are answered, or have no meaning any more', async () => {
    const { master } = await site();
    master.send({ kind: 'ack', commandId: 9, epoch: 1, offset: 5 });
    master.send({ kind: 'release', commandId: 9, epoch: 1 });
    master.send({ kind: 'interrupt', commandId: 9, epoch: 1, reason: 'x' });
    master.start(1, shellOf('exec sleep 60'));
    await master.until(() => master.replica(1).started !== null);
    master.send({ kind: 'release', commandId: 1, epoch: 1 });
    master.send({ kind: 'ack', commandId: 1, epoch: 1, offset: 1e6 });
    master.sendText('{"kind":"unheard-of"}');
    await master.until(() => errors(master).length === 4);
    expect(errors(master).sort()).toEqual(['bad_ack', 'bad_message', 'not_finished', 'unknown_command']);
  });
});

describe('a connection that is lost', () => {
  it('does not disturb a command, and no byte is lost or doubled', async () => {
    const { master } = await site();
    master.start(1, shellOf('for i in $(seq 1 400); do echo line $i; sleep 0.002; done'));
    for (let times = 2; times < 6; times += 1) {
      const had = master.replica(1).bytes.length;
      await master.until(() => master.replica(1).bytes.length > had);
      master.cut();
      await master.connected(times);
    }
    expect((await master.finished(1)).exitCode).toBe(0);
    expect(master.stdout(1)).toBe(Array.from({ length: 400 }, (_, i) => `line ${i + 1}\n`).join(''));
    expect(master.faults).toEqual([]);
  });

  it('may last: what ended meanwhile is told afterwards', async () => {
    const { master, worker } = await site();
    master.start(1, waitsFor('go'));
    await master.until(() => master.stdout(1) === 'begun\n');
    const { port } = master;
    await master.close();
    await writeFile(join(worker.directory, 'b/build/go'), '');
    while (!worker.log.lines.some((line) => line.includes('finished'))) await new Promise(setImmediate);
    const again = await FakeMaster.listen(port);
    const hello = await again.connected();
    expect(hello.commands).toMatchObject([{ commandId: 1, epoch: 1, state: 'finished', firstOffset: 0 }]);
    expect(await again.finished(1)).toMatchObject({ reason: 'exited', exitCode: 0 });
    expect([again.stdout(1), again.faults]).toEqual(['begun\nended\n', []]);
    expect(again.replica(1).started?.pid).toBeGreaterThan(0);
  });

  it('is followed by the end of what the master does not know any more', async () => {
    const { master, worker } = await site();
    master.start(1, shellOf('echo begun; exec sleep 60'));
    await master.until(() => master.stdout(1) !== '');
    master.decide = ({ commands }) =>
      commands.map(({ commandId, epoch }) => ({ action: 'drop', commandId, epoch, reason: 'unknown' }));
    master.cut();
    await master.connected(2);
    while ((await journalOf(worker.directory)).length > 1) await new Promise(setImmediate);
    expect(finishes(master)).toEqual([]);
  });

  it('is tried again after a refusal, with its message in the log', async () => {
    const master = await FakeMaster.listen();
    master.refusal = {
      status: 409,
      body: '{"error":{"code":"name_taken","message":"another agent is connected as w1"}}',
    };
    const worker = await startWorker(master);
    await master.until(() => master.upgradeHeaders.length >= 3);
    expect(worker.log.lines.join('\n')).toContain('refused with 409: another agent is connected as w1');
    master.refusal = null;
    await master.connected();
  });

  it('tells the master when it asks for what is gone', async () => {
    const { master } = await site({ journalLimitBytes: 64 * 1024 * 1024 });
    master.releases = false;
    await master.run(1, shellOf('head -c 9000000 /dev/zero'));
    master.decide = () => [{ action: 'continue', commandId: 1, epoch: 1, offset: 0 }];
    master.cut();
    const { commands } = await master.connected(2);
    expect(commands[0]?.firstOffset).toBeGreaterThan(4_000_000);
    await master.until(() => errors(master).length > 0);
    expect(errors(master)).toEqual(['journal_gap']);
    master.send({ kind: 'release', commandId: 1, epoch: 1 });
  });
});

describe('an agent that leaves', () => {
  it('ends what runs, tells it, and leaves nothing running', async () => {
    const { master, worker } = await site();
    master.start(1, shellOf('trap "echo bye; exit 1" TERM; echo up; while :; do sleep 0.01; done'));
    await master.until(() => master.stdout(1) !== '');
    await worker.shutDown();
    expect(master.messages.filter(({ kind }) => kind === 'leaving')).toEqual([
      { kind: 'leaving', reason: 'the test is over' },
    ]);
    expect(await master.finished(1)).toMatchObject({ reason: 'lost', exitCode: 1, error: { code: 'worker_shutdown' } });
    expect([master.stdout(1), master.faults, await journalOf(worker.directory)]).toEqual([
      'up\nbye\n',
      [],
      ['store-id'],
    ]);
  });

  it('begins nothing new while it ends what runs: the order is given again to the next agent', async () => {
    const { master, worker } = await site();
    master.start(1, shellOf('trap "echo bye; sleep 0.2; exit 1" TERM; echo up; while :; do sleep 0.01; done'));
    await master.until(() => master.stdout(1) !== '');
    const left = worker.shutDown();
    await master.until(() => master.stdout(1) === 'up\nbye\n');
    master.start(2, shellOf('echo clean-up'));
    await left;
    expect([master.replica(2).started, master.replica(2).outcome, master.faults]).toEqual([null, null, []]);
    const next = await startWorker(master, { directory: worker.directory });
    expect((await master.connected(2)).commands).toEqual([]);
    expect((await master.run(2, shellOf('echo clean-up'))).exitCode).toBe(0);
    await next.shutDown();
  });

  it('does so when the master says so', async () => {
    const { master, worker } = await site();
    master.start(1, shellOf('exec sleep 60'));
    await master.until(() => master.replica(1).started !== null);
    master.send({ kind: 'shutdown', drain: false, reason: 'maintenance' });
    await worker.left;
    expect(master.replica(1).outcome?.error?.message).toBe('the worker shuts down (maintenance)');
  });

  it('keeps for the next agent what no master has taken', async () => {
    const { master, worker } = await site();
    master.start(1, shellOf('echo up; exec sleep 60'));
    await master.until(() => master.stdout(1) !== '');
    const { port } = master;
    await master.close();
    await worker.shutDown();
    const again = await FakeMaster.listen(port);
    await startWorker(again, { directory: worker.directory });
    expect(await again.finished(1)).toMatchObject({ reason: 'lost', error: { code: 'worker_shutdown' } });
    expect(again.stdout(1)).toBe('up\n');
  });

  it('finishes what runs when it drains, and waits for its release', async () => {
    const { master, worker } = await site();
    master.releases = false;
    master.start(1, waitsFor('go'));
    await master.until(() => master.stdout(1) !== '');
    master.send({ kind: 'shutdown', drain: true, reason: 'upgrade' });
    await master.until(() => master.messages.some(({ kind }) => kind === 'leaving'));
    await writeFile(join(worker.directory, 'b/build/go'), '');
    expect(await master.finished(1)).toMatchObject({ reason: 'exited', exitCode: 0 });
    let left = false;
    void worker.left.then(() => {
      left = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(left).toBe(false);
    master.send({ kind: 'release', commandId: 1, epoch: 1 });
    await worker.left;
  });

  it('takes the next step of a build while it drains', async () => {
    const { master, worker } = await site({ lingerMs: 300 });
    worker.drain();
    await master.until(() => master.messages.some(({ kind }) => kind === 'leaving'));
    expect((await master.run(1, shellOf('true'))).exitCode).toBe(0);
    expect((await master.run(2, shellOf('true'))).exitCode).toBe(0);
    await worker.left;
  });

  it('leaves by itself after the first work where it works once, and not before', async () => {
    const { master, worker } = await site({ once: true, lingerMs: 20 });
    let left = false;
    void worker.left.then(() => {
      left = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(left).toBe(false);
    await master.run(1, shellOf('true'));
    await worker.left;
    expect(master.messages.at(-1)).toMatchObject({ kind: 'leaving' });
  });
});

describe('transfers', () => {
  it('go to the port of the socket', async () => {
    const { master } = await site();
    const seen: (string | undefined)[] = [];
    master.onTransfer = (request, response) => {
      seen.push(request.method, request.url, request.headers.authorization);
      request.resume().on('end', () => response.end('{}'));
    };
    await master.run(1, shellOf('echo x > f'));
    const outcome = await master.run(2, {
      kind: 'upload',
      source: 'f',
      what: 'file',
      workdir: 'build',
      maxBytes: null,
    });
    expect([outcome.values, seen]).toEqual([{ bytes: 2 }, ['PUT', '/transfers/2?epoch=1', 'Bearer secret-token']]);
  });
});
