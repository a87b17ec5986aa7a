import { describe, expect, test } from 'vitest';
import { collectProblems, reportProblem, takeProblems } from './problems.ts';

describe('problems outside a load', () => {
  test('are kept apart from those of the load that is under way', () => {
    takeProblems();
    reportProblem(null, 'of the load, before');
    const { value, problems } = collectProblems(() => {
      reportProblem(null, 'of a running build');
      return 7;
    });
    reportProblem(null, 'of the load, after');
    expect(value).toBe(7);
    expect(problems.map(({ message }) => message)).toEqual(['of a running build']);
    expect(takeProblems().map(({ message }) => message)).toEqual(['of the load, before', 'of the load, after']);
  });

  test('leave the load alone when the declarations throw', () => {
    takeProblems();
    reportProblem(null, 'of the load');
    const fails = () => {
      reportProblem(null, 'of a running build');
      throw new Error('no');
    };
    expect(() => collectProblems(fails)).toThrow('no');
    expect(takeProblems().map(({ message }) => message)).toEqual(['of the load']);
  });
});
