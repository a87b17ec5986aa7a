/**
 * A site's configuration, tried without running anything: for a site's own tests (with any test runner) and for
 * `icefall simulate`. In short:
 *
 * ```ts
 * import { simulate } from '@icefall/master/simulation';
 * import site from './site.ts';
 *
 * test('a push builds on every platform and is published once', () => {
 *   using simulation = simulate(site, { durations: { build: '2h' }, fail: [] });
 *   simulation.push({ branch: 'main', files: ['build.sh'] }).finish();
 *   expect(simulation.builds('publish').map(({ result }) => result)).toEqual(['SUCCESS']);
 * });
 * ```
 */
export type { Course, CourseBuild, CourseRequest, CourseStart, CourseStep, Hold, Wait } from './course.ts';
export { SimulationError } from './errors.ts';
export type { Work } from './simulated-command.ts';
export {
  type SimulatedForce,
  type SimulatedPush,
  Simulation,
  type SimulationOptions,
  simulate,
} from './simulation.ts';
export type { StepPlace, StepWorkOptions } from './step-work.ts';
