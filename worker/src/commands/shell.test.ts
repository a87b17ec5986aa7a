import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STREAM } from '@icefall/shared';
import { describe, expect, it } from 'vitest';
import { testContext } from '../test-support/command-context.ts';
import { shellOf } from '../test-support/commands.ts';

describe('a shell command', () => {
  it('runs a list as it is, and a text in a shell', async () => {
    const { run, output } = await testContext();
    await run(shellOf(['printf', '%s|', '$HOME', 'a b', '*']));
    await run(shellOf('printf "%s|" $((1+1)) "a b"'));
    expect(output.text()).toBe('$HOME|a b|*|2|a b|');
  });

  it('says in the log what runs where and under which limits, but not the environment', async () => {
    const { run, output, path } = await testContext();
    await run(shellOf(['echo', "it's"], { env: { SECRET: 'hunter2' }, idleTimeoutMs: 60_000, maxLines: 10 }));
    expect(output.headers).toBe(`echo 'it'\\''s'\nin ${path('build')}, limits: 1 m 00 s without output, 10 lines\n`);
  });

  it('makes its work directory, and knows it by PWD', async () => {
    const { run, output, path } = await testContext();
    await run(shellOf('pwd; echo $PWD', { workdir: 'deep/er' }));
    expect(output.text()).toBe(`${path('deep/er')}\n`.repeat(2));
  });

  it('gets the variables of the command over those of the worker, and its markers', async () => {
    const { run, output, context } = await testContext();
    await run(shellOf('env | sort', { env: { HOME: null, CPUS: '4', PATH: `/extra:\${PATH}`, ICEFALL_COMMAND: 'x' } }));
    const lines = output.text().trim().split('\n');
    expect(lines).toContain('CPUS=4');
    expect(lines).toContain(`PATH=/extra:${context.workerEnvironment.PATH}`);
    expect(lines).toContain('ICEFALL_COMMAND=1-1');
    expect(lines.some((line) => line.startsWith('HOME='))).toBe(false);
  });

  it('gets its standard input whole, and leaves no file of it', async () => {
    const { run, output, context } = await testContext();
    const stdin = 'x'.repeat(3_000_000);
    expect(await run(shellOf('cat | wc -c; cat', { stdin }))).toMatchObject({ exitCode: 0 });
    expect(output.text().trim()).toBe('3000000');
    expect(await readdir(context.scratchDirectory)).toEqual([]);
  });

  it('keeps its output as values where asked to, and only then', async () => {
    const { run } = await testContext();
    expect((await run(shellOf('echo out; echo err >&2', { capture: true }))).values).toEqual({
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect((await run(shellOf('echo out'))).values).toEqual({});
  });

  it('keeps the first MiB of each stream, and shows all', async () => {
    const { run, output } = await testContext();
    const { values } = await run(shellOf('head -c 3000000 /dev/zero | tr "\\0" x', { capture: true }));
    expect(values.stdout).toHaveLength(1024 * 1024);
    expect(output.text()).toHaveLength(3_000_000);
  });

  it('follows its log files, read to the end', async () => {
    const { run, output, path } = await testContext();
    await mkdir(path('build'));
    await writeFile(path('build', 'old.log'), 'before\n');
    const logFiles = [
      { name: 'test', path: 'logs/test.log', follow: false },
      { name: 'old', path: 'old.log', follow: true },
    ];
    await run(
      shellOf('mkdir logs; echo inner > logs/test.log; echo after >> old.log; printf end >> logs/test.log', {
        logFiles,
      }),
    );
    expect(output.text(STREAM.firstLogFile)).toBe('inner\nend');
    expect(output.text(STREAM.firstLogFile + 1)).toBe('after\n');
  });

  it('is not idle while a log file grows', async () => {
    const { run } = await testContext();
    const logFiles = [{ name: 'l', path: 'l', follow: false }];
    const line = 'for i in 1 2 3 4 5 6 7 8; do echo x >> l; sleep 0.2; done';
    expect(await run(shellOf(line, { logFiles, idleTimeoutMs: 1200 }))).toMatchObject({
      reason: 'exited',
      exitCode: 0,
    });
  });

  it('ends with the exit code of the program', async () => {
    const { run } = await testContext();
    expect(await run(shellOf('exit 42'))).toEqual({
      reason: 'exited',
      exitCode: 42,
      signal: null,
      error: null,
      values: {},
    });
  });

  it('is ended after its time', async () => {
    const { run } = await testContext();
    expect(await run(shellOf(['sleep', '60'], { maxTimeMs: 100 }))).toMatchObject({
      reason: 'maxTime',
      signal: 'SIGTERM',
    });
  });
});

describe('a shell command that cannot be begun', () => {
  it('says which program is missing', async () => {
    const { run } = await testContext();
    const end = await run(shellOf(['cmake', '..'], { env: { PATH: '/nowhere' } }));
    expect(end).toMatchObject({ reason: 'refused', exitCode: null, error: { code: 'program_not_found' } });
    expect(end.error?.message).toContain('"cmake"');
  });

  it('says what is wrong with its work directory', async () => {
    const { run, path } = await testContext();
    await writeFile(path('build'), 'a file');
    const end = await run(shellOf('true'));
    expect(end).toMatchObject({ reason: 'refused', error: { code: 'workdir_unusable' } });
    expect(end.error?.message).toContain(`${path('build')}: it exists already`);
    await symlink('/nowhere/at/all', path('link'));
    expect((await run(shellOf('true', { workdir: join('link', 'x') }))).error?.code).toBe('workdir_unusable');
  });

  it.each([
    [{ env: { 'A=B': 'x' } }, 'bad_environment'],
    [{ workdir: 'a\0b' }, 'bad_path'],
    [{ command: ['echo', '\0'] }, 'bad_arguments'],
    [
      { logFiles: Array.from({ length: 201 }, (_, i) => ({ name: `${i}`, path: `${i}`, follow: false })) },
      'too_many_log_files',
    ],
  ])('is refused for what no system can do: %#', async (rest, code) => {
    const { run } = await testContext();
    expect(await run(shellOf('true', rest))).toMatchObject({ reason: 'refused', error: { code } });
  });
});
