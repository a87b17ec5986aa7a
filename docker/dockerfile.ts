import { type Copy, type Image, INIT_STAGE, type Stage } from './image.ts';
import { POLICY } from './policy.ts';

/** Labels that say what a container of the image needs; limits are made from them. */
export const NEED_LABELS = { cpus: 'icefall.cpus', memoryMb: 'icefall.memory-mb', gpus: 'icefall.gpus' } as const;

/** What every entry point runs under. */
export const INIT: readonly string[] = [POLICY.init.target, ...POLICY.init.options];

/** Where a Dockerfile comes from, as its first lines say. */
export interface Origin {
  readonly source: string;
  readonly command: string;
  /** Of the Dockerfile, where it is built. */
  readonly path: string;
}

/**
 * The Dockerfile of an image: a stage each, and in each first what changes seldom (packages, dependencies), then sources.
 * The first one carries the policy's init, which every stage that runs something gets.
 */
export function renderDockerfile(image: Image, origin: Origin = ownOrigin(image)): string {
  const head = [
    `# ${image.title}. Rendered from ${origin.source} by "${origin.command}"; edit it there.`,
    `# docker build -f ${origin.path} --target production .`,
  ];
  const init = [`FROM ${POLICY.init.on} AS ${INIT_STAGE}`, ...packages('apt', POLICY.init.packages)];
  const stages = [head, init, ...image.stages.map((stage) => renderStage(image, stage))];
  return `${stages.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Of the project's own images; their context is its folder. */
function ownOrigin({ name }: Image): Origin {
  return { source: 'docker/', command: 'icefall images render', path: `docker/dockerfiles/${name}.Dockerfile` };
}

function renderStage(image: Image, stage: Stage): string[] {
  return [
    `FROM ${stage.on} AS ${stage.name}`,
    ...packages(stage.family ?? image.family, stage.packages),
    ...directories(image, stage),
    ...(stage.workdir === undefined ? [] : [`WORKDIR ${stage.workdir}`]),
    ...(stage.dependencies === undefined
      ? []
      : [...stage.dependencies.copies.map(copy), `RUN ${stage.dependencies.run}`]),
    ...stage.copies.map(copy),
    ...stage.run.map((command) => `RUN ${command}`),
    ...Object.entries(stage.environment).map(([name, value]) => `ENV ${name}=${JSON.stringify(value)}`),
    ...runtime(image, stage),
  ];
}

function packages(family: Image['family'], names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const list = [...names].sort().map((name) => `    ${name} \\`);
  return family === 'apt'
    ? [
        `RUN printf 'path-exclude=%s\\n' ${quoted(POLICY.notUnpacked)} > ${PATH_FILTER} \\`,
        ` && printf 'path-include=%s\\n' ${quoted(POLICY.unpacked)} >> ${PATH_FILTER} \\`,
        ' && export DEBIAN_FRONTEND=noninteractive && apt-get update -q \\',
        ' && apt-get install -q -y --no-install-recommends \\',
        ...list,
        ' && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log',
      ]
    : [
        'RUN dnf install -q -y --nodocs --setopt=install_weak_deps=False \\',
        ...list,
        ' && dnf clean all && rm -rf /var/cache/dnf /var/log/dnf*',
      ];
}

/** Where dpkg reads what it is not to unpack; the last of its lines that fits a path counts. */
const PATH_FILTER = '/etc/dpkg/dpkg.cfg.d/not-unpacked';

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}

/** The user comes with the first directories that it owns. */
function directories({ user, stages }: Image, stage: Stage): string[] {
  if (stage.directories.length === 0) return [];
  const isFirst = stages.find((other) => other.directories.length > 0) === stage;
  const make = `install -d -o ${user.name} -g ${user.name} ${stage.directories.join(' ')}`;
  if (!isFirst) return [`RUN ${make}`];
  return [
    `RUN groupadd --gid ${user.uid} ${user.name} \\`,
    ` && useradd --uid ${user.uid} --gid ${user.uid} --create-home --shell /bin/sh ${user.name} \\`,
    ` && ${make}`,
  ];
}

function copy({ from, source, target }: Copy): string {
  return `COPY ${from === undefined ? '' : `--from=${from} `}${source.join(' ')} ${target}`;
}

function runtime(image: Image, stage: Stage): string[] {
  if (stage.entrypoint === undefined) return [];
  const { program, target } = POLICY.init;
  return [
    copy({ from: INIT_STAGE, source: [program], target }),
    ...labels(image),
    ...stage.ports.map((port) => `EXPOSE ${port}`),
    // By number: only so can a cluster tell that it is not root.
    ...(stage.rootBecause === undefined
      ? [`USER ${image.user.uid}:${image.user.uid}`]
      : [`# Root: ${stage.rootBecause}`, 'USER 0:0']),
    'STOPSIGNAL SIGTERM',
    ...(stage.health === undefined
      ? []
      : [`HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ${JSON.stringify(stage.health)}`]),
    `ENTRYPOINT ${JSON.stringify([...INIT, ...stage.entrypoint])}`,
    ...(stage.command.length === 0 ? [] : [`CMD ${JSON.stringify(stage.command)}`]),
  ];
}

function labels({ title, needs, stages }: Image): string[] {
  const base = stages.find(({ name }) => name === 'base')?.on ?? '';
  const values: [string, string | number][] = [
    ['org.opencontainers.image.title', title],
    ['org.opencontainers.image.version', POLICY.version],
    ['org.opencontainers.image.source', POLICY.source],
    ['org.opencontainers.image.licenses', POLICY.licences],
    ...(base.includes('/') ? [['org.opencontainers.image.base.name', base] as [string, string]] : []),
    [NEED_LABELS.cpus, needs.cpus],
    [NEED_LABELS.memoryMb, needs.memoryMb],
    [NEED_LABELS.gpus, needs.gpus],
  ];
  return values.map(
    ([name, value], i) =>
      `${i === 0 ? 'LABEL' : '     '} ${name}=${JSON.stringify(String(value))}${i === values.length - 1 ? '' : ' \\'}`,
  );
}
