import { describe, expect, test } from 'vitest';
import { prop } from '../properties/references.ts';
import { secret } from '../secrets/reference.ts';
import { masterCommand } from './master-command.ts';
import { anOutcome, aRun, beginning, mistakesIn } from './test-run.ts';

describe('masterCommand', () => {
  test("runs on the master, for an hour at most, with an environment of its own and not the builder's", () => {
    const run = aRun({ properties: { jobs: 4 }, env: { WORKER: 'x' } });
    expect(beginning(() => masterCommand({ command: ['cp', prop('jobs')], workdir: '/srv' }), run)).toEqual({
      do: 'masterCommand',
      command: ['cp', '4'],
      workdir: '/srv',
      env: {},
      secrets: {},
      maxTimeMs: 3_600_000,
    });
    const options = { command: 'a && b', workdir: '/', env: { A: null, J: prop('jobs', 1) }, maxTime: null };
    expect(beginning(() => masterCommand(options), run)).toMatchObject({
      command: 'a && b',
      env: { A: null, J: '4' },
      maxTimeMs: null,
    });
  });

  test('names the secrets of its environment, and holds none', () => {
    const env = { TOKEN: secret('deploy'), PLAIN: 'x' };
    expect(beginning(() => masterCommand({ command: 'x', workdir: '/', env }))).toMatchObject({
      ...{ env: { PLAIN: 'x' }, secrets: { TOKEN: 'deploy' } },
    });
  });

  test.each([
    [{ exitCode: 0 }, 'SUCCESS', 'cp a'],
    [{ exitCode: 1 }, 'FAILURE', 'cp a: exit code 1'],
    [{ reason: 'maxTime', exitCode: null }, 'FAILURE', 'cp a: timed out after 3.0 s'],
    [{ reason: 'interrupted', exitCode: null }, 'CANCELLED', 'cp a: interrupted'],
    [{ reason: 'lost', exitCode: null }, 'RETRY', 'cp a: lost: the worker stopped while it ran'],
  ] as const)('for %j is %s', (outcome, result, summary) => {
    const end = masterCommand({ command: ['cp', 'a'], workdir: '/' })
      .prepare(aRun())
      .end(anOutcome(outcome));
    expect(end).toEqual({ result, summary });
  });

  test.each([
    [{ command: 'x', workdir: 'srv' }, /option "workdir": must be an absolute path on the master \(found "srv"\)/],
    [{ command: 'x' }, /option "workdir"/],
    [{ command: [], workdir: '/' }, /option "command": must name a program/],
    [{ command: 'x', workdir: '/', stdin: 'y' }, /"stdin"/],
    [{ command: 'x', workdir: '/', maxTime: 0 }, /option "maxTime": must be more than zero/],
  ])('tells %j at load', (options, expected) => {
    expect(mistakesIn(() => masterCommand(options as never))).toEqual([expect.stringMatching(expected)]);
  });
});
