import { TestGround } from '../support/ground.ts';

/** What a run of a scenario is given. */
export interface Run {
  readonly ground: TestGround;
  /** Of its moments and choices. */
  readonly seed: number;
  /** Longest cut of a link in this run. */
  readonly longMs: number;
}

export interface Scenario {
  readonly name: string;
  /** What goes wrong, and what is promised nevertheless. */
  readonly title: string;
  /** It waits for the end of a silence: half a minute and more. */
  readonly slow?: boolean;
  /** Why it cannot run here, or null. */
  readonly skipped?: () => string | null;
  run(run: Run): Promise<void>;
}

export interface RunOptions {
  readonly seed: number;
  readonly longMs: number;
}

/** Runs it once on a ground of its own. Throws what it found. */
export async function runScenario(scenario: Scenario, { seed, longMs }: RunOptions): Promise<void> {
  const ground = new TestGround();
  let failure: unknown = null;
  try {
    await scenario.run({ ground, seed, longMs });
  } catch (error) {
    failure = error;
  }
  // What an end of processes says after a failure is not news.
  await ground.end().catch((error: unknown) => {
    failure ??= error;
  });
  if (failure !== null) throw failure;
}
