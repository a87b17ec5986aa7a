import { TestApi } from './api.ts';
import type { TestGround } from './ground.ts';
import { type Exit, TestProcess } from './process.ts';
import { PROGRAMS } from './programs.ts';
import { TestWorker, type WorkerOptions } from './worker.ts';

export interface MasterOptions {
  /** The site's program. */
  readonly site: string;
  /** Of the master and of the site's program. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its state is; default a folder of the ground. */
  readonly directory?: string;
}

/** A master in a process of its own, as `icefall start` makes it, on free ports of loopback. */
export class TestMaster {
  readonly ground: TestGround;
  readonly directory: string;
  readonly api: TestApi;
  readonly workerPort: number;
  readonly #options: MasterOptions;
  #process: TestProcess;

  private constructor(ground: TestGround, options: MasterOptions, started: Started) {
    this.ground = ground;
    this.directory = started.directory;
    this.#options = options;
    this.#process = started.process;
    this.api = new TestApi(started.url);
    this.workerPort = started.workerPort;
  }

  static async start(ground: TestGround, options: MasterOptions): Promise<TestMaster> {
    const directory = options.directory ?? ground.path('master');
    return new TestMaster(ground, options, await launch(ground, options, directory, { page: 0, workers: 0 }));
  }

  get process(): TestProcess {
    return this.#process;
  }

  get url(): string {
    return this.api.url;
  }

  /** The same master again, on the same ports, after it was killed or stopped. */
  async startAgain(): Promise<void> {
    const ports = { page: Number(new URL(this.url).port), workers: this.workerPort };
    this.#process = (await launch(this.ground, this.#options, this.directory, ports)).process;
  }

  /** `kill -9`. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  stop(): Promise<Exit> {
    return this.#process.stop();
  }

  /** A token for a worker that the site declares without one. */
  token(name: string): Promise<string> {
    return this.api.post(`/workers/${name}/token`, {}, { parse: tokenOf });
  }

  /** Starts an agent and waits until it is connected. `port`: where it connects to, if not to the master itself. */
  async worker(name: string, options: Partial<WorkerOptions> & { readonly port?: number } = {}): Promise<TestWorker> {
    const { port = this.workerPort, ...rest } = options;
    const worker = TestWorker.start(this.ground, {
      name,
      token: rest.token ?? (await this.token(name)),
      master: `ws://127.0.0.1:${port}`,
      ...rest,
    });
    await this.api.connected(name);
    return worker;
  }
}

interface Started {
  readonly process: TestProcess;
  readonly directory: string;
  readonly url: string;
  readonly workerPort: number;
}

async function launch(
  ground: TestGround,
  { site, env = {} }: MasterOptions,
  directory: string,
  ports: { readonly page: number; readonly workers: number },
): Promise<Started> {
  const options = ['--port', String(ports.page), '--worker-port', String(ports.workers), '--json-log'];
  const command = [...PROGRAMS.icefall, 'start', directory, '--config', site, ...options];
  const process = TestProcess.start(ground, { name: 'master', command, env });
  const [line] = await process.wrote(/^\{.*"msg":"runs".*\}$/m);
  const { url, workerPort }: { url: string; workerPort: number } = JSON.parse(line);
  return { process, directory, url, workerPort };
}

function tokenOf(value: unknown): string {
  const token: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'token') : undefined;
  if (typeof token !== 'string') throw new Error(`there is no token in ${JSON.stringify(value)}`);
  return token;
}
