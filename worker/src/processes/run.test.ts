import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STREAM } from '@icefall/shared';
import { describe, expect, it, onTestFinished } from 'vitest';
import { realClock } from '../clock.ts';
import { specOf, testHost } from '../test-support/process-host.ts';
import { processFacts } from './proc.ts';
import { runProcess } from './run.ts';
import type { ProcessSpec } from './spec.ts';

const limits = { idleTimeoutMs: null, deadlineMs: null, maxTimeMs: null, maxLines: null };

async function run(line: string, rest: Partial<ProcessSpec> = {}) {
  const test = await testHost();
  return { ...test, end: await runProcess(specOf(test, line, rest), test.host) };
}

describe('a process', () => {
  it('ends with its exit code, its output on the streams it wrote to', async () => {
    const { end, output, living } = await run('echo out; echo err >&2; exit 3');
    expect(end).toMatchObject({ reason: 'exited', exitCode: 3, signal: null, error: null });
    expect([output.text(STREAM.stdout), output.text(STREAM.stderr), output.headers]).toEqual(['out\n', 'err\n', '']);
    expect(living()).toEqual([]);
  });

  it('ends with the signal that ended it', async () => {
    expect((await run('kill -SEGV $$')).end).toMatchObject({ reason: 'exited', exitCode: null, signal: 'SIGSEGV' });
  });

  it('can open its output by name, as scripts do', async () => {
    const { output } = await run('echo a > /dev/stderr; echo b | tee /dev/stdout; echo c > /dev/fd/1');
    expect([output.text(STREAM.stdout), output.text(STREAM.stderr)]).toEqual(['b\nb\nc\n', 'a\n']);
  });

  it('loses no byte of a large output', async () => {
    const { output, end } = await run('seq 1 500000; seq 1 1000 >&2');
    const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join('');
    expect(output.text() === numbers(500_000)).toBe(true);
    expect(output.text(STREAM.stderr) === numbers(1000)).toBe(true);
    expect(end.exitCode).toBe(0);
  });

  it('reads standard input from a file that it can open again', async () => {
    const test = await testHost();
    const path = join(test.directory, 'in');
    await writeFile(path, 'given\n');
    await using file = await open(path);
    await runProcess(specOf(test, 'cat /dev/stdin; cat', { stdinFd: file.fd }), test.host);
    expect(test.output.text()).toContain('given\n');
  });

  it('has no standard input where none is given', async () => {
    expect((await run('cat; echo end')).output.text()).toBe('end\n');
  });

  it('can be captured instead of shown', async () => {
    const { end, output } = await run('echo out; echo err >&2', { captureBytes: 3, output: 'hide' });
    expect([end.stdout, end.stderr, output.pieces]).toEqual(['out', 'err', []]);
  });
});

describe('a program that cannot be started', () => {
  it('is named, with the PATH where it was looked for', async () => {
    const { end } = await run('', { argv: ['no-such-program'], env: { PATH: '/opt/bin' } });
    expect(end).toMatchObject({ reason: 'refused', error: { code: 'program_not_found' } });
    expect(end.error?.message).toMatch(/"no-such-program".*PATH is \/opt\/bin/);
  });

  it('is named with its directory where it is a path', async () => {
    const { end, directory } = await run('', { argv: ['./configure'] });
    expect(end.error?.message).toContain(`"./configure" (from the directory ${directory})`);
  });

  it('is told apart from one that is not executable', async () => {
    const { end } = await run('', { argv: ['/etc/passwd'] });
    expect(end.error?.code).toBe('program_not_executable');
  });

  it.each([[['']], [['echo', 'a\0b']]] as [string, ...string[]][][])('is refused as %j', async (argv) => {
    expect((await run('', { argv })).end.error?.code).toBe('bad_arguments');
  });
});

describe('what a process leaves behind', () => {
  it('is ended when its leader exits, also a daemon in a session of its own', async () => {
    const daemon = `setsid sh -c 'trap "" TERM; echo up; exec >/dev/null 2>&1; while :; do sleep 0.05; done' &`;
    const { end, output, living } = await run(`${daemon} while ! test -s up; do sleep 0.02; echo x > up; done; exit 5`);
    expect(end).toMatchObject({ reason: 'exited', exitCode: 5 });
    expect(output.headers).toMatch(/the command left running: .*\(\d+\).*: ended/);
    expect(living()).toEqual([]);
  });

  it('is let be where it ends by itself just after', async () => {
    const { output } = await run(`(sleep 0.1; echo late) & exit 0`);
    expect([output.text(), output.headers]).toEqual(['late\n', '']);
  });

  it('does not keep the command waiting where it hid from us but holds the output', async () => {
    const test = await testHost();
    const pidFile = join(test.directory, 'pid');
    const go = join(test.directory, 'go');
    const stranger = `echo $$ > ${pidFile}; while ! test -e ${go}; do sleep 0.02; done; echo intruder; exec sleep 60`;
    const line = `env -i PATH="$PATH" setsid /bin/sh -c '${stranger}' & while ! test -s ${pidFile}; do :; done`;
    const end = await runProcess(specOf(test, line), test.host);
    const hidden = Number(await readFile(pidFile, 'utf8'));
    onTestFinished(() => {
      if (processFacts(hidden)?.dead === false) process.kill(hidden, 'SIGKILL');
    });
    expect(end).toMatchObject({ reason: 'exited', exitCode: 0 });
    expect(processFacts(hidden)?.dead).toBe(false);
    // The pipe that is still held is not given to another command.
    const again = await runProcess(specOf(test, `touch ${go}; sleep 0.3; echo fine`), test.host);
    expect([again.exitCode, test.output.text()]).toEqual([0, 'fine\n']);
  });
});

describe('a process that is stopped', () => {
  const stubborn = `trap '' TERM; echo up; while :; do sleep 0.05; done`;

  it('gets TERM first, and may clean up', async () => {
    const test = await testHost();
    const line = `trap 'echo cleaning; exit 7' TERM; echo up; while :; do sleep 0.02; done`;
    const ended = runProcess(specOf(test, line), test.host);
    await test.output.shows('up\n');
    test.stop();
    expect(await ended).toMatchObject({ reason: 'interrupted', exitCode: 7, error: { code: 'interrupted' } });
    expect(test.output.text()).toBe('up\ncleaning\n');
    expect(test.output.headers).toBe('asked to: ended\n');
  });

  it('is killed after its grace, with all that it started', async () => {
    const test = await testHost();
    const ended = runProcess(
      specOf(test, `setsid sh -c '${stubborn.replaceAll("'", '"')}' & ${stubborn}`, { killGraceMs: 50 }),
      test.host,
    );
    await test.output.shows('up\nup\n');
    test.stop();
    expect(await ended).toMatchObject({ reason: 'interrupted', signal: 'SIGKILL' });
    expect(test.living()).toEqual([]);
  });

  it('has no more grace than whoever stops it gives', async () => {
    const test = await testHost();
    const ended = runProcess(specOf(test, stubborn, { killGraceMs: 3_600_000 }), test.host);
    await test.output.shows('up');
    test.stop({ reason: 'lost', code: 'worker_shutdown', longestGraceMs: 10 });
    expect(await ended).toMatchObject({ reason: 'lost', signal: 'SIGKILL', error: { code: 'worker_shutdown' } });
  });

  it('is not begun where it was stopped before', async () => {
    const test = await testHost();
    test.stop();
    expect(await runProcess(specOf(test, 'echo x'), test.host)).toMatchObject({
      reason: 'interrupted',
      exitCode: null,
    });
    expect(test.spawned).toEqual([]);
  });
});

describe('a process over its limit', () => {
  it('is ended when it is silent', async () => {
    const { end, output } = await run('echo first; exec sleep 60', { limits: { ...limits, idleTimeoutMs: 150 } });
    expect(end).toMatchObject({ reason: 'idleTimeout', signal: 'SIGTERM' });
    expect(output.headers).toBe('wrote nothing for 150 ms: ended\n');
  });

  it('is ended when it takes too long, though it writes', async () => {
    const deadlineMs = realClock.monotonic() + 150;
    const { end } = await run('while :; do echo x; sleep 0.02; done', {
      limits: { ...limits, deadlineMs, maxTimeMs: 150 },
    });
    expect(end.reason).toBe('maxTime');
  });

  it('is ended when it writes too many lines, and what is beyond them is not shown', async () => {
    const { end, output } = await run('seq 1 1000000', { limits: { ...limits, maxLines: 3 } });
    expect([end.reason, output.text()]).toEqual(['maxLines', '1\n2\n3\n']);
  });
});

describe('a process whose output is not taken', () => {
  it('waits, is not taken for idle, and loses nothing', async () => {
    const test = await testHost();
    test.output.congested = true;
    const spec = specOf(test, 'head -c 1000000 /dev/zero; echo done >&2', {
      limits: { ...limits, idleTimeoutMs: 300 },
    });
    const ended = runProcess(spec, test.host);
    let over = false;
    void ended.then(() => {
      over = true;
    });
    // Longer than the idle limit: it is the clock that this is about.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(over).toBe(false);
    expect(test.output.text().length).toBeLessThan(1_000_000);
    test.output.congested = false;
    expect(await ended).toMatchObject({ reason: 'exited', exitCode: 0 });
    expect([test.output.text().length, test.output.text(STREAM.stderr)]).toEqual([1_000_000, 'done\n']);
  });

  it('can be stopped nevertheless, and what it had written is kept', async () => {
    const test = await testHost();
    test.output.congested = true;
    const ended = runProcess(
      specOf(test, 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.02; done'),
      test.host,
    );
    await test.output.shows('up');
    test.stop();
    expect(await ended).toMatchObject({ reason: 'interrupted' });
    expect(test.output.text()).toBe('up\nbye\n');
  });
});

it('has no other end of a pipe than its own', async () => {
  const { output } = await run('ls -l /proc/$$/fd');
  const pipes = output
    .text()
    .split('\n')
    .filter((line) => line.includes('/pipes/'));
  expect(pipes.map((line) => / (\d+) -> /.exec(line)?.[1])).toEqual(['1', '2']);
});
