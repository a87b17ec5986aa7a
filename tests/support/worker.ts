import { mkdirSync } from 'node:fs';
import type { TestGround } from './ground.ts';
import { type Exit, TestProcess } from './process.ts';
import { PROGRAMS } from './programs.ts';

export interface WorkerOptions {
  readonly name: string;
  readonly token: string;
  /** `ws://…` */
  readonly master: string;
  /** Default: a folder of the ground with the worker's name. */
  readonly directory?: string;
  /** More for the agent's command line. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A worker agent in a process of its own. */
export class TestWorker {
  readonly name: string;
  readonly directory: string;
  readonly #ground: TestGround;
  readonly #options: WorkerOptions;
  #process: TestProcess;

  private constructor(ground: TestGround, options: WorkerOptions, directory: string) {
    this.name = options.name;
    this.directory = directory;
    this.#ground = ground;
    this.#options = options;
    this.#process = launch(ground, options, directory);
  }

  /** Starts the agent; it may not be connected yet. */
  static start(ground: TestGround, options: WorkerOptions): TestWorker {
    const directory = options.directory ?? ground.path(`worker-${options.name}`);
    mkdirSync(directory, { recursive: true });
    return new TestWorker(ground, options, directory);
  }

  get process(): TestProcess {
    return this.#process;
  }

  /** `kill -9` of the agent alone: what it runs lives on. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** Ends what it runs, and the agent. */
  stop(): Promise<Exit> {
    return this.#process.stop();
  }

  /** An agent on the same folder, after it was killed or stopped. */
  startAgain(): void {
    this.#process = launch(this.#ground, this.#options, this.directory);
  }
}

/** Tries again soon: tests cut connections on purpose. */
const MAX_DELAY = '500ms';

function launch(ground: TestGround, options: WorkerOptions, directory: string): TestProcess {
  const { name, master, token, args = [], env = {} } = options;
  return TestProcess.start(ground, {
    name: `worker ${name}`,
    command: [
      ...PROGRAMS.worker,
      '--master',
      master,
      '--name',
      name,
      '--dir',
      directory,
      '--max-delay',
      MAX_DELAY,
      ...args,
    ],
    env: { ...env, ICEFALL_WORKER_TOKEN: token },
  });
}
