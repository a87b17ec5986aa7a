import {
  booleanField,
  builder,
  choiceField,
  codebaseField,
  factory,
  fixedField,
  forceScheduler,
  git,
  groupField,
  integerField,
  multilineField,
  shell,
  site,
  textField,
  userField,
  worker,
} from '@icefall/master/config';

const linux = worker({ name: 'linux' });
const release = builder({
  name: 'release',
  workers: [linux],
  factory: factory([git({}), shell({ command: ['./release.sh'] })]),
});

// #region form
const form = forceScheduler({
  name: 'release',
  label: 'Make a release',
  builders: [release],
  codebases: { '': { repository: 'https://git.example.org/project.git', branch: 'main' } },
  fields: [
    textField({ name: 'version', required: true, pattern: '[0-9]+\\.[0-9]+', tooltip: 'As 3.1' }),
    multilineField({ name: 'notes', label: 'Release notes', maxLength: 10_000 }),
    integerField({ name: 'jobs', default: 4, min: 1, max: 64 }),
    booleanField({ name: 'sign', label: 'Sign it', default: true }),
    choiceField({ name: 'channel', choices: ['testing', 'stable'], default: 'testing' }),
    choiceField({ name: 'platforms', choices: ['el9', 'deb12'], multiple: true, default: ['el9'] }),
    fixedField({ name: 'manual', value: true }),
    userField({ name: 'approver', needEmail: true }),
    codebaseField({ shown: ['branch', 'revision'], branch: 'main' }),
    groupField({
      name: 'mirror',
      label: 'Mirror',
      layout: 'horizontal',
      fields: [
        textField({ name: 'host', default: 'mirror.example.org' }),
        integerField({ name: 'port', default: 873 }),
      ],
    }),
  ],
});
// #endregion

export default site({ title: 'Every kind of field', workers: [linux], builders: [release], schedulers: [form] });
