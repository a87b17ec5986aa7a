import { z } from 'zod';
import { ConfigError, collectProblems } from '../config/problems.ts';
import { defineStep, type StepDeclaration, type StepKind, type StepRun } from './kind.ts';

const functionSchema = z.custom<(run: StepRun) => readonly StepDeclaration[]>(
  (value) => typeof value === 'function',
  'must be a function',
);
const schema = z.strictObject({ steps: functionSchema });

/** The function is kept beside its context by `prepare`, so `begin` needs nothing else. */
const kind: StepKind<z.output<typeof schema>> = {
  name: 'addSteps',
  schema,
  begin(options, run) {
    const { value: steps, problems } = collectProblems(() => options.steps(run));
    if (problems.length > 0) throw new ConfigError(problems);
    const summary = `added ${steps.length} step${steps.length === 1 ? '' : 's'}`;
    return { do: 'finish', result: 'SUCCESS', summary, steps };
  },
  describe: () => 'add steps',
};

/**
 * Adds steps to the running build, right after this one: the function sees the build's properties as they are then.
 * It must give the same steps for the same properties, since a master that restarts asks it again.
 */
export const addSteps = defineStep<
  z.output<typeof schema>,
  { readonly steps: (run: StepRun) => readonly StepDeclaration[] }
>(kind);
