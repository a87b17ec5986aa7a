import {
  builder,
  computed,
  factory,
  forceScheduler,
  interpolate,
  nightlyScheduler,
  prop,
  type Renderable,
  type Result,
  type StepDeclaration,
  shell,
  textField,
  triggerableScheduler,
} from '@icefall/master/config';
import { publishing, sharedTree } from './locks.ts';
import type { Part } from './parts.ts';
import { settings } from './settings.ts';
import { stratum0Worker } from './workers.ts';

const { commands, paths, repositories, clock } = settings;
const isSound = (result: Result) => result === 'SUCCESS' || result === 'WARNINGS';
const passed = computed((build) => isSound(build.resultSoFar));
const failed = computed((build) => !isSound(build.resultSoFar));
const whenSkipped = (result: Result) => result === 'SKIPPED';
/**
 * The owner is recorded by the stratum 0, so that a transaction that is left open tells whose it was. The fence is the
 * number under which the master has granted the locks: it rises, so what a build does that has lost them shows.
 */
const OWNER = {
  ICEFALL_STRATUM0_OWNER: computed((build) => `${build.builder} #${build.buildNumber}`),
  ICEFALL_FENCE: prop('lock_fence', ''),
};

/**
 * The steps of a publish: transaction, rsync into the repository, publish; and abort if anything failed, also when the
 * build was stopped. None of them is ever started twice by itself. The builder must hold `cvmfs_publish`: an abort
 * discards whatever transaction is open, be it one that a crash left there.
 */
function publishFrom(repository: string, source: Renderable<string>, target: Renderable<string>): StepDeclaration[] {
  const env = OWNER;
  return [
    shell({
      name: 'transaction',
      command: [...commands.server, 'transaction', repository],
      env,
      haltOnFailure: true,
      retryable: false,
    }),
    shell({
      name: 'rsync',
      command: [...commands.rsync, '-ai', '--delete', source, target],
      idleTimeout: '2h',
      doStepIf: passed,
      hideStepIf: whenSkipped,
      haltOnFailure: true,
      retryable: false,
    }),
    shell({
      name: 'publish',
      command: [...commands.server, 'publish', repository],
      env,
      idleTimeout: '2h',
      doStepIf: passed,
      hideStepIf: whenSkipped,
      haltOnFailure: true,
      retryable: false,
    }),
    shell({
      name: 'abort',
      command: [...commands.server, 'abort', '-f', repository],
      env,
      alwaysRun: true,
      doStepIf: failed,
      hideStepIf: whenSkipped,
      retryable: false,
    }),
  ];
}

/** Makes the target, with the directories above it: rsync makes only the last one. */
function targetOf(repository: string, path: Renderable<string>): StepDeclaration {
  return shell({
    name: 'mkdir',
    command: ['mkdir', '-p', interpolate`${paths.mount}/${repository}/${path}`],
    doStepIf: passed,
    hideStepIf: true,
    haltOnFailure: true,
    retryable: false,
  });
}

/** Publishes the path in the property `path` of one repository; others trigger it. */
function publisher({ name, publisher: builderName }: { name: string; publisher: string }): Part {
  const [transaction, ...rest] = publishFrom(
    name,
    interpolate`${paths.source}/${name}/${prop('path')}/`,
    interpolate`${paths.mount}/${name}/${prop('path')}/`,
  );
  const publish = builder({
    name: builderName,
    group: 'stratum 0',
    description: `Publishes a path of the shared tree in ${name}`,
    workers: [stratum0Worker],
    locks: [sharedTree.exclusive(), publishing.exclusive()],
    collapseRequests: true,
    factory: factory([transaction === undefined ? [] : [transaction], targetOf(name, prop('path')), rest]),
  });
  const entry = triggerableScheduler({ name: builderName, builders: [publish], reason: 'publish' });
  const force = forceScheduler({
    name: `force_${builderName}`,
    label: `Publish a path of ${name} again`,
    builders: [publish],
    fields: [textField({ name: 'path', required: true, pattern: '(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9._/-]*' })],
  });
  return { name: builderName, builders: [publish], schedulers: [entry, force], entry };
}

export const publishSoftware = publisher(repositories.software);
export const publishAra = publisher(repositories.ara);

/** The users' own space, fetched from their server and published every hour. */
function userSpace(): Part {
  const repository = repositories.software.name;
  const rsync = builder({
    name: 'user_rsync',
    group: 'stratum 0',
    description: `Publishes the users' space in ${repository}/users`,
    workers: [stratum0Worker],
    locks: [publishing.exclusive()],
    collapseRequests: true,
    factory: factory(publishFrom(repository, settings.users, `${paths.mount}/${repository}/users/`)),
  });
  return {
    name: 'user_rsync',
    builders: [rsync],
    schedulers: [
      nightlyScheduler({
        name: 'user_rsync_hourly',
        builders: [rsync],
        cron: clock.users,
        missed: 'skip',
        reason: 'hourly',
      }),
      forceScheduler({ name: 'force_user_rsync', label: "Publish the users' space now", builders: [rsync] }),
    ],
  };
}

/** Renews one repository's whitelist: signed here, or fetched from the authority and put in place whole. */
function renewWhitelist(repository: string): StepDeclaration {
  const name = `whitelist ${repository}`;
  if (settings.whitelistAuthority === null) return shell({ name, command: [...commands.server, 'resign', repository] });
  const target = `${paths.served}/${repository}/.cvmfswhitelist`;
  const url = `${settings.whitelistAuthority}/${repository}/.cvmfswhitelist`;
  return shell({
    name,
    command: ['sh', '-c', 'wget -nv -O "$1.new" "$2" && test -s "$1.new" && mv "$1.new" "$1"', 'sh', target, url],
  });
}

function whitelist(): Part {
  const renew = builder({
    name: 'whitelist',
    group: 'stratum 0',
    description: 'Renews the signed whitelist of every repository',
    workers: [stratum0Worker],
    locks: [publishing.exclusive()],
    collapseRequests: true,
    factory: factory(Object.values(repositories).map(({ name }) => renewWhitelist(name))),
  });
  return {
    name: 'whitelist',
    builders: [renew],
    schedulers: [
      nightlyScheduler({ name: 'whitelist_daily', builders: [renew], cron: clock.whitelist, reason: 'daily' }),
      forceScheduler({ name: 'force_whitelist', label: 'Renew the whitelists now', builders: [renew] }),
    ],
  };
}

function backup(): Part {
  const copy = builder({
    name: 'backup',
    group: 'stratum 0',
    description: 'Copies the shared tree to the backup server',
    workers: [stratum0Worker],
    locks: [sharedTree.exclusive()],
    collapseRequests: true,
    factory: factory([
      shell({
        name: 'backup',
        command: ['rsync', '-a', '--delete', `${paths.source}/`, settings.backup],
        idleTimeout: '4h',
      }),
    ]),
  });
  return {
    name: 'backup',
    builders: [copy],
    schedulers: [
      nightlyScheduler({ name: 'backup_monthly', builders: [copy], cron: clock.backup, reason: 'monthly' }),
      forceScheduler({ name: 'force_backup', label: 'Back the shared tree up now', builders: [copy] }),
    ],
  };
}

export const stratum0Parts: readonly Part[] = [
  { ...publishSoftware, workers: [stratum0Worker] },
  publishAra,
  userSpace(),
  whitelist(),
  backup(),
];
