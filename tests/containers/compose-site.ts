import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ComposeFile, Service } from '@icefall/docker/compose';
import { INIT } from '@icefall/docker/dockerfile';
import type { Image } from '@icefall/docker/image';
import { POLICY } from '@icefall/docker/policy';
import type { TestGround } from '../support/ground.ts';
import { type Exit, TestProcess } from '../support/process.ts';
import { endProcessesOf, processesOf } from '../support/process-table.ts';
import { buildah, CONTAINER_PREFIX } from './buildah.ts';

const COMPOSE_FOLDER = resolve(import.meta.dirname, '..', '..', 'docker');

const SETTINGS = 'laptop.settings.json';

/**
 * The services of a compose file, each in a container of its image on this machine's loopback, without an engine: image,
 * user, command, environment and volumes are as the file says; limits, capabilities and read-only roots are not tried.
 */
export class ComposeSite {
  readonly #ground: TestGround;
  readonly #file: ComposeFile;
  readonly #images: ReadonlyMap<string, Image>;
  readonly #references: ReadonlyMap<string, string>;
  readonly #running = new Map<string, TestProcess>();

  /**
   * `references`: names in the local storage, of images that have others in the file; `settings`: what differs from the
   * laptop's.
   */
  constructor(
    ground: TestGround,
    file: ComposeFile,
    images: ReadonlyMap<string, Image>,
    references: ReadonlyMap<string, string> = new Map(),
    settings: object = {},
  ) {
    this.#references = references;
    const laptop = JSON.parse(readFileSync(join(COMPOSE_FOLDER, SETTINGS), 'utf8'));
    writeFileSync(ground.path(SETTINGS), JSON.stringify({ ...laptop, ...settings }));
    chmodSync(ground.path(SETTINGS), 0o644);
    this.#ground = ground;
    this.#file = file;
    this.#images = images;
    for (const name of Object.keys(file.volumes)) {
      mkdirSync(this.volume(name), { recursive: true });
      // As an engine does: a new volume is as the folder of the image that it is mounted on.
      chownSync(this.volume(name), POLICY.user.uid, POLICY.user.uid);
    }
  }

  /** Where a volume is on this machine. */
  volume(name: string): string {
    return this.#ground.path('volumes', name);
  }

  /** Makes a container of a service and runs it. */
  start(name: string): TestProcess {
    const { service, image } = this.#service(name);
    const container = this.#container(name);
    // What was there before is gone, as with `docker compose rm`.
    spawnSync('buildah', ['rm', container], { stdio: 'ignore' });
    buildah('from', '--pull-never', '--name', container, this.#references.get(service.image) ?? service.image);
    this.#ground.atEnd(() => spawnSync('buildah', ['rm', container], { stdio: 'ignore' }));
    const production = image.stages.find((stage) => stage.name === 'production');
    const entrypoint = service.entrypoint ?? [...INIT, ...(production?.entrypoint ?? [])];
    // As with an engine: another entry point has nothing of the image's command.
    const usual = service.entrypoint === undefined ? (production?.command ?? []) : [];
    const started = TestProcess.start(this.#ground, {
      name,
      command: ['buildah', ...this.#run(name), ...entrypoint, ...(service.command ?? usual)],
    });
    this.#running.set(name, started);
    return started;
  }

  /** Starts a service that does something once, and waits for its end. */
  async once(name: string): Promise<void> {
    const service = this.start(name);
    const { code } = await service.endedWithin();
    if (code !== 0) throw new Error(`${name} ended with ${code}:\n${service.stdout}\n${service.stderr}`);
  }

  /** Runs a command in the container of a service that runs; gives what it printed. */
  exec(name: string, ...command: readonly string[]): string {
    return buildah(...this.#run(name), ...command);
  }

  /** Whether the health check of a service's image says that it is well. */
  isHealthy(name: string): boolean {
    const { service, image } = this.#service(name);
    const check =
      service.healthcheck?.test.slice(1) ?? image.stages.find((stage) => stage.name === 'production')?.health ?? [];
    return spawnSync('buildah', [...this.#run(name), ...check], { stdio: 'ignore' }).status === 0;
  }

  /** What the container writes. */
  output(name: string): string {
    const running = this.#running.get(name);
    return `${running?.stdout ?? ''}${running?.stderr ?? ''}`;
  }

  /** `kill -9` of everything in the container, as when its node goes. */
  async kill(name: string): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) throw new Error(`${name} does not run`);
    endProcessesOf(this.#mark(name));
    await running.ended;
  }

  /** TERM to the init of the container, as an engine sends it; how it ended. Throws if it does not in time. */
  async stop(name: string, limitMs: number): Promise<Exit> {
    const running = this.#running.get(name);
    const init = processesOf(this.#mark(name)).find(({ command }) => command.startsWith(INIT.join(' ')));
    if (running === undefined || init === undefined) throw new Error(`${name} does not run`);
    process.kill(init.pid, 'SIGTERM');
    return running.endedWithin(limitMs);
  }

  /** In the environment of everything in a container: there is no other way to tell whose a process is. */
  #mark(name: string): string {
    return this.#ground.path('containers', name, 'mark');
  }

  #run(name: string): string[] {
    const { service } = this.#service(name);
    const environment = Object.entries(service.environment ?? {}).map(([key, value]) => [key, this.#here(value)]);
    return [
      ...['run', '--isolation', 'chroot', '--network', 'host'],
      ...(service.user === undefined ? [] : ['--user', service.user]),
      ...['--env', `ICEFALL_TEST_CONTAINER=${this.#mark(name)}`],
      ...environment.flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      ...service.volumes.flatMap((volume) => ['--volume', this.#mount(volume)]),
      ...[this.#container(name), '--'],
    ];
  }

  /** Services find each other by name; here all of them are on loopback. */
  #here(value: string): string {
    return value.replace(/\/\/[a-z0-9-]+:/, '//127.0.0.1:');
  }

  #mount(volume: string): string {
    const [source = '', ...rest] = volume.split(':');
    const from = source.startsWith('./') ? this.#ground.path(source) : this.volume(source);
    return [from, ...rest].join(':');
  }

  #container(name: string): string {
    return `${CONTAINER_PREFIX}${name}`;
  }

  #service(name: string): { service: Service; image: Image } {
    const service = this.#file.services[name];
    const image = this.#images.get(service?.image ?? '');
    if (service === undefined || image === undefined) throw new Error(`the compose file has no service ${name}`);
    return { service, image };
  }
}
