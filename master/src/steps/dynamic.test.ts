import { describe, expect, test } from 'vitest';
import { takeProblems } from '../config/problems.ts';
import { addSteps } from './dynamic.ts';
import { shell } from './shell.ts';
import type { StepDeclaration, StepRun } from './step.ts';
import { aRun, beginning, mistakesIn } from './test-run.ts';

const begin = (steps: (run: StepRun) => readonly StepDeclaration[], run = aRun()) =>
  beginning(() => addSteps({ steps }), run);

describe('addSteps', () => {
  test('adds what the function makes of the build, in order', () => {
    const perVariant = (run: StepRun) =>
      [run.properties.variants?.value].flat().map((variant) => shell({ name: `build ${variant}`, command: 'make' }));
    const action = begin(perVariant, aRun({ properties: { variants: ['a', 'b'] } }));
    expect(action).toMatchObject({ do: 'finish', result: 'SUCCESS', summary: 'added 2 steps' });
    expect(action.do === 'finish' && action.steps?.map(({ name }) => name)).toEqual(['build a', 'build b']);
    expect(begin(perVariant, aRun({ properties: { variants: 'c' } }))).toMatchObject({ summary: 'added 1 step' });
    expect(begin(() => [])).toMatchObject({ result: 'SUCCESS', summary: 'added 0 steps', steps: [] });
  });

  test('refuses steps with wrong options, with their places, and leaves the list of a load alone', () => {
    expect(() => begin(() => [shell({ command: '' }), shell({ command: 'x', maxLines: -1 })])).toThrow(
      /2 mistake.*\n.*dynamic\.test\.ts:\d+: step shell: option "command".*\n.*dynamic\.test\.ts:\d+: .*option "maxLines"/s,
    );
    expect(takeProblems()).toEqual([]);
  });

  test.each([
    [undefined, /step addSteps "step": what steps\(\) returned: must be a list of steps/],
    [[shell({ command: 'x' }), null], /what steps\(\) returned: option "1": must be a step/],
    [shell({ command: 'x' }), /must be a list of steps/],
  ])('refuses a function that gives no list of steps (%#)', (returned, expected) => {
    expect(() => begin(() => returned as never)).toThrow(expected);
  });

  test('needs a function', () => {
    const options: object = { steps: [shell({ command: 'x' })] };
    expect(mistakesIn(() => addSteps(options as never))).toEqual([
      expect.stringMatching(/option "steps": must be a function/),
    ]);
  });
});
