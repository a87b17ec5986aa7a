import { RESULTS } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { computed, interpolate, prop } from '../properties/references.ts';
import { shortCommand } from './outcome.ts';
import { type ShellOptions, shell } from './shell.ts';
import { anOutcome, aRun, beginning, commandOf, mistakesIn } from './test-run.ts';

const command = (options: Parameters<typeof shell>[0], run = aRun()) => commandOf('shell', () => shell(options), run);
const endOf = (options: ShellOptions, outcome: Parameters<typeof anOutcome>[0]) =>
  shell(options).prepare(aRun()).end(anOutcome(outcome));

describe('the command of a shell step', () => {
  test('is what the options say, with limits of 20 minutes of silence and 10 seconds from TERM to KILL', () => {
    expect(command({ command: ['make', '-j4'] })).toEqual({
      kind: 'shell',
      command: ['make', '-j4'],
      workdir: 'build',
      env: {},
      idleTimeoutMs: 1_200_000,
      maxTimeMs: null,
      maxLines: null,
      killGraceMs: 10_000,
      stdin: null,
      logFiles: [],
      capture: false,
    });
  });

  test('takes every option', () => {
    const options = {
      command: 'make | tee log',
      workdir: 'src/lib',
      idleTimeout: null,
      maxTime: '4h',
      maxLines: 1000,
      killGrace: 0,
      stdin: 'yes\n',
      logFiles: { config: 'config.log', test: { path: '/tmp/test.log', follow: true }, old: { path: 'old.log' } },
    } as const;
    expect(command(options)).toMatchObject({
      command: 'make | tee log',
      workdir: 'src/lib',
      idleTimeoutMs: null,
      maxTimeMs: 14_400_000,
      maxLines: 1000,
      killGraceMs: 0,
      stdin: 'yes\n',
      logFiles: [
        { name: 'config', path: 'config.log', follow: false },
        { name: 'test', path: '/tmp/test.log', follow: true },
        { name: 'old', path: 'old.log', follow: false },
      ],
    });
  });

  test('flattens lists in its list, writes numbers and yes/no as text, and keeps empty words', () => {
    const nightly = computed(({ properties }) => (properties.nightly?.value === true ? ['--nightly'] : []));
    const options = { command: ['make', ['-j', 4, ['-k', []]], true, '', nightly] };
    expect(command(options).command).toEqual(['make', '-j', '4', '-k', 'true', '']);
    expect(command(options, aRun({ properties: { nightly: true } })).command.at(-1)).toBe('--nightly');
  });

  test('is rendered when it begins, everywhere in the options', () => {
    const run = aRun({ properties: { variant: 'base', jobs: 4, dir: 'd' } });
    const options = {
      command: ['build', '--variant', prop('variant'), interpolate`-j${prop('jobs')}`, prop('jobs')],
      env: { JOBS: prop('jobs'), GONE: prop('missing', null) },
      workdir: interpolate`${prop('dir')}/x`,
      maxLines: prop('jobs', 1),
      logFiles: { a: { path: prop('dir'), follow: computed(() => true) } },
    };
    expect(command(options, run)).toMatchObject({
      command: ['build', '--variant', 'base', '-j4', '4'],
      env: { JOBS: '4', GONE: null },
      workdir: 'd/x',
      maxLines: 4,
      logFiles: [{ name: 'a', path: 'd', follow: true }],
    });
  });

  test("merges its environment over the builder's; null deletes", () => {
    /** Expanded by the worker. */
    const HOME = `$\{HOME}/d`;
    const run = aRun({ env: { A: 'builder', B: 'builder', C: null, D: null } });
    expect(command({ command: 'x', env: { B: 'step', A: null, D: HOME, E: 5, F: false } }, run).env).toEqual({
      A: null,
      B: 'step',
      C: null,
      D: HOME,
      E: '5',
      F: 'false',
    });
  });
});

describe('the result of a shell step', () => {
  test.each([
    [{ exitCode: 0 }, 'SUCCESS', 'make'],
    [{ exitCode: 2 }, 'FAILURE', 'make: exit code 2'],
    [{ exitCode: null, signal: 'SIGSEGV' }, 'FAILURE', 'make: killed by SIGSEGV'],
    [{ reason: 'idleTimeout', exitCode: null, signal: 'SIGTERM' }, 'FAILURE', 'make: timed out: no output'],
    [{ reason: 'maxTime', exitCode: null, signal: 'SIGKILL' }, 'FAILURE', 'make: timed out after 3.0 s'],
    [{ reason: 'maxLines', exitCode: null, signal: 'SIGTERM' }, 'FAILURE', 'make: ended: too many lines'],
    [{ reason: 'interrupted', exitCode: null, signal: 'SIGTERM' }, 'CANCELLED', 'make: interrupted'],
    [{ reason: 'lost', exitCode: null }, 'RETRY', 'make: lost: the worker stopped while it ran'],
    [
      { reason: 'lost', exitCode: null, error: { code: 'agent_died', message: 'the agent died' } },
      'RETRY',
      'make: lost: the agent died',
    ],
    [{ reason: 'refused', exitCode: null }, 'FAILURE', 'make: could not be started'],
    [
      {
        reason: 'refused',
        exitCode: null,
        error: { code: 'program_not_found', message: 'there is no program "make"' },
      },
      'FAILURE',
      'make: there is no program "make"',
    ],
    [
      { reason: 'exited', exitCode: 1, error: { code: 'internal', message: 'the worker made a mistake' } },
      'EXCEPTION',
      'make: the worker made a mistake',
    ],
    [
      { reason: 'refused', exitCode: null, error: { code: 'journal_unwritable', message: 'the disk is full' } },
      'EXCEPTION',
      'make: the disk is full',
    ],
  ] as const)('for %j is %s', (outcome, result, summary) => {
    expect(endOf({ command: ['make'] }, outcome)).toEqual({ result, summary });
  });

  test('is what the table of exit codes says; a code that is not in it is FAILURE, 0 too', () => {
    const exitCodes = Object.fromEntries(RESULTS.map((result, i) => [10 + i, result]));
    for (const [i, result] of RESULTS.entries())
      expect(endOf({ command: 'x', exitCodes }, { exitCode: 10 + i }).result).toBe(result);
    expect(endOf({ command: 'x', exitCodes }, { exitCode: 0 })).toEqual({
      result: 'FAILURE',
      summary: 'x: exit code 0',
    });
    expect(endOf({ command: 'x', exitCodes }, { exitCode: 9 }).result).toBe('FAILURE');
  });

  test('does not depend on the table when a limit or a person ended it, whatever its exit code', () => {
    const options: ShellOptions = { command: 'x', exitCodes: { 0: 'SUCCESS', 3: 'WARNINGS' } };
    expect(endOf(options, { reason: 'maxTime', exitCode: 0 }).result).toBe('FAILURE');
    expect(endOf(options, { reason: 'interrupted', exitCode: 3 }).result).toBe('CANCELLED');
  });
});

describe('a shell step whose options are wrong', () => {
  // What the compiler refuses, a program may hold all the same: types are stripped, not checked, when it is loaded.
  const load = (options: object) => mistakesIn(() => shell(options as ShellOptions));

  test.each([
    [{}, /option "command": must be text for a shell, or a list of words/],
    [{ command: [] }, /option "command": must name a program/],
    [{ command: ['', 'a'] }, /option "command": must name a program/],
    [{ command: '' }, /option "command"/],
    [{ command: ['a', {}] }, /option "command/],
    [{ command: 'a', comand: 'b' }, /"comand"/],
    [{ command: 'a', workdir: '' }, /option "workdir"/],
    [{ command: 'a', env: { A: {} } }, /option "env.A"/],
    [{ command: 'a', env: { '': 'b' } }, /option "env/],
    [{ command: 'a', idleTimeout: 0 }, /option "idleTimeout": must be more than zero \(found 0\)/],
    [{ command: 'a', maxTime: '3 weeks' }, /option "maxTime": must be milliseconds or .* \(found "3 weeks"\)/],
    [{ command: 'a', maxTime: true }, /option "maxTime": must be milliseconds or/],
    [{ command: 'a', maxLines: 1.5 }, /option "maxLines"/],
    [{ command: 'a', killGrace: -1 }, /option "killGrace": must be milliseconds or .* \(found -1\)/],
    [{ command: 'a', stdin: 5 }, /option "stdin"/],
    [{ command: 'a', logFiles: { a: { path: 5 } } }, /option "logFiles.a.path": .*expected string.* \(found 5\)/],
    [{ command: 'a', logFiles: { a: { path: 'p', folow: true } } }, /option "logFiles.a".*"folow"/],
    [{ command: 'a', exitCodes: { '-1': 'SUCCESS' } }, /option "exitCodes.-1": must be an exit code/],
    [{ command: 'a', exitCodes: { 1: 'OK' } }, /option "exitCodes.1": .*"SUCCESS".* \(found "OK"\)/],
  ])('tells %j at load', (options, expected) => {
    const mistakes = load(options);
    expect(mistakes).toEqual([expect.stringMatching(expected)]);
    expect(mistakes[0]).toMatch(/^step shell: /);
  });

  test('tells all of its mistakes, and those beside a reference', () => {
    expect(load({ command: ['a', prop('b')], maxLines: 0, env: { A: prop('a'), B: [] }, name: '' })).toEqual([
      expect.stringContaining('option "name"'),
      expect.stringContaining('option "env.B"'),
      expect.stringContaining('option "maxLines"'),
    ]);
  });

  test('lets a reference pass at load, and judges what it stands for when the step starts', () => {
    const declare = () => shell({ command: 'a', maxLines: prop('lines', 5), workdir: prop('dir') });
    expect(mistakesIn(declare)).toEqual([]);
    const run = aRun({ properties: { lines: -3, dir: 5 }, stepName: 'build' });
    expect(() => beginning(declare, run)).toThrow(
      /shell\.test\.ts:\d+: step shell "build": option "workdir": .*expected string.*\(found 5\); option "maxLines": .*\(found -3\)/,
    );
    expect(() => beginning(declare, aRun({ properties: { lines: 1 } }))).toThrow('property "dir" is not set');
  });
});

test('a long command is cut where people read it', () => {
  expect(shortCommand(['echo', 'a\n  b'])).toBe('echo a b');
  expect(shortCommand('x'.repeat(100))).toBe(`${'x'.repeat(57)}...`);
});
