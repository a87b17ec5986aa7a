import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestGround } from './ground.ts';

/** Longest time that anything is waited for where a test gives no limit: a failure, never a measure. */
export const LIMIT_MS = 60_000;

export interface ProcessOptions {
  /** For messages. */
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real process, in a group of its own, whose output is kept. It is ended with its ground. */
export class TestProcess {
  readonly name: string;
  /** Resolves when it has ended and all it wrote is here. */
  readonly ended: Promise<Exit>;
  readonly #child: ChildProcess;
  /** Tells of output and of the end. */
  readonly #news = new EventTarget();
  #stdout = '';
  #stderr = '';
  #exit: Exit | null = null;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.name = name;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take(text, ''));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#take('', text));
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        this.#news.dispatchEvent(new Event('news'));
        resolve(this.#exit);
      });
    });
    // Whoever waits for it is told; nobody may be.
    this.ended.catch(() => undefined);
  }

  static start(ground: TestGround, options: ProcessOptions): TestProcess {
    const [program = '', ...args] = options.command;
    const child = spawn(program, args, {
      cwd: options.cwd ?? ground.directory,
      env: { ...process.env, ...options.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const started = new TestProcess(child, options.name);
    ground.atEnd(() => started.stop());
    return started;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} could not be started`);
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /** Waits for its end. Throws with its output if that does not come. */
  async endedWithin(limitMs = LIMIT_MS): Promise<Exit> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(this.#failure(`has not ended within ${limitMs / 1000} s`)), limitMs);
    try {
      return await Promise.race([this.ended, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until it has written something, on either stream. Throws with its output if it ends before that. */
  async wrote(pattern: RegExp, limitMs = LIMIT_MS): Promise<RegExpExecArray> {
    const limit = AbortSignal.timeout(limitMs);
    for (;;) {
      const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
      if (match !== null) return match;
      if (this.#exit !== null) throw this.#failure(`ended (${describeExit(this.#exit)}) without writing ${pattern}`);
      await once(this.#news, 'news', { signal: limit }).catch(() => {
        throw this.#failure(`has not written ${pattern} within ${limitMs / 1000} s`);
      });
    }
  }

  /** Sends a signal to the process alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ctrl-C: SIGINT to the whole group, as a terminal sends it. */
  interrupt(): void {
    process.kill(-this.pid, 'SIGINT');
  }

  /** SIGKILL to the process alone: what it started lives on. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** SIGTERM, and after `graceMs` SIGKILL to its whole group. */
  async stop(graceMs = 30_000): Promise<Exit> {
    if (this.#exit !== null) return this.#exit;
    this.signal('SIGTERM');
    const late = setTimeout(() => {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    }, graceMs);
    try {
      return await this.ended;
    } finally {
      clearTimeout(late);
    }
  }

  #take(stdout: string, stderr: string): void {
    this.#stdout += stdout;
    this.#stderr += stderr;
    this.#news.dispatchEvent(new Event('news'));
  }

  #failure(what: string): Error {
    return new Error(`${this.name} ${what}; it wrote:\n${lastLines(this.#stdout)}\n${lastLines(this.#stderr)}`);
  }
}

/** Runs a program to its end. Throws, with what it wrote, if that does not come. */
export async function run(ground: TestGround, options: ProcessOptions, limitMs = 2 * LIMIT_MS): Promise<Outcome> {
  const started = TestProcess.start(ground, options);
  const exit = await started.endedWithin(limitMs);
  return { ...exit, stdout: started.stdout, stderr: started.stderr };
}

/** How a program ended, and what it wrote. */
export interface Outcome extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

function describeExit({ code, signal }: Exit): string {
  return signal ?? `exit code ${code}`;
}

/** Lines of an output that a message shows. */
const SHOWN = 40;

export function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-SHOWN).join('\n');
}
