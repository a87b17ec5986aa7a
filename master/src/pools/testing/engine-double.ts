import { join } from 'node:path';
import { type Answer, type Asked, serveDouble, temporaryFolder } from './http-double.ts';

export interface FakeContainer {
  readonly Id: string;
  readonly Labels: Readonly<Record<string, string>>;
  State: string;
  Status: string;
  /** Seconds. */
  readonly Created: number;
  /** What it was made of. */
  readonly asked: Readonly<Record<string, unknown>>;
}

/**
 * A double of an engine's API of containers, on a socket, as the Docker Engine API reference describes it: what
 * {@link DockerContainers} uses of it, anything else is refused.
 */
export class EngineDouble {
  readonly socket: string;
  readonly containers: FakeContainer[] = [];
  readonly images = ['agent:1'];
  readonly pulls: string[] = [];
  /** What a start is answered with; null: it starts. */
  startFails: string | null = null;

  private constructor(socket: string) {
    this.socket = socket;
  }

  static async start(): Promise<EngineDouble> {
    const double = new EngineDouble(join(temporaryFolder(), 'engine.sock'));
    await serveDouble((asked) => double.#answer(asked), double.socket);
    return double;
  }

  #answer({ method, url, body }: Asked): Answer {
    const path = url.pathname.replace(/^\/v[\d.]+/, '');
    if (path === '/containers/json') return this.#list(url.searchParams);
    if (path === '/containers/create') return this.#create(Object(body));
    if (path === '/images/create') return this.#pull(url.searchParams);
    const [, id = '', action] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const container = this.containers.find(({ Id }) => Id === id);
    if (container === undefined) return refused(404, `No such container: ${id}`);
    if (method === 'POST' && action === 'start') return this.#start(container);
    if (method !== 'DELETE') return refused(404, 'page not found');
    // Without `v` the volumes that its image asks for would stay for ever.
    if (!isTrue(url.searchParams, 'v') || !isTrue(url.searchParams, 'force'))
      return refused(409, `the double removes only by force, with volumes: ${url.search}`);
    this.containers.splice(this.containers.indexOf(container), 1);
    return { status: 204, body: '' };
  }

  #list(query: URLSearchParams): Answer {
    const { label = [] } = JSON.parse(query.get('filters') ?? '{}') as { label?: string[] };
    const isWanted = ({ Labels }: FakeContainer) =>
      label.every((pair) => Labels[pair.split('=')[0] ?? ''] === pair.split('=')[1]);
    return { status: 200, body: this.containers.filter(isWanted) };
  }

  #create(asked: FakeContainer['asked'] & { Image: string; Labels: Record<string, string> }): Answer {
    if (!this.images.includes(asked.Image)) return refused(404, `No such image: ${asked.Image}`);
    const Id = `c${this.containers.length + 1}`;
    this.containers.push({ Id, Labels: asked.Labels, State: 'created', Status: 'Created', Created: 1000, asked });
    return { status: 201, body: { Id, Warnings: [] } };
  }

  #pull(query: URLSearchParams): Answer {
    const image = query.get('fromImage') ?? '';
    this.pulls.push(image);
    if (image.startsWith('none')) return refused(404, `pull access denied for ${image}`);
    this.images.push(`${image}:${query.get('tag') ?? 'latest'}`);
    return { status: 200, body: { status: 'Download complete' } };
  }

  #start(container: FakeContainer): Answer {
    if (this.startFails !== null) return refused(500, this.startFails);
    container.State = 'running';
    return { status: 204, body: '' };
  }
}

/** As the engine reads what is to be true. */
function isTrue(query: URLSearchParams, name: string): boolean {
  return ['1', 'true'].includes(query.get(name) ?? '');
}

function refused(status: number, message: string): Answer {
  return { status, body: { message } };
}
