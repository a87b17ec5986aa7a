import {
  anyBranchScheduler,
  builder,
  factory,
  git,
  helmUpgrade,
  imageBuild,
  imagePush,
  imageRun,
  imageTag,
  interpolate,
  masterLock,
  prop,
  secret,
  secretsFrom,
  site,
  webhook,
  worker,
} from '@icefall/master/config';

const REPOSITORY = 'https://git.example.org/group/service.git';
const linux = worker({ name: 'linux', maxBuilds: 2 });
const staging = masterLock('staging');

// #region pipeline
const name = 'registry.example.org/group/service';
const tested = interpolate`${name}:test-${prop('got_revision')}`;
const image = interpolate`${name}:${prop('got_revision')}`;
const login = { registry: 'registry.example.org', user: 'ci', password: secret('registry-password') };

const service = builder({
  name: 'service',
  workers: [linux],
  factory: factory([
    git({ mode: 'full', method: 'fresh' }),
    imageBuild({ name: 'build test variant', image: tested, target: 'test' }),
    // Its entry point runs the tests: its output and its exit code are what developers get to see.
    imageRun({ name: 'test', image: tested, haltOnFailure: true }),
    imageBuild({
      name: 'build production variant',
      image,
      target: 'production',
      labels: { commit: prop('got_revision') },
    }),
    imageTag({ name: 'tag', image, tags: [`${name}:staging`] }),
    imagePush({ name: 'push', images: [image, `${name}:staging`], login }),
    helmUpgrade({
      name: 'deploy to staging',
      release: 'service',
      chart: './chart',
      namespace: 'staging',
      valueFiles: ['chart/values-staging.yaml'],
      values: { 'image.tag': prop('got_revision') },
      secretFiles: { KUBECONFIG: secret('staging-kubeconfig') },
      locks: [staging.exclusive()],
    }),
  ]),
});
// #endregion

export default site({
  title: 'A container pipeline',
  workers: [linux],
  builders: [service],
  schedulers: [
    anyBranchScheduler({ name: 'pushes', builders: [service], changes: { repository: REPOSITORY, branch: 'main' } }),
  ],
  changeSources: [webhook('gitea', { secrets: [{ env: 'HOOK_SECRET' }] })],
  secrets: {
    from: [secretsFrom.directory('/run/secrets')],
    allow: [{ builders: [service], branches: ['main'], repositories: [REPOSITORY] }],
  },
});
