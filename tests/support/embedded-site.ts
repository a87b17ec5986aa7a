import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Build, type Request, requestSchema } from '@icefall/shared';
import { type Home, homeAt } from '@icefall/site/embedded/home';
import { outcomeOfPush } from '@icefall/site/embedded/progress';
import type { SettingsFile } from '@icefall/site/settings';
import { openPublished, type PublishedEntry, readPublished } from '@icefall/worker/stratum0/published';
import { readPublicKey } from '@icefall/worker/stratum0/trust/keys';
import { field, TestApi } from './api.ts';
import type { TestGround } from './ground.ts';
import { freePorts } from './ports.ts';
import { type Exit, type Outcome, run, TestProcess } from './process.ts';
import { PROGRAMS } from './programs.ts';
import { type Files, TestClone } from './repository.ts';

/** The small release: seconds, where the full one compiles SQLite on every platform. */
export const SMALL: SettingsFile = { variants: ['base_v1.0.0'], nightlyVariant: 'base_v1.0.0' };
/** Repository that software is published in. */
const SOFTWARE = 'software.icefall.example';
/** The full release compiles for more than half a minute; a loaded machine needs several. */
const BUILD_LIMIT_MS = 230_000;

export interface EmbeddedOptions {
  /** Of the home's `settings.local.json`. */
  readonly settings?: SettingsFile;
  readonly env?: Readonly<Record<string, string>>;
}

/** The whole embedded site, as `npm start` brings it up, in a home on its ground. */
export class EmbeddedSite {
  readonly home: Home;
  readonly api: TestApi;
  /** The clone of the build scripts that a person works in. */
  readonly scripts: TestClone;
  readonly #ground: TestGround;
  readonly #ports: readonly number[];
  #settings: SettingsFile = {};
  #process: TestProcess | null = null;

  private constructor(ground: TestGround, ports: readonly number[]) {
    this.#ground = ground;
    this.#ports = ports;
    this.home = homeAt(ground.path('home'));
    this.scripts = new TestClone(this.home.scripts);
    this.api = new TestApi(`http://127.0.0.1:${ports[0]}`);
  }

  /** Starts it, and waits for the end of its first push. */
  static async start(ground: TestGround, options: EmbeddedOptions = {}): Promise<EmbeddedSite> {
    const site = new EmbeddedSite(ground, await freePorts(4));
    await site.startAgain(options);
    return site;
  }

  /** Starts it on its home, and waits until it invites to push. */
  async startAgain({ settings = {}, env = {} }: EmbeddedOptions = {}): Promise<void> {
    mkdirSync(this.home.directory, { recursive: true });
    writeFileSync(this.home.localSettings, JSON.stringify(settings));
    this.#settings = settings;
    const command = [...PROGRAMS.embedded, '--home', this.home.directory, ...this.portOptions()];
    this.#process = TestProcess.start(this.#ground, { name: 'npm start', command, env });
    await this.#process.wrote(/^Stop {2,}Ctrl-C/m, BUILD_LIMIT_MS);
  }

  /** `npm start -- --once`, with the settings of the last start. */
  runOnce(): Promise<Outcome> {
    const command = [...PROGRAMS.embedded, '--once', '--home', this.home.directory, ...this.portOptions()];
    return run(this.#ground, { name: 'npm start -- --once', command }, BUILD_LIMIT_MS);
  }

  /** The command line that names its ports. */
  portOptions(): string[] {
    const names = ['--port', '--worker-port', '--stratum0-port', '--rsync-port'];
    return names.flatMap((name, i) => [name, String(this.#ports[i])]);
  }

  get process(): TestProcess {
    if (this.#process === null) throw new Error('the site was not started');
    return this.#process;
  }

  /** Ctrl-C. */
  interrupt(): Promise<Exit> {
    this.process.interrupt();
    return this.process.endedWithin();
  }

  /** Commits, pushes, and waits for the end of everything that it starts; gives all builds, parents first. */
  async push(files: Files, message?: string): Promise<{ revision: string; builds: Build[] }> {
    const revision = this.scripts.push(files, message);
    return { revision, builds: await this.pushed(revision) };
  }

  pushed(revision: string): Promise<Build[]> {
    const expected = this.#settings.variants?.length ?? 2;
    return this.api.waitFor(
      `the end of push ${revision.slice(0, 10)}`,
      async () => {
        const outcome = outcomeOfPush(await this.api.snapshot(), revision, expected);
        return outcome === null ? null : [...outcome.builds];
      },
      BUILD_LIMIT_MS,
    );
  }

  /** Waits until nothing runs and nothing waits. */
  async idle(): Promise<void> {
    await this.api.waitFor('the site to be idle', async () => {
      const { status } = await this.api.snapshot();
      return status.runningBuilds === 0 && status.pendingRequests === 0 ? true : null;
    });
  }

  /** Address of the served repository. */
  get published(): string {
    return `http://127.0.0.1:${this.#ports[2]}/cvmfs/${SOFTWARE}`;
  }

  /** The shared tree that the platforms build into. */
  get tree(): string {
    return join(this.home.tree, SOFTWARE);
  }

  /** The tree on the stratum 0 that a transaction changes. */
  get mount(): string {
    return join(this.home.stratum0, 'mount', SOFTWARE);
  }

  /** What is served now, read over HTTP and verified from the manifest down, by path. */
  async readPublished(): Promise<Map<string, PublishedEntry>> {
    const entries = new Map<string, PublishedEntry>();
    for await (const entry of readPublished(this.published, await this.#publicKey())) entries.set(entry.path, entry);
    return entries;
  }

  /** What the verified manifest says. */
  async manifest() {
    return (await openPublished(this.published, await this.#publicKey())).manifest;
  }

  /** The whitelist as it is served. */
  async whitelist(): Promise<string> {
    const response = await fetch(`${this.published}/.cvmfswhitelist`);
    return Buffer.from(await response.arrayBuffer()).toString('latin1');
  }

  #publicKey() {
    return readPublicKey(join(this.home.stratum0, 'keys', `${SOFTWARE}.pub`));
  }

  /** Requests that wait now. */
  waiting(): Promise<Request[]> {
    return this.api.get('/requests?state=pending', field('requests', requestSchema.array()));
  }
}
