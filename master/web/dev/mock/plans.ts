/** A step as the simulated site runs it. */
export interface StepPlan {
  readonly name: string;
  readonly kind: string;
  /** Usual run time, seconds. */
  readonly seconds: number;
  /** Lock of the step and how it is held. */
  readonly lock?: { readonly name: string; readonly mode: 'counting' | 'exclusive' };
  /** Builders that a trigger step starts and waits for. */
  readonly triggers?: readonly string[];
  /** Writes on stderr and ends with warnings now and then. */
  readonly noisy?: boolean;
  /** Runs only after a failure, and is hidden when it does not. */
  readonly cleanUp?: boolean;
}

export interface BuilderPlan {
  readonly name: string;
  readonly group: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly workers: readonly string[];
  readonly steps: readonly StepPlan[];
  readonly force: readonly string[];
  /** Of a hundred builds these fail. */
  readonly failures: number;
}

const PLATFORMS = ['alma8', 'alma9', 'ubuntu22.04', 'ubuntu24.04', 'debian12', 'debian13'];
const SPACK = ['alma9', 'ubuntu24.04', 'debian12', 'debian13'];
const shared = (mode: 'counting' | 'exclusive') => ({ name: 'cvmfs_shared', mode });
const git = { name: 'git', kind: 'git', seconds: 14 };
const publishLock = { name: 'cvmfs_publish', mode: 'exclusive' } as const;

function platform(name: string, suffix: string): BuilderPlan {
  return {
    name: `${name}_builder${suffix}`,
    group: suffix === '' ? 'platforms' : 'platforms, spack',
    description: `Builds the software on ${name}`,
    tags: ['platform', ...(suffix === '' ? [] : ['spack'])],
    workers: [name],
    steps: [git, { name: 'build', kind: 'shell', seconds: suffix === '' ? 900 : 1500, lock: shared('counting') }],
    force: [],
    failures: name === 'debian13' ? 25 : 4,
  };
}

function checkout(suffix: string, platforms: readonly string[]): BuilderPlan {
  return {
    name: `checkout${suffix}`,
    group: 'release',
    description: 'Checks a release out, builds it on every platform and publishes it',
    tags: ['release'],
    workers: ['alma9'],
    steps: [
      git,
      { name: 'checkout', kind: 'shell', seconds: 120, lock: shared('exclusive') },
      { name: 'platforms', kind: 'trigger', seconds: 0, triggers: platforms.map((p) => `${p}_builder${suffix}`) },
      { name: 'publish', kind: 'trigger', seconds: 0, triggers: ['publish'] },
    ],
    force: [`force${suffix}`],
    failures: 2,
  };
}

function stratum0(name: string, steps: readonly StepPlan[], description: string): BuilderPlan {
  const base = { group: 'stratum 0', tags: ['stratum0'], workers: ['stratum0'], failures: 5 };
  return { ...base, name, steps, description, force: [`force_${name}`] };
}

function data(name: string): BuilderPlan {
  const steps: StepPlan[] = [
    { name: 'mkdir', kind: 'mkdir', seconds: 1 },
    { name: 'copy', kind: 'shell', seconds: 240, lock: shared('counting'), noisy: true },
    { name: 'publish', kind: 'trigger', seconds: 0, triggers: ['publish'] },
  ];
  const description = `Copies ${name} and publishes it`;
  return {
    name,
    group: 'data',
    description,
    tags: ['data'],
    workers: ['alma9'],
    steps,
    force: [`force_${name}`],
    failures: 6,
  };
}

const transaction = (published: StepPlan): StepPlan[] => [
  { name: 'transaction', kind: 'shell', seconds: 6, lock: publishLock },
  published,
  { name: 'publish', kind: 'shell', seconds: 95 },
  { name: 'abort', kind: 'shell', seconds: 4, cleanUp: true },
];

/** The site of the mock: the shipped pipeline, and `extra` builders more for measuring. */
export function builderPlans(extra: number): BuilderPlan[] {
  const more = Array.from({ length: extra }, (_, i) => ({
    ...platform(`extra${i + 1}`, ''),
    group: `extra ${Math.floor(i / 12) + 1}`,
    tags: ['extra'],
    steps: [
      git,
      ...['configure', 'compile', 'test', 'install'].map((name, k) => ({ name, kind: 'shell', seconds: 60 + 90 * k })),
    ],
    force: i % 3 === 0 ? ['force'] : [],
  }));
  return [
    checkout('', PLATFORMS),
    checkout('_spack', SPACK),
    ...PLATFORMS.map((name) => platform(name, '')),
    ...SPACK.map((name) => platform(name, '_spack')),
    stratum0(
      'publish',
      transaction({ name: 'rsync', kind: 'shell', seconds: 150 }),
      'Publishes a path of the repository',
    ),
    stratum0(
      'user_rsync',
      transaction({ name: 'rsync', kind: 'shell', seconds: 45, noisy: true }),
      "Publishes the users' space",
    ),
    stratum0(
      'whitelist',
      [{ name: 'renew', kind: 'shell', seconds: 4, lock: publishLock }],
      'Renews the signed whitelists',
    ),
    stratum0(
      'backup',
      [{ name: 'rsync', kind: 'shell', seconds: 3600, lock: shared('exclusive') }],
      'Backs the tree up',
    ),
    ...['gcd', 'test_data', 'tables'].map(data),
    ...more,
  ];
}
