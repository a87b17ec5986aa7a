import type { Blocker, Command, Properties } from '@icefall/shared';
import { takeProblems } from '../config/problems.ts';
import type { SiteDeclaration, SiteOptions } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { shell } from '../steps/shell.ts';
import type { StepOptions } from '../steps/step.ts';
import type { Work } from './simulated-command.ts';
import type { SimulatedSite } from './simulated-site.ts';

/** For tests: words to declare small sites with, and to ask what became of them. */

/** A site of the parts given. Throws where they have mistakes. */
export function siteWith(options: Omit<SiteOptions, 'title'>): SiteDeclaration {
  const declared = site({ title: 'test', ...options });
  const problems = takeProblems();
  if (problems.length > 0) throw new Error(problems.map((problem) => problem.message).join('\n'));
  return declared;
}

/** A step that runs the program of its name. */
export function run(name: string, options: StepOptions = {}) {
  return shell({ name, command: [name], ...options });
}

/** What programs do, by their names; those that are not named take a second and succeed. */
export function programs(table: Record<string, Work>) {
  return (command: Command): Work => {
    const name = command.kind === 'shell' && typeof command.command !== 'string' ? command.command[0] : '';
    return table[name ?? ''] ?? { durationMs: 1000 };
  };
}

/** `name: RESULT` of every step that has ended, `name: state` of the others. */
export function stepsOf(sim: SimulatedSite, buildId: number): string[] {
  return sim.master.rooms.builds.rows
    .steps(buildId)
    .map((step) => `${step.name}: ${step.state === 'finished' ? step.result : step.state}`);
}

export function blockerOf(sim: SimulatedSite, requestId: number): Blocker | null {
  const blocker = sim.master.rooms.requests.row(requestId)?.blocker ?? null;
  return blocker === null ? null : (JSON.parse(blocker) as Blocker);
}

/** Properties of a build, as they are now. */
export function propertiesOf(sim: SimulatedSite, buildId: number): Properties {
  return JSON.parse(sim.master.rooms.builds.rows.build(buildId)?.properties ?? '{}') as Properties;
}

/** Labels of everything that began on a worker, in order. */
export function begunOn(sim: SimulatedSite, worker: string): string[] {
  return sim.worker(worker).begun.map((start) => start.label);
}
