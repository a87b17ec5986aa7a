import {
  type BuilderDeclaration,
  booleanField,
  builder,
  computed,
  factory,
  fixedField,
  forceScheduler,
  git,
  gitPoller,
  interpolate,
  makeDirectory,
  nightlyScheduler,
  prop,
  type SchedulerDeclaration,
  shell,
  singleBranchScheduler,
  textField,
  triggerableScheduler,
  webhook,
} from '@icefall/master/config';
import { cpu, sharedTree } from './locks.ts';
import { type Need, type Part, triggerNeeds } from './parts.ts';
import { settings } from './settings.ts';
import { publishAra, publishSoftware } from './stratum0.ts';
import { checkoutPlatform, platforms } from './workers.ts';

const { scripts, repositories, paths, clock } = settings;
const software = repositories.software.name;
const ara = repositories.ara.name;

/** Builds that no push started are of this source. */
const codebases = { '': { repository: scripts.repository, branch: scripts.branch } };
const checkoutScripts = git({ name: 'git', mode: 'full', method: 'clobber' });
const env = { CPUS: prop('CPUS', '1'), PLATFORM: prop('platform'), ...settings.environment };

/** The folder of a variant below the repository: `py2_v3.1.1_metaproject` is in `py2-v3.1.1`. */
export function variantPath(variant: string): string {
  return variant.replace(/_metaproject$/, '').replace('_', '-');
}

/** The build script's command line. `svnonly` only brings the sources into the tree; else it builds from there. */
function buildCommand(script: string) {
  return [
    script,
    '--src',
    software,
    '--dest',
    `${paths.tree}/${software}`,
    '--variant',
    prop('variant'),
    computed(({ properties }) =>
      properties.svnonly?.value === true ? ['--svnup', 'True', '--svnonly', 'True'] : ['--svnup', 'False'],
    ),
    computed(({ properties }) => (properties.nightly?.value === true ? ['--nightly'] : [])),
  ];
}

/** The two ways to lay software out: everything of a release in one prefix, or Spack's. */
interface Kind {
  /** Ends the names of builders and schedulers. */
  readonly suffix: '' | '_spack';
  readonly script: string;
  readonly platforms: typeof platforms;
  readonly nightly: string;
  readonly pushed: boolean;
  /** Path that is published, of a variant's path. */
  readonly published: (path: string) => string;
}
const plain: Kind = {
  suffix: '',
  script: 'builders/build.sh',
  platforms,
  nightly: clock.nightly,
  pushed: true,
  published: (path) => path,
};
const spack: Kind = {
  suffix: '_spack',
  script: 'spack/build.sh',
  platforms: platforms.filter((platform) => platform.spack),
  nightly: clock.nightlySpack,
  pushed: false,
  published: (path) => `spack/${path}`,
};

/** One builder for each platform, all started together. */
function platformBuilds(kind: Kind): Part {
  const builders = kind.platforms.map((platform) =>
    builder({
      name: `${platform.name}_builder${kind.suffix}`,
      group: `platforms${kind.suffix.replace('_', ', ')}`,
      description: `Builds the software on ${platform.title}`,
      tags: ['platform'],
      workers: [platform.worker],
      env,
      factory: factory([
        checkoutScripts,
        shell({
          name: 'build',
          command: buildCommand(kind.script),
          locks: [sharedTree.counting()],
          idleTimeout: '4h',
          haltOnFailure: true,
        }),
      ]),
    }),
  );
  const entry = triggerableScheduler({ name: `platforms${kind.suffix}`, builders, codebases, reason: 'all platforms' });
  return {
    name: `platforms${kind.suffix}`,
    workers: platforms.map(({ worker }) => worker),
    builders,
    schedulers: [entry],
    entry,
  };
}

/** The beginning of every release: sources into the tree, builds on all platforms, publish. */
function checkout(kind: Kind, needs: readonly Need[]): Part {
  const check = builder({
    name: `checkout${kind.suffix}`,
    group: 'release',
    description: 'Checks a release out, builds it on every platform and publishes it',
    workers: [checkoutPlatform.worker],
    env,
    factory: factory([
      checkoutScripts,
      shell({
        name: 'checkout',
        command: buildCommand(kind.script),
        locks: [sharedTree.exclusive()],
        idleTimeout: '4h',
        doStepIf: computed(({ properties }) => String(properties.variant?.value).endsWith('_metaproject')),
        haltOnFailure: true,
      }),
      triggerNeeds(needs),
    ]),
  });
  return { name: `checkout${kind.suffix}`, builders: [check], schedulers: releaseSchedulers(kind, check) };
}

/** What starts a release: a push, a person, the night. */
function releaseSchedulers(kind: Kind, check: BuilderDeclaration): SchedulerDeclaration[] {
  const release = (variant: string, nightly: boolean) => ({ variant, nightly, svnonly: true });
  const onPush = settings.variants.map((variant) =>
    singleBranchScheduler({
      name: `push_${variant}`,
      builders: [check],
      changes: { branch: scripts.branch, repository: scripts.repository },
      codebases,
      properties: release(variant, false),
    }),
  );
  const force = forceScheduler({
    name: `force${kind.suffix}`,
    label: `Build and publish a release${kind === spack ? ' with Spack' : ''}`,
    builders: [check],
    codebases,
    fields: [
      textField({
        name: 'variant',
        label: 'Variant',
        required: true,
        pattern: '[A-Za-z0-9][A-Za-z0-9._-]*',
        default: settings.nightlyVariant,
      }),
      booleanField({ name: 'nightly', label: 'Build everything anew' }),
      fixedField({ name: 'svnonly', value: true }),
    ],
  });
  const nightly = nightlyScheduler({
    name: `nightly${kind.suffix}`,
    builders: [check],
    codebases,
    cron: kind.nightly,
    properties: release(settings.nightlyVariant, true),
  });
  return [...(kind.pushed ? onPush : []), force, nightly];
}

/** ARA's software: into a tree of its own, from a template, on one platform; published in a repository of its own. */
function araSoftware(needs: readonly Need[]): Part {
  const dest = interpolate`${paths.tree}/${ara}/${prop('variant')}`;
  const build = builder({
    name: 'ara_builder',
    group: 'release',
    description: 'Builds and publishes the ARA software',
    workers: [checkoutPlatform.worker],
    properties: { os: checkoutPlatform.name },
    env: { ...env, PLATFORM: prop('os') },
    factory: factory([
      checkoutScripts,
      makeDirectory({ name: 'mkdir', path: dest, locks: [sharedTree.exclusive()] }),
      shell({
        name: 'template',
        command: ['rsync', '-a', 'ara/template/', interpolate`${dest}/`],
        locks: [sharedTree.exclusive()],
        haltOnFailure: true,
      }),
      shell({
        name: 'build',
        command: ['ara/build.sh', '--dest', dest, '--make_arg', interpolate`-j${prop('CPUS', '1')}`],
        locks: [sharedTree.counting(), cpu.counting()],
        idleTimeout: '4h',
        haltOnFailure: true,
      }),
      triggerNeeds(needs),
    ]),
  });
  const force = forceScheduler({
    name: 'force_ara',
    label: 'Build and publish the ARA software',
    builders: [build],
    codebases,
    fields: [textField({ name: 'variant', required: true, pattern: '[A-Za-z0-9][A-Za-z0-9._-]*', default: 'v1.0' })],
  });
  return { name: 'ara', builders: [build], schedulers: [force] };
}

/** What a release's builds are given: the variant to build, not to check out. */
const release = { variant: prop('variant'), nightly: prop('nightly', false), svnonly: false };
const releaseParts = [plain, spack]
  .filter((kind) => kind.platforms.length > 0)
  .flatMap((kind) => {
    const builds = platformBuilds(kind);
    const path = computed(({ properties }) => kind.published(variantPath(String(properties.variant?.value))));
    return [
      checkout(kind, [
        { part: builds, properties: release },
        { part: publishSoftware, properties: { path } },
      ]),
      builds,
    ];
  });

/** Pushes to the build scripts: told by hooks, and asked for in case a hook got lost. */
const changeSources = [
  ...Object.entries(scripts.webhooks).map(([host, secret]) =>
    webhook(host === 'github' ? 'github' : host === 'gitlab' ? 'gitlab' : 'gitea', { secrets: [{ env: secret }] }),
  ),
  ...(scripts.poll === null
    ? []
    : [
        gitPoller({
          name: 'build-scripts',
          repository: scripts.repository,
          branches: [scripts.branch],
          every: scripts.poll,
        }),
      ]),
];

export const softwareParts: readonly Part[] = [
  { name: 'sources', builders: [], schedulers: [], changeSources },
  ...releaseParts,
  araSoftware([{ part: publishAra, properties: { path: prop('variant') } }]),
];
