import type { Command, CommandOutcome, Json, Result, ResultFlags, SourceStamp } from '@icefall/shared';
import type { LockAccess } from '../config/locks.ts';
import type { Place } from '../config/problems.ts';
import type { Renderable, RenderContext } from '../properties/references.ts';
import type { SecretReference } from '../secrets/reference.ts';

/** What a step can see when it begins and ends. */
export interface StepRun extends RenderContext {
  readonly buildId: number;
  readonly stepNumber: number;
  readonly stepName: string;
  /** Environment of the builder, rendered; of a secret the name alone. */
  readonly env: Readonly<Record<string, string | null | SecretReference>>;
}

/** Something that ends at a time unless somebody renews it before: the whitelist of a repository. */
export interface Deadline {
  /** A later one with the name takes its place. */
  readonly name: string;
  /** For people: `the whitelist of software.example.org`. */
  readonly what: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** An alarm is raised so long before it. */
  readonly warnMs: number;
}

/** The end of a step. */
export interface StepEnd {
  readonly result: Result;
  /** A few words for people; default: made from the result. */
  readonly summary?: string;
  /** Set on the build with the step as their source. */
  readonly properties?: Readonly<Record<string, Json>>;
  /** Steps to run right after this one. */
  readonly steps?: readonly StepDeclaration[];
  /** Text for the step's log, where the step had no command. */
  readonly text?: string;
  readonly urls?: readonly { readonly name: string; readonly url: string }[];
  /** What ends at a time unless it is renewed: an alarm is raised before. */
  readonly deadlines?: readonly Deadline[];
}

/** What a trigger step asks for. */
export interface TriggerRequest {
  readonly schedulers: readonly string[];
  readonly unimportant: readonly string[];
  readonly wait: boolean;
  readonly properties: Readonly<Record<string, Json>>;
  readonly sourceStamps: readonly SourceStamp[];
}

/** A file or directory that travels with an upload or download command. */
export interface Transfer {
  /** Absolute path on the master. */
  readonly path: string;
  readonly maxBytes: number | null;
}

/** What a step does, decided when it begins. */
export type StepAction =
  | ({ readonly do: 'finish' } & StepEnd)
  | { readonly do: 'command'; readonly command: Command; readonly transfer?: Transfer }
  | { readonly do: 'trigger'; readonly trigger: TriggerRequest }
  | {
      readonly do: 'masterCommand';
      readonly command: string | readonly string[];
      readonly workdir: string;
      readonly env: Readonly<Record<string, string | null>>;
      /** By variable the name of the secret that is its value. */
      readonly secrets: Readonly<Record<string, string>>;
      readonly maxTimeMs: number | null;
    };

type StepFunction<T> = (run: StepRun) => T;

/** Options that every step takes. */
export interface StepOptions extends Partial<ResultFlags> {
  readonly name?: string;
  /** Runs also after the build was halted or stopped. */
  readonly alwaysRun?: boolean;
  /** False: the step is SKIPPED, and takes no locks. */
  readonly doStepIf?: Renderable<boolean> | StepFunction<boolean>;
  /** True: the finished step is not shown. */
  readonly hideStepIf?: boolean | ((result: Result, run: StepRun) => boolean);
  readonly locks?: readonly LockAccess[] | ((run: StepRun) => readonly LockAccess[]);
  /**
   * False: the step must not be started twice. If its worker is lost while it runs, the build ends as EXCEPTION
   * instead of being retried. Default true.
   */
  readonly retryable?: boolean;
}

/** A step as the configuration declares it; every build makes its own run of it. */
export interface StepDeclaration {
  readonly type: 'step';
  readonly kind: string;
  readonly name: string;
  readonly flags: ResultFlags;
  readonly alwaysRun: boolean;
  readonly doStepIf: Renderable<boolean> | StepFunction<boolean>;
  readonly hideStepIf: boolean | ((result: Result, run: StepRun) => boolean);
  readonly locks: readonly LockAccess[] | ((run: StepRun) => readonly LockAccess[]);
  readonly retryable: boolean;
  /** Its locks are kept beyond its end, until this later step of the build has ended, or the build; null: until its own. */
  readonly locksUntil: StepDeclaration | null;
  readonly place: Place | null;
  /** What its kind was given, references and all; for descriptions of the configuration. */
  readonly options: object;
  /** Schedulers that it triggers, as far as the declaration tells; for checks of the configuration. */
  readonly triggers: readonly string[];
  /** It waits for what it triggers, as far as the declaration tells. */
  readonly waits: boolean;
  /** Renders and checks the options (at step start). Throws with a message for people. */
  prepare(run: StepRun): PreparedStep;
}

/** A step whose options are known. */
export interface PreparedStep {
  readonly description: string;
  /** The resolved options, to be kept with the build. */
  readonly options: Json;
  begin(): StepAction;
  end(outcome: CommandOutcome): StepEnd;
}
