import {
  type BuilderDeclaration,
  type GitPollerDeclaration,
  type Json,
  type Reference,
  type SchedulerDeclaration,
  type StepDeclaration,
  type TriggerableScheduler,
  trigger,
  type WebhookDeclaration,
  type WorkerDeclaration,
} from '@icefall/master/config';

/**
 * A part of the site: what one module adds. The parts are put together in site.ts; a name (of a builder, lock,
 * scheduler or worker) can be written once only: a second one is an error of the configuration, told with both places.
 */
export interface Part {
  readonly name: string;
  readonly workers?: readonly WorkerDeclaration[];
  readonly builders: readonly BuilderDeclaration[];
  readonly schedulers: readonly SchedulerDeclaration[];
  readonly changeSources?: readonly (GitPollerDeclaration | WebhookDeclaration)[];
  /** What a part that depends on this one triggers. */
  readonly entry?: TriggerableScheduler;
}

/** A dependency: the part that must run after one's own steps, and the properties it is given. */
export interface Need {
  readonly part: Part;
  readonly properties: Readonly<Record<string, Json | Reference<Json>>>;
}

/**
 * The last steps of a builder that depends on other parts: for each, in order, a Trigger of that part's entry with the
 * same source, waited for; the first that fails ends the build.
 */
export function triggerNeeds(needs: readonly Need[]): StepDeclaration[] {
  return needs.map(({ part, properties }) => {
    if (part.entry === undefined) throw new Error(`the part "${part.name}" has no entry that others could trigger`);
    return trigger({
      name: `trigger ${part.name}`,
      schedulers: [part.entry],
      wait: true,
      properties,
      haltOnFailure: true,
    });
  });
}

/** Everything that the parts add, in their order. */
export function assemble(parts: readonly Part[]) {
  return {
    workers: [...new Set(parts.flatMap((part) => part.workers ?? []))],
    builders: parts.flatMap((part) => part.builders),
    schedulers: parts.flatMap((part) => part.schedulers),
    changeSources: parts.flatMap((part) => part.changeSources ?? []),
  };
}
