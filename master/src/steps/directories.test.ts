import { describe, expect, test } from 'vitest';
import { computed, interpolate, prop } from '../properties/references.ts';
import { copyDirectory, makeDirectory, removeDirectory } from './directories.ts';
import { anOutcome, aRun, commandOf, mistakesIn } from './test-run.ts';

const run = aRun({ properties: { dir: 'd' } });

describe('steps with directories', () => {
  test('work in the directory of the build, beside `build`', () => {
    expect(commandOf('makeDirectory', () => makeDirectory({ path: interpolate`a/${prop('dir')}` }), run)).toEqual({
      kind: 'makeDirectory',
      path: 'a/d',
      workdir: '.',
    });
    expect(commandOf('removeDirectory', () => removeDirectory({ paths: prop('dir') }), run)).toEqual({
      kind: 'removeDirectory',
      paths: ['d'],
      workdir: '.',
    });
    expect(commandOf('copyDirectory', () => copyDirectory({ from: prop('dir'), to: '/e' }), run)).toEqual({
      kind: 'copyDirectory',
      from: 'd',
      to: '/e',
      workdir: '.',
      maxTimeMs: null,
    });
  });

  test('remove several, and copy for so long at most', () => {
    const paths = ['a', prop('dir')];
    expect(commandOf('removeDirectory', () => removeDirectory({ paths }), run).paths).toEqual(['a', 'd']);
    const computedPaths = computed(() => ['b', 'c']);
    expect(commandOf('removeDirectory', () => removeDirectory({ paths: computedPaths }), run).paths).toEqual([
      'b',
      'c',
    ]);
    expect(commandOf('copyDirectory', () => copyDirectory({ from: 'a', to: 'b', maxTime: '2m' })).maxTimeMs).toBe(
      120_000,
    );
  });

  test.each([
    ['make d', makeDirectory({ path: prop('dir') })],
    ['remove a, d', removeDirectory({ paths: ['a', prop('dir')] })],
    ['copy d to e', copyDirectory({ from: prop('dir'), to: 'e' })],
  ])('(%s) say what went wrong', (what, step) => {
    const prepared = step.prepare(run);
    expect(prepared.description).toBe(what);
    expect(prepared.end(anOutcome())).toEqual({ result: 'SUCCESS', summary: what });
    const error = { code: 'not_writable', message: 'permission denied' };
    expect(prepared.end(anOutcome({ exitCode: 1, error }))).toEqual({
      result: 'FAILURE',
      summary: `${what}: permission denied`,
    });
    expect(prepared.end(anOutcome({ reason: 'lost', exitCode: null })).result).toBe('RETRY');
    expect(prepared.end(anOutcome({ reason: 'interrupted', exitCode: null })).result).toBe('CANCELLED');
  });

  test.each([
    [makeDirectory, { path: '' }, /option "path"/],
    [makeDirectory, { paths: ['a'] }, /option "path"/],
    [removeDirectory, { paths: [] }, /option "paths"/],
    [removeDirectory, { paths: 5 }, /option "paths": must be a path or a list of paths \(found 5\)/],
    [removeDirectory, { paths: ['a', ''] }, /option "paths/],
    [copyDirectory, { from: 'a' }, /option "to"/],
    [copyDirectory, { from: 'a', to: 'b', maxTime: '5 min' }, /option "maxTime": must be milliseconds or/],
  ])('tell wrong options at load (%#)', (declare, options, expected) => {
    const mistakes = mistakesIn(() => (declare as (options: unknown) => unknown)(options));
    expect(mistakes[0]).toMatch(expected);
  });
});
