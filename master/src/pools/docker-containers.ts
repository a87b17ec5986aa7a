import Docker from 'dockerode';
import type { DockerPool } from '../config/pools.ts';
import { containerOptionsOf } from './container.ts';
import { type Container, IMAGE_MARK, LABELS, type NewContainer, type PoolProvider, ProviderError } from './provider.ts';

/** Where Docker's packages put it. */
const USUAL_SOCKET = '/var/run/docker.sock';

/** Whatever it does, and with the nameless volumes that its image asks for: nothing else would ever remove these. */
const REMOVAL = { force: true, v: true } as const;

/** Containers of a Docker engine. */
export class DockerContainers implements PoolProvider {
  readonly #pool: DockerPool;
  readonly #owner: string;
  readonly #docker: Docker;

  /** `owner` tells this master's containers from those of others. */
  constructor(pool: DockerPool, owner: string) {
    this.#pool = pool;
    this.#owner = owner;
    this.#docker = new Docker({ socketPath: pool.socket ?? USUAL_SOCKET });
  }

  async list(): Promise<Container[]> {
    const label = [`${LABELS.owner}=${this.#owner}`, `${LABELS.pool}=${this.#pool.name}`];
    const all = await asked(() => this.#docker.listContainers({ all: true, filters: { label } }));
    return all.map(({ Id, Labels, State, Status, Created }) => ({
      id: Id,
      worker: Labels[LABELS.worker] ?? '',
      image: Labels[IMAGE_MARK] ?? null,
      state: STATES[State] ?? 'ended',
      since: Created * 1000,
      trouble: State === 'exited' || State === 'dead' ? Status : null,
    }));
  }

  /** Makes and starts one; an image that the engine does not have is pulled first. One that does not start is removed. */
  async start({ worker, token, image }: NewContainer): Promise<void> {
    const options = containerOptionsOf(this.#pool, { worker, token, image, owner: this.#owner });
    const create = () => this.#docker.createContainer(options);
    await asked(async () => {
      const container = await create().catch(async (error: unknown) => {
        if (statusOf(error) !== 404) throw error;
        await this.#pull(image);
        return create();
      });
      await container.start().catch(async (error: unknown) => {
        await container.remove(REMOVAL);
        throw error;
      });
    });
  }

  async #pull(image: string): Promise<void> {
    const stream = await this.#docker.pull(image);
    await new Promise<void>((resolve, reject) => {
      this.#docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  async remove(id: string): Promise<void> {
    await asked(async () => {
      await this.#docker
        .getContainer(id)
        .remove(REMOVAL)
        .catch((error: unknown) => {
          if (statusOf(error) !== 404) throw error;
        });
    });
  }
}

const STATES: Readonly<Record<string, Container['state']>> = {
  created: 'starting',
  restarting: 'starting',
  running: 'running',
  paused: 'running',
};

function statusOf(error: unknown): number | null {
  const status: unknown = error instanceof Error ? Reflect.get(error, 'statusCode') : null;
  return typeof status === 'number' ? status : null;
}

/** An answer of the engine, or its refusal in its own words. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const told: unknown = error instanceof Error ? Reflect.get(error, 'json') : null;
    const own: unknown = typeof told === 'object' && told !== null ? Reflect.get(told, 'message') : null;
    const words = typeof own === 'string' ? own : error instanceof Error ? withoutCode(error.message) : String(error);
    throw new ProviderError(words, { cause: error });
  }
}

/** dockerode puts the code and its own word for it before what the engine said. */
function withoutCode(message: string): string {
  return message.replace(/^\(HTTP code \d+\)[^-]*- /, '').trim();
}
