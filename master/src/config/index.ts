/** The configuration API: what a site's program imports. */
export type { Json, Result } from '@icefall/shared';
export type { Permission } from '../access/permissions.ts';
export { computed, interpolate, prop, type Reference, type Renderable, source } from '../properties/references.ts';
export type { FailedStep, Report } from '../reporters/report.ts';
export { type SecretRule, type SecretsOptions, secretsFrom } from '../secrets/declaration.ts';
export type { SecretProvider } from '../secrets/provider.ts';
export { type SecretReference, secret } from '../secrets/reference.ts';
export type { VaultOptions } from '../secrets/vault.ts';
export { type HelmUpgradeOptions, helmUpgrade } from '../steps/containers/helm-upgrade.ts';
export { type ImageBuildOptions, imageBuild } from '../steps/containers/image-build.ts';
export { type ImagePushOptions, type ImageTagOptions, imagePush, imageTag } from '../steps/containers/image-push.ts';
export { type ImageRunOptions, imageRun } from '../steps/containers/image-run.ts';
export type { ImageTool, RegistryLogin } from '../steps/containers/tools.ts';
export { type CvmfsRepository, type CvmfsRepositoryOptions, cvmfsRepository } from '../steps/cvmfs/repository.ts';
export { type CvmfsResignOptions, cvmfsResign } from '../steps/cvmfs/resign.ts';
export { type CvmfsRsyncOptions, cvmfsRsync } from '../steps/cvmfs/rsync.ts';
export { type CvmfsTransactionOptions, cvmfsTransaction } from '../steps/cvmfs/transaction.ts';
export {
  cvmfsCheck,
  cvmfsEphemeral,
  cvmfsGarbageCollect,
  cvmfsIngest,
  cvmfsRollback,
  cvmfsTag,
} from '../steps/cvmfs/verbs.ts';
export { copyDirectory, makeDirectory, removeDirectory } from '../steps/directories.ts';
export { addSteps } from '../steps/dynamic.ts';
export { git } from '../steps/git.ts';
export { masterCommand } from '../steps/master-command.ts';
export { assertion, setProperties, setProperty, setPropertyFromCommand } from '../steps/property.ts';
export { shell } from '../steps/shell.ts';
export type { StepDeclaration, StepOptions, StepRun } from '../steps/step.ts';
export { downloadDirectory, downloadFile, uploadDirectory, uploadFile } from '../steps/transfer.ts';
export { trigger } from '../steps/trigger.ts';
export type { AccessOptions, MembersOptions, ProxySignIn, RoleOptions } from './access.ts';
export * from './builders.ts';
export * from './changes.ts';
export type { Duration } from './durations.ts';
export * from './fields.ts';
export {
  type LockAccess,
  type LockDeclaration,
  masterLock,
  type PathLockDeclaration,
  pathLock,
  workerLock,
} from './locks.ts';
export {
  type DockerPool,
  type DockerPoolOptions,
  dockerPool,
  type KubernetesPool,
  type KubernetesPoolOptions,
  kubernetesPool,
  type PoolDeclaration,
  type PoolOptions,
} from './pools.ts';
export { ConfigError } from './problems.ts';
export {
  type ProjectOptions,
  type ProjectsDeclaration,
  type ProjectsOptions,
  projects,
  type TrustOptions,
} from './projects.ts';
export {
  type AuthorsOptions,
  type CommitStatusReporterOptions,
  commitStatusReporter,
  type MailReporterOptions,
  type MailServer,
  mailReporter,
  type ReportedBuilds,
  type ReporterDeclaration,
  type ReportMode,
  type WebhookReporterOptions,
  webhookReporter,
} from './reporters.ts';
export * from './schedulers.ts';
export type {
  GitHubOptions,
  LdapGroups,
  LdapOptions,
  LdapPeople,
  OpenIdConnectOptions,
  SignInOptions,
} from './sign-in.ts';
export type { SiteDeclaration, SiteOptions } from './site.ts';
export { site } from './site-program.ts';
export { type TokenSource, type WorkerDeclaration, type WorkerOptions, worker } from './workers.ts';
