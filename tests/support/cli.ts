import type { TestGround } from './ground.ts';
import { type Outcome, run, TestProcess } from './process.ts';
import { PROGRAMS } from './programs.ts';

/** The command `icefall`, as a person types it. */
export class TestCli {
  readonly #ground: TestGround;
  readonly #env: Readonly<Record<string, string>>;

  constructor(ground: TestGround, { url }: { readonly url?: string } = {}) {
    this.#ground = ground;
    this.#env = url === undefined ? {} : { ICEFALL_URL: url };
  }

  run(...args: readonly string[]): Promise<Outcome> {
    return run(this.#ground, this.#command(args));
  }

  /** Starts it and does not wait for its end. */
  start(...args: readonly string[]): TestProcess {
    return TestProcess.start(this.#ground, this.#command(args));
  }

  /** Runs it with `--json` and gives what it printed. Throws unless it ends with 0. */
  async json(...args: readonly string[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.run('--json', ...args);
    if (code !== 0) throw new Error(`icefall ${args.join(' ')} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout);
  }

  #command(args: readonly string[]) {
    return { name: `icefall ${args.join(' ')}`, command: [...PROGRAMS.icefall, ...args], env: this.#env };
  }
}
