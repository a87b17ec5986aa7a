import type { Command, CommandKind, CommandOf, CommandOutcome, Json, Properties, SourceStamp } from '@icefall/shared';
import { commandSchema } from '@icefall/shared';
import { type Problem, takeProblems } from '../config/problems.ts';
import type { StepAction, StepDeclaration, StepRun } from './step.ts';

/** For tests: what a step sees when it begins and ends. */
export function aRun(more: Partial<Omit<StepRun, 'properties'>> & { properties?: Record<string, Json> } = {}): StepRun {
  return {
    sourceStamps: [aStamp()],
    builder: 'linux',
    worker: 'w1',
    buildNumber: 7,
    resultSoFar: 'SUCCESS',
    buildId: 1,
    stepNumber: 0,
    stepName: 'step',
    env: {},
    ...more,
    properties: propertiesOf(more.properties ?? {}),
  };
}

export function propertiesOf(values: Readonly<Record<string, Json>>): Properties {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      { value: value as Properties[string]['value'], source: 'test' },
    ]),
  );
}

export function aStamp(more: Partial<SourceStamp> = {}): SourceStamp {
  return { codebase: '', repository: '/srv/scripts.git', branch: 'main', revision: null, project: '', ...more };
}

/** How a command ended: by default well. */
export function anOutcome(more: Partial<CommandOutcome> = {}): CommandOutcome {
  const usual = { reason: 'exited', exitCode: 0, signal: null, error: null, values: {} } as const;
  return { ...usual, startedAt: 1000, finishedAt: 4000, ...more };
}

/** What a declaration reports, which may be nothing. */
export function problemsOf(declare: () => unknown): readonly Problem[] {
  takeProblems();
  declare();
  return takeProblems();
}

export function mistakesIn(declare: () => unknown): readonly string[] {
  return problemsOf(declare).map(({ message }) => message);
}

/** What a step does when it begins. Its declaration must have been right. */
export function beginning(declare: () => StepDeclaration, run = aRun()): StepAction {
  takeProblems();
  const declared = declare();
  const problems = takeProblems();
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return declared.prepare(run).begin();
}

/** The command that a step gives its worker, which the protocol must accept unchanged. */
export function commandOf<K extends CommandKind>(kind: K, declare: () => StepDeclaration, run = aRun()): CommandOf<K> {
  const action = beginning(declare, run);
  if (action.do !== 'command') throw new Error(`the step does ${action.do}, not a command`);
  const command = commandSchema.parse(action.command);
  if (!isOfKind(kind, command)) throw new Error(`the command is ${command.kind}, not ${kind}`);
  return command;
}

function isOfKind<K extends CommandKind>(kind: K, command: Command): command is CommandOf<K> {
  return command.kind === kind;
}
