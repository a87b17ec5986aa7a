import type { Copy, Image, Stage } from './image.ts';
import { POLICY } from './policy.ts';

/** Labels that say what a container of the image needs; limits are made from them. */
export const NEED_LABELS = { cpus: 'icefall.cpus', memoryMb: 'icefall.memory-mb', gpus: 'icefall.gpus' } as const;

/**
 * The Dockerfile of an image: a stage each, and in each first what changes seldom (packages, dependencies), then sources.
 * Its context is the project's folder.
 */
export function renderDockerfile(image: Image): string {
  const head = [
    `# ${image.title}. Rendered from docker/ by "icefall images render"; edit it there.`,
    `# docker build -f docker/dockerfiles/${image.name}.Dockerfile --target production .`,
  ];
  return `${[head, ...image.stages.map((stage) => renderStage(image, stage))].map((lines) => lines.join('\n')).join('\n\n')}\n`;
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
        'RUN export DEBIAN_FRONTEND=noninteractive && apt-get update -q \\',
        ' && apt-get install -q -y --no-install-recommends \\',
        ...list,
        ' && rm -rf /var/lib/apt/lists/*',
      ]
    : ['RUN dnf install -q -y --setopt=install_weak_deps=False \\', ...list, ' && dnf clean all'];
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
  return [
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
    `ENTRYPOINT ${JSON.stringify([...POLICY.init, ...stage.entrypoint])}`,
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
