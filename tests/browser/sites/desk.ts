import {
  booleanField,
  builder,
  choiceField,
  factory,
  forceScheduler,
  groupField,
  integerField,
  interpolate,
  type LockAccess,
  masterLock,
  multilineField,
  nightlyScheduler,
  prop,
  type StepDeclaration,
  shell,
  site,
  textField,
  trigger,
  triggerableScheduler,
  worker,
} from '@icefall/master/config';
import { dictated } from '../dictation.ts';

/** Folder of the pipes that steps are dictated from. */
const pipes = process.env.PIPES ?? '/nonexistent';

const wide = worker({ name: 'wide', maxBuilds: 6 });
const narrow = worker({ name: 'narrow' });
const tree = masterLock('tree', { maxCount: 2 });

const step = (name: string, ...command: string[]) => shell({ name, command, haltOnFailure: true });
const told = (name: string, locks: LockAccess[] = []) =>
  shell({ name, command: dictated(`${pipes}/${name}`), locks, maxTime: '120s', haltOnFailure: true });
const of = (name: string, group: string, steps: StepDeclaration[]) =>
  builder({ name, group, workers: [wide], tags: [group], factory: factory(steps) });

const parameters = of('parameters', 'forms', [
  shell({
    name: 'say',
    command: ['echo', interpolate`${prop('version')} with ${prop('jobs')} jobs, ${prop('mode')}`],
  }),
]);
const talker = of('talker', 'logs', [told('talk'), step('after', 'echo', 'after')]);
const keeper = of('keeper', 'locks', [told('keep', [tree.exclusive()])]);
const seeker = of('seeker', 'locks', [shell({ name: 'seek', command: ['true'], locks: [tree.exclusive()] })]);
const blocked = builder({
  name: 'blocked',
  group: 'locks',
  workers: [wide],
  locks: [tree.counting()],
  factory: factory([step('enter', 'true')]),
});
const single = builder({ name: 'single', group: 'slots', workers: [narrow], factory: factory([told('sit')]) });
const child = of('child', 'family', [step('work', 'echo', 'worked')]);
const children = triggerableScheduler({ name: 'children', builders: [child] });
const parent = of('parent', 'family', [trigger({ name: 'children', schedulers: [children], wait: true })]);
const fails = of('fails', 'family', [
  step('prepare', 'echo', 'prepared'),
  step('compile', 'sh', '-c', 'echo "cc -c main.c"; echo "main.c:3: error: no such thing" >&2; exit 1'),
]);
const verbose = of('verbose', 'family', [
  step('prepare', 'echo', 'an error is expected below'),
  step('make', 'sh', '-c', 'echo cc; echo "main.c:3: error: no such thing"; seq 40; echo "make: *** gave up"; exit 2'),
]);

const fields = [
  textField({ name: 'version', label: 'Version', required: true, pattern: 'v\\d+', tooltip: 'such as v12' }),
  integerField({ name: 'jobs', label: 'Jobs', min: 1, max: 64, default: 4 }),
  booleanField({ name: 'clean', label: 'Clean first' }),
  choiceField({ name: 'mode', label: 'Mode', choices: ['fast', 'thorough'] }),
  groupField({
    name: 'options',
    label: 'More',
    fields: [multilineField({ name: 'note', label: 'Note' })],
  }),
];
const builders = [parameters, talker, keeper, seeker, blocked, single, parent, fails, verbose];

export default site({
  title: 'Desk',
  workers: [wide, narrow],
  builders: [...builders, child],
  schedulers: [
    children,
    ...builders.map((target) =>
      forceScheduler({
        name: target.name,
        builders: [target],
        ...(target === parameters ? { fields, button: 'Start it' } : {}),
      }),
    ),
    nightlyScheduler({ name: 'nightly', builders: [fails], cron: '0 3 * * *', timeZone: 'Europe/Zurich' }),
  ],
});
