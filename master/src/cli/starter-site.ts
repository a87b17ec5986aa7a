const SITE = `import {
  builder,
  factory,
  forceScheduler,
  git,
  interpolate,
  nightlyScheduler,
  prop,
  shell,
  singleBranchScheduler,
  site,
  textField,
  worker,
} from '@icefall/master/config';

// Everything here is a value: what is misspelt does not load, and \`icefall check\` says where.

const repository = 'https://git.example.org/project.git';

// A machine that runs builds. It shows a token, which \`icefall worker token issue builder1\` makes.
const builder1 = worker({ name: 'builder1', maxBuilds: 2 });

// What a build does, step by step. A failed step ends the build if it says haltOnFailure.
const steps = factory([
  git({ name: 'checkout', repository, mode: 'incremental', haltOnFailure: true }),
  shell({ name: 'build', command: ['make', '-j', prop('jobs', '2')], haltOnFailure: true }),
  shell({ name: 'test', command: ['make', 'check'], idleTimeout: '20m' }),
]);

const project = builder({
  name: 'project',
  description: 'Builds and tests the project',
  workers: [builder1],
  factory: steps,
  env: { BUILD_NAME: interpolate\`\${prop('buildername')}-\${prop('buildnumber')}\` },
});

export default site({
  title: 'My site',
  url: 'http://127.0.0.1:8010',
  // Times of nightlyScheduler are read in it.
  timeZone: 'UTC',
  workers: [builder1],
  builders: [project],
  schedulers: [
    // After a push (icefall hook install REPO --url URL tells of them), once it has been quiet for ten seconds.
    singleBranchScheduler({ name: 'push', builders: [project], changes: { branch: 'main' }, treeStableTimer: '10s' }),
    nightlyScheduler({ name: 'nightly', builders: [project], cron: '0 3 * * *' }),
    // By hand: the button on the page, or \`icefall force try --set jobs=4 --wait\`.
    forceScheduler({
      name: 'try',
      builders: [project],
      fields: [textField({ name: 'jobs', label: 'Parallel jobs', default: '2', pattern: '[0-9]{1,2}' })],
    }),
  ],
});
`;

const README = `# A site of Icefall

- \`site.ts\` is the whole configuration. Check it after a change: \`icefall check .\`
- Start the master: \`icefall start .\` (its page: http://127.0.0.1:8010), stop it: \`icefall stop .\`
- Take a change of \`site.ts\` over while it runs: \`icefall reload\`. With a mistake in it the old one runs on.
- Start a worker: \`icefall worker token issue builder1 > builder1.token\`, then
  \`icefall-worker --master ws://127.0.0.1:9989 --name builder1 --token-file builder1.token --dir work\`
- \`master/\` holds the master's database and logs: keep it, and keep it out of Git.
`;

const IGNORED = `master/
work/
*.token
node_modules/
`;

/** What `icefall init` writes, by name. */
export const STARTER_FILES: Readonly<Record<string, string>> = {
  'site.ts': SITE,
  'README.md': README,
  '.gitignore': IGNORED,
};
