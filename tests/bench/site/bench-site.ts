import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Buildset, Status } from '@icefall/shared';
import { BenchError } from '../bench-case.ts';
import { Client } from './client.ts';
import { type BenchProcess, startNode } from './processes.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const MASTER = join(ROOT, 'master/src/cli/main.ts');
const WORKER = join(ROOT, 'worker/src/main.ts');

const TOKEN = 'a-token-of-the-bench';
const START_WITHIN_MS = 120_000;
const CONNECT_WITHIN_MS = 60_000;

/** A master of its own, with workers, as a user starts them: a process each. */
export class BenchSite implements AsyncDisposable {
  readonly directory: string;
  readonly pid: number;
  readonly url: string;
  /** From the start of the process to its word that it runs. */
  readonly startedInMs: number;
  readonly client: Client;
  readonly #workerPort: number;
  readonly #processes = new AsyncDisposableStack();

  private constructor(directory: string, master: BenchProcess, facts: Running, startedInMs: number) {
    this.directory = directory;
    this.pid = master.pid;
    this.url = facts.url;
    this.#workerPort = facts.workerPort;
    this.startedInMs = startedInMs;
    this.client = new Client(facts.url);
    this.#processes.use(master);
    this.#processes.use(this.client);
  }

  /** Starts a master on a site's program; what an earlier one kept in the directory is there again. */
  static async start(directory: string, program: string): Promise<BenchSite> {
    BenchSite.declare(directory, program);
    const begun = performance.now();
    const ports = ['--port', '0', '--worker-port', '0'];
    const master = startNode([...profiling(directory), MASTER, 'start', directory, ...ports, '--json-log']);
    try {
      const facts = await running(master);
      return new BenchSite(directory, master, facts, performance.now() - begun);
    } catch (error) {
      await master[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Writes the site's program; a running master takes it with a reload. */
  static declare(directory: string, program: string): void {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'site.ts'), program);
    writeFileSync(join(directory, 'token'), TOKEN);
  }

  /** Starts agents, and waits until all are connected. */
  async startWorkers(names: readonly string[]): Promise<void> {
    const { client } = this;
    const agents = names.map((name) => {
      const directory = join(this.directory, `worker-${name}`);
      mkdirSync(directory, { recursive: true });
      const master = ['--master', `ws://127.0.0.1:${this.#workerPort}`, '--name', name];
      const agent = startNode([
        ...profiling(directory),
        ...[WORKER, ...master, '--token-file', join(this.directory, 'token'), '--dir', directory],
      ]);
      this.#processes.use(agent);
      return agent;
    });
    const all = (status: Status) => status.workersConnected === names.length;
    await client.until<Status>('/status', all, 20, CONNECT_WITHIN_MS).catch((error: unknown) => {
      throw new BenchError(`${String(error)}\n${agents.map((agent) => agent.errors()).join('\n')}`);
    });
  }

  /** Starts a force scheduler; gives its buildset. */
  async force(scheduler: string): Promise<Buildset> {
    const { buildset } = await this.client.post<{ buildset: Buildset }>(`/schedulers/${scheduler}/force`);
    return buildset;
  }

  /** Waits until a buildset has ended. Throws {@link BenchError} where that is no success. */
  async succeeded(id: number, everyMs: number, withinMs = 600_000): Promise<Buildset> {
    const isFinished = (buildset: Buildset) => buildset.finishedAt !== null;
    const buildset = await this.client.until<Buildset>(`/buildsets/${id}`, isFinished, everyMs, withinMs);
    if (buildset.result !== 'SUCCESS') throw new BenchError(`buildset ${id} ended with ${buildset.result}`);
    return buildset;
  }

  /** Ends the workers, then the master. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#processes.disposeAsync();
  }
}

/** With BENCH_PROFILE=DIRECTORY every process writes a profile of its processor time there when it ends. */
function profiling(directory: string): string[] {
  const { BENCH_PROFILE: profiles } = process.env;
  if (profiles === undefined) return [];
  return [
    '--cpu-prof',
    `--cpu-prof-dir=${profiles}`,
    `--cpu-prof-name=${directory.split('/').at(-1)}-${Date.now()}.cpuprofile`,
  ];
}

interface Running {
  readonly url: string;
  readonly workerPort: number;
}

/** Waits for the master's line that says where it listens. */
function running(master: BenchProcess): Promise<Running> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new BenchError(`the master ${why}\n${master.errors()}`));
    const timer = setTimeout(() => fail(`did not start within ${START_WITHIN_MS} ms`), START_WITHIN_MS);
    let text = '';
    const read = (chunk: Buffer) => {
      text += chunk.toString();
      const line = text.split('\n').find((candidate) => candidate.includes('"workerPort"'));
      if (line === undefined || !line.endsWith('}')) return;
      clearTimeout(timer);
      master.child.stderr?.off('data', read);
      resolve(JSON.parse(line) as Running);
    };
    master.child.stderr?.on('data', read);
    master.child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
  });
}
