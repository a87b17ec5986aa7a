import {
  booleanField,
  builder,
  type CvmfsRepository,
  computed,
  cvmfsGarbageCollect,
  cvmfsRepository,
  cvmfsResign,
  cvmfsRsync,
  cvmfsTransaction,
  factory,
  forceScheduler,
  interpolate,
  nightlyScheduler,
  prop,
  type Renderable,
  type StepDeclaration,
  textField,
  triggerableScheduler,
} from '@icefall/master/config';
import { publishing, sharedTree } from './locks.ts';
import type { Part } from './parts.ts';
import { settings } from './settings.ts';
import { stratum0Worker } from './workers.ts';

const { commands, paths, clock } = settings;

/** What is published here; whoever does it takes `cvmfs_publish`. */
function repositoryOf(name: string): CvmfsRepository {
  const { mount, spool, served, keys } = paths;
  return cvmfsRepository({ name, server: commands.server, mount, spool, served, keys, lock: publishing });
}
const software = repositoryOf(settings.repositories.software.name);
const ara = repositoryOf(settings.repositories.ara.name);
const repositories = [software, ara];

/** A person may allow it, where a tree was emptied on purpose. */
const allowDeletion = booleanField({ name: 'allow_deletion', label: 'Also if most of what is there would be deleted' });
const deleteLimit = computed(({ properties }) =>
  properties.allow_deletion?.value === true ? null : settings.deleteLimit,
);

/** Copies a path in a transaction, and publishes it. */
function publishFrom(
  repository: CvmfsRepository,
  from: Renderable<string>,
  path: Renderable<string>,
): StepDeclaration[] {
  const copy = cvmfsRsync({ program: commands.rsync, from, repository, path, deleteLimit });
  return cvmfsTransaction({ repository, path, steps: [copy] });
}

/** Publishes the path in the property `path` of one repository; others trigger it. */
function publisher(repository: CvmfsRepository, name: string): Part {
  const publish = builder({
    name,
    group: 'stratum 0',
    description: `Publishes a path of the shared tree in ${repository.name}`,
    workers: [stratum0Worker],
    locks: [sharedTree.exclusive()],
    collapseRequests: true,
    factory: factory(
      publishFrom(repository, interpolate`${paths.source}/${repository.name}/${prop('path')}/`, prop('path')),
    ),
  });
  const entry = triggerableScheduler({ name, builders: [publish], reason: 'publish' });
  const force = forceScheduler({
    name: `force_${name}`,
    label: `Publish a path of ${repository.name} again`,
    builders: [publish],
    fields: [
      textField({ name: 'path', required: true, pattern: '(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9._/-]*' }),
      allowDeletion,
    ],
  });
  return { name, builders: [publish], schedulers: [entry, force], entry };
}

export const publishSoftware = publisher(software, settings.repositories.software.publisher);
export const publishAra = publisher(ara, settings.repositories.ara.publisher);

/** The users' own space, fetched from their server and published every hour. */
function userSpace(): Part {
  const rsync = builder({
    name: 'user_rsync',
    group: 'stratum 0',
    description: `Publishes the users' space in ${software.name}/users`,
    workers: [stratum0Worker],
    collapseRequests: true,
    factory: factory(publishFrom(software, settings.users, 'users')),
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
      forceScheduler({
        name: 'force_user_rsync',
        label: "Publish the users' space now",
        builders: [rsync],
        fields: [allowDeletion],
      }),
    ],
  };
}

/** Renews one repository's whitelist: signed here, or fetched, or signed elsewhere; verified and put in place whole. */
function renewWhitelist(repository: CvmfsRepository): StepDeclaration[] {
  const { whitelistAuthority: authority, whitelistSigner: signer } = settings;
  const name = `whitelist ${repository.name}`;
  if (signer !== null) return cvmfsResign({ name, repository, signer });
  if (authority !== null)
    return cvmfsResign({ name, repository, from: `${authority}/${repository.name}/.cvmfswhitelist` });
  return cvmfsResign({ name, repository });
}

function whitelist(): Part {
  const renew = builder({
    name: 'whitelist',
    group: 'stratum 0',
    description: 'Renews the signed whitelist of every repository',
    workers: [stratum0Worker],
    collapseRequests: true,
    factory: factory(repositories.map(renewWhitelist)),
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
      cvmfsRsync({ name: 'backup', from: `${paths.source}/`, to: settings.backup, idleTimeout: '4h' }),
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

/** Removes what no kept revision needs from every repository. */
function garbage(): Part {
  const collect = builder({
    name: 'garbage',
    group: 'stratum 0',
    description: 'Removes objects that no kept revision needs from every repository',
    workers: [stratum0Worker],
    collapseRequests: true,
    factory: factory(
      repositories.map((repository) => cvmfsGarbageCollect({ name: `garbage ${repository.name}`, repository })),
    ),
  });
  return {
    name: 'garbage',
    builders: [collect],
    schedulers: [
      nightlyScheduler({ name: 'garbage_nightly', builders: [collect], cron: clock.garbage, reason: 'nightly' }),
      forceScheduler({ name: 'force_garbage', label: 'Collect the garbage now', builders: [collect] }),
    ],
  };
}

export const stratum0Parts: readonly Part[] = [
  { ...publishSoftware, workers: [stratum0Worker] },
  publishAra,
  userSpace(),
  whitelist(),
  backup(),
  garbage(),
];
