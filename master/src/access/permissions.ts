/** What can be allowed with single builders, or with all: of each, its meaning for people. */
export const BUILDER_PERMISSIONS = {
  view: 'see builders, their builds, steps, logs, requests, forms and badges, and the changes that they build',
  force: 'start builds by a form, or now instead of by the clock',
  stop: 'stop builds, cancel requests',
  rebuild: 'build the same again',
} as const;

/** What concerns the whole site. */
export const SITE_PERMISSIONS = {
  sendChange: 'tell of pushes',
  switchScheduler: 'switch schedulers on and off',
  pauseWorker: 'pause and resume workers, send them away',
  releaseLock: 'take a lock from its holder by force',
  drain: 'have no new builds started',
  reload: 'load the configuration again',
  admin: 'everything, also users, tokens and the audit log',
} as const;

export type BuilderPermission = keyof typeof BUILDER_PERMISSIONS;
export type SitePermission = keyof typeof SITE_PERMISSIONS;
export type Permission = BuilderPermission | SitePermission;

const builderPermissions = Object.keys(BUILDER_PERMISSIONS) as BuilderPermission[];
/** All of them, in the order of the documentation. */
export const PERMISSIONS: readonly Permission[] = [
  ...builderPermissions,
  ...(Object.keys(SITE_PERMISSIONS) as SitePermission[]),
];

export function isBuilderPermission(permission: Permission): permission is BuilderPermission {
  return permission in BUILDER_PERMISSIONS;
}
