import type { Scenario } from '../scenario.ts';
import { agentScenarios } from './agent.ts';
import { clockScenarios } from './clock.ts';
import { diskScenarios } from './disk.ts';
import { frozenScenarios } from './frozen.ts';
import { linkScenarios } from './link.ts';
import { masterScenarios } from './master.ts';
import { publishScenarios } from './publish.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...masterScenarios,
  ...publishScenarios,
  ...linkScenarios,
  ...agentScenarios,
  ...frozenScenarios,
  ...diskScenarios,
  ...clockScenarios,
];
