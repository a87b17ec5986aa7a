import type { FormField, Scheduler } from '@icefall/shared';
import type { BuilderPlan } from './plans.ts';

const common = (name: string, label: string, tooltip = '', required = false) => ({ name, label, tooltip, required });

/** A field of every kind. */
const everyField: FormField[] = [
  {
    type: 'text',
    ...common('variant', 'Variant', 'Release that is built, as in the build scripts', true),
    default: 'py3-v4.4.3_metaproject',
    pattern: '[A-Za-z0-9][A-Za-z0-9._-]*',
    maxLength: 60,
  },
  { type: 'boolean', ...common('nightly', 'Build everything anew'), default: false },
  {
    type: 'codebase',
    ...common('scripts', 'Build scripts'),
    codebase: '',
    default: { repository: 'https://git.example.org/build-scripts.git', branch: 'main', revision: '', project: '' },
    shown: ['branch', 'revision'],
  },
  {
    type: 'group',
    ...common('limits', 'Limits'),
    layout: 'horizontal',
    fields: [
      { type: 'integer', ...common('cpus', 'CPUs'), default: 4, min: 1, max: 64 },
      {
        type: 'choice',
        ...common('memory', 'Memory'),
        default: '8 GB',
        choices: ['4 GB', '8 GB', '16 GB'],
        multiple: false,
        strict: true,
      },
    ],
  },
  {
    type: 'group',
    ...common('', ''),
    layout: 'tabs',
    fields: [
      {
        type: 'group',
        ...common('tests', 'Tests'),
        layout: 'vertical',
        fields: [
          {
            type: 'choice',
            ...common('suites', 'Suites', 'Those that are run after the build'),
            default: ['unit'],
            choices: ['unit', 'physics', 'performance'],
            multiple: true,
            strict: true,
          },
        ],
      },
      {
        type: 'group',
        ...common('notes', 'Notes'),
        layout: 'vertical',
        fields: [
          { type: 'multiline', ...common('text', 'Text for the release notes'), default: '', maxLength: 2000 },
          { type: 'user', ...common('contact', 'Contact'), default: '', needEmail: true },
        ],
      },
    ],
  },
  { type: 'fixed', ...common('svnonly', 'Only bring sources'), value: true },
];

const pathField: FormField = {
  type: 'text',
  ...common('path', 'Path below the repository', '', true),
  default: '',
  pattern: '[A-Za-z0-9][A-Za-z0-9._/-]*',
  maxLength: null,
};

function fieldsOf(name: string): FormField[] {
  if (name === 'force') return everyField;
  if (name === 'force_publish') return [pathField];
  return name === 'force_spack' ? everyField.slice(0, 2) : [];
}

const idle = { enabled: true, nextAt: null, lastAt: null, lastError: null, form: null };

/** Schedulers of the simulated site: its force forms, and what the clock and pushes start. */
export function schedulersOf(plans: readonly BuilderPlan[], now: number): Scheduler[] {
  const forced = [...new Set(plans.flatMap((plan) => plan.force))].map((name) => ({
    ...idle,
    name,
    kind: 'force',
    builders: plans.filter((plan) => plan.force.includes(name)).map((plan) => plan.name),
    form: {
      label: `Start ${name.replace(/^force_?/, '') || 'a release'}`,
      button: name === 'force' ? 'Build the release' : 'Start',
      fields: fieldsOf(name),
    },
  }));
  const hour = 3_600_000;
  const next = (hours: number) => (Math.floor(now / hour) + hours) * hour;
  return [
    { ...idle, name: 'push_py3', kind: 'singleBranch', builders: ['checkout'], lastAt: now - 20 * 60_000 },
    { ...idle, name: 'nightly', kind: 'nightly', builders: ['checkout'], nextAt: next(9), lastAt: now - 15 * hour },
    { ...idle, name: 'nightly_spack', kind: 'nightly', builders: ['checkout_spack'], nextAt: next(12), enabled: false },
    { ...idle, name: 'user_rsync_hourly', kind: 'nightly', builders: ['user_rsync'], nextAt: next(1), lastAt: next(0) },
    {
      ...idle,
      name: 'whitelist_daily',
      kind: 'nightly',
      builders: ['whitelist'],
      nextAt: next(6),
      lastError: 'config/stratum0.ts:171: mayStart threw: no key',
    },
    {
      ...idle,
      name: 'platforms',
      kind: 'triggerable',
      builders: plans.filter((p) => p.group === 'platforms').map((p) => p.name),
    },
    { ...idle, name: 'publish', kind: 'triggerable', builders: ['publish'] },
    ...forced,
  ];
}
