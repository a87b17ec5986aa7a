import { z } from 'zod';
import { declared, functionSchema, whyNot } from '../config/declared.ts';
import { ConfigError, collectProblems, describeIssue } from '../config/problems.ts';
import { defineStep, type StepKind, StepOptionsError } from './kind.ts';
import type { StepDeclaration, StepRun } from './step.ts';

/** What the function returns. */
const stepsSchema = z.array(declared<StepDeclaration>('step', 'must be a step'), 'must be a list of steps');
const schema = z.strictObject({
  steps: z.custom<(run: StepRun) => readonly StepDeclaration[]>(
    (value) => functionSchema.safeParse(value).success,
    whyNot('must be a function'),
  ),
});

const kind: StepKind<z.output<typeof schema>> = {
  name: 'addSteps',
  schema,
  begin(options, run) {
    const { value, problems } = collectProblems(() => options.steps(run));
    if (problems.length > 0) throw new ConfigError(problems);
    const parsed = stepsSchema.safeParse(value);
    if (!parsed.success) {
      const mistakes = parsed.error.issues.map((issue) => describeIssue(issue, value));
      throw new StepOptionsError(null, `step addSteps "${run.stepName}": what steps() returned`, mistakes);
    }
    const steps = parsed.data;
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
