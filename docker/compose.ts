import { stringify } from 'yaml';
import { type Image, imageName } from './image.ts';
import { masterImage } from './images/master.ts';
import { PROJECT, STATE } from './images/parts.ts';
import { SOURCE, STRATUM0, stratum0Image } from './images/stratum0.ts';
import { TREE, workerImage } from './images/worker.ts';
import type { Platform } from './platforms.ts';

/** What a laptop runs unless it is asked for more: three releases, with three compilers and three C libraries. */
export const LAPTOP_PLATFORMS: readonly string[] = ['debian11', 'debian12', 'debian13'];

const SITE = '/site';
const TOKENS = '/run/icefall/tokens';
const SETTINGS = '/etc/icefall/settings.json';
const REPOSITORIES = ['software.icefall.example', 'ara.icefall.example'];

/** Of the shipped site's settings: where the images have things, with the embedded publisher. */
export const EMBEDDED = {
  paths: {
    tree: TREE,
    source: SOURCE,
    mount: `${STRATUM0}/mount`,
    served: `${STRATUM0}/srv`,
    spool: `${STRATUM0}/spool`,
    keys: `${STRATUM0}/keys`,
  },
  commands: { server: ['icefall-stratum0'], rsync: ['rsync'] },
};

/** A service of a compose file, as far as ours use it. */
export interface Service {
  readonly image: string;
  readonly build: { readonly context: string; readonly dockerfile: string; readonly target: string };
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly tmpfs?: readonly string[];
  readonly user?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly security_opt?: readonly string[];
  readonly cap_drop?: readonly string[];
}

export interface ComposeFile {
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, Record<string, never>>>;
}

/** The whole site on one machine, as `docker compose -f docker/compose.yaml up --build` brings it up. */
export function composeFile(platforms: readonly Platform[], chosen: readonly string[]): ComposeFile {
  const here = platforms.filter(({ name }) => chosen.includes(name));
  const workers = [...here.map(({ name }) => name), 'stratum0'];
  const services = {
    setup: setupService(workers),
    master: masterService(),
    ...Object.fromEntries(here.map((platform) => [serviceName(platform.name), workerService(platform)])),
    ...stratum0Services(),
  };
  const named = Object.values(services).flatMap(({ volumes }) =>
    volumes.map((volume) => volume.split(':', 1)[0] ?? ''),
  );
  const volumes = [...new Set(named.filter((name) => !name.startsWith('.')))].sort();
  return { name: 'icefall', services, volumes: Object.fromEntries(volumes.map((name) => [name, {}])) };
}

/** The same as text, with what a reader needs to know. */
export function compose(platforms: readonly Platform[], chosen: readonly string[]): string {
  const head = [
    '# The whole site on one machine. Rendered from docker/ by "icefall images render"; edit it there.',
    '#   docker compose -f docker/compose.yaml up --build        the page: http://localhost:8010',
    '#   docker compose -f docker/compose.yaml exec master icefall force force --wait',
  ];
  return `${head.join('\n')}\n${stringify(composeFile(platforms, chosen), { lineWidth: 120, aliasDuplicateObjects: false })}`;
}

/** What the laptop's site has in other places than the cluster (the shipped site's settings file). */
export function laptopSettings(platforms: readonly Platform[], chosen: readonly string[]) {
  return {
    title: 'Icefall on a laptop',
    url: 'http://localhost:8010',
    timeZone: 'UTC',
    // Its port is published on this machine only.
    access: 'open',
    scripts: { repository: `${SITE}/build-scripts.git`, poll: '10s' },
    platforms: platforms.map(({ name }) => name).filter((name) => chosen.includes(name)),
    worker: { cpus: 2, memoryMb: 2000, tokens: TOKENS },
    environment: { ICEFALL_SOURCES: `${SITE}/sources` },
    ...EMBEDDED,
    users: `${SITE}/rsync/users/`,
    backup: '/tmp/backup/',
    data: [],
  };
}

/** Compose, like DNS, has no dots in names. */
export function serviceName(platform: string): string {
  return `worker-${platform.replaceAll('.', '-')}`;
}

const build = ({ name }: Image) => ({
  context: '..',
  dockerfile: `docker/dockerfiles/${name}.Dockerfile`,
  target: 'production',
});

const HARDENED = {
  restart: 'unless-stopped',
  security_opt: ['no-new-privileges:true'],
  cap_drop: ['ALL'],
} as const;

/** A token is in a volume of its own: a build must not find those of others. */
const tokenVolume = (worker: string) => `token-${worker.replaceAll('.', '-')}`;

function setupService(workers: readonly string[]): Service {
  return {
    image: imageName(masterImage),
    build: build(masterImage),
    entrypoint: ['node', `${PROJECT}/config/embedded/containers.ts`, ...workers],
    // New volumes are root's: it gives them to the site's user, and goes on as that.
    user: 'root',
    volumes: [
      `site:${SITE}`,
      `tokens:${TOKENS}`,
      ...workers.map((name) => `${tokenVolume(name)}:/run/icefall/workers/${name}`),
    ],
    security_opt: HARDENED.security_opt,
  };
}

function masterService(): Service {
  return {
    image: imageName(masterImage),
    build: build(masterImage),
    environment: { ICEFALL_SETTINGS: SETTINGS },
    volumes: [`master:${STATE}`, `site:${SITE}:ro`, `tokens:${TOKENS}:ro`, `./laptop.settings.json:${SETTINGS}:ro`],
    ports: ['127.0.0.1:8010:8010'],
    depends_on: { setup: { condition: 'service_completed_successfully' } },
    stop_grace_period: '30s',
    read_only: true,
    tmpfs: ['/tmp'],
    ...HARDENED,
  };
}

const agentEnvironment = (name: string) => ({ ICEFALL_MASTER: 'ws://master:9989', ICEFALL_WORKER_NAME: name });
const AGENT_ARGUMENTS = ['--dir', STATE, '--token-file', '/run/icefall/token', '--max-delay', '10s'];

function workerService(platform: Platform): Service {
  const image = workerImage(platform);
  return {
    image: imageName(image),
    build: build(image),
    command: AGENT_ARGUMENTS,
    environment: agentEnvironment(platform.name),
    volumes: [
      `work-${platform.name.replaceAll('.', '-')}:${STATE}`,
      `tree:${TREE}`,
      `site:${SITE}:ro`,
      `${tokenVolume(platform.name)}:/run/icefall:ro`,
    ],
    depends_on: { setup: { condition: 'service_completed_successfully' } },
    stop_grace_period: '60s',
    ...HARDENED,
  };
}

function stratum0Services(): Record<string, Service> {
  const common = { image: imageName(stratum0Image), build: build(stratum0Image) };
  return {
    stratum0: {
      ...common,
      command: ['node', `${PROJECT}/worker/src/main.ts`, ...AGENT_ARGUMENTS],
      environment: { ...agentEnvironment('stratum0'), ICEFALL_REPOSITORIES: REPOSITORIES.join(' ') },
      volumes: [
        `work-stratum0:${STATE}`,
        `stratum0:${STRATUM0}`,
        `tree:${SOURCE}:ro`,
        `site:${SITE}:ro`,
        `${tokenVolume('stratum0')}:/run/icefall:ro`,
      ],
      depends_on: { setup: { condition: 'service_completed_successfully' } },
      stop_grace_period: '60s',
      ...HARDENED,
    },
    'stratum0-http': {
      ...common,
      command: ['icefall-stratum0', 'serve', '--host', '0.0.0.0', '--port', '8000'],
      volumes: [`stratum0:${STRATUM0}:ro`],
      ports: ['127.0.0.1:8000:8000'],
      healthcheck: {
        test: [
          'CMD',
          'wget',
          '-q',
          '-O',
          '/dev/null',
          `http://127.0.0.1:8000/cvmfs/${REPOSITORIES[0]}/.cvmfspublished`,
        ],
      },
      read_only: true,
      tmpfs: ['/tmp'],
      ...HARDENED,
    },
  };
}
