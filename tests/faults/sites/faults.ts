import {
  anyBranchScheduler,
  builder,
  factory,
  forceScheduler,
  masterLock,
  prop,
  type StepDeclaration,
  shell,
  site,
  textField,
  trigger,
  triggerableScheduler,
  worker,
} from '@icefall/master/config';
import { HOLDING, WITNESSED } from '../witness.ts';

const folder = process.env.WITNESS ?? '/nonexistent';
const steady = worker({ name: 'steady', maxBuilds: 8 });
/** A second one, for the soak. */
const second = worker({ name: 'second', maxBuilds: 8 });
/** Given up soon. */
const brief = worker({ name: 'brief', maxBuilds: 8, grace: '1500ms' });
const tree = masterLock('tree', { maxCount: 3 });

const retry = { maxAttempts: 10, backOff: '100ms' } as const;
const works = (how: 'talk' | 'silent') =>
  shell({
    name: 'work',
    command: [...WITNESSED, folder, prop('key'), how, prop('rounds', '0')],
    haltOnFailure: true,
  });
const stamped = (name: string, access: 'counting' | 'exclusive') =>
  shell({
    name,
    command: [...HOLDING, folder, name, prop('workername'), prop('rounds', '0')],
    locks: [access === 'counting' ? tree.counting() : tree.exclusive()],
    haltOnFailure: true,
  });
const of = (name: string, workers: [typeof steady, ...(typeof steady)[]], ...steps: StepDeclaration[]) =>
  builder({ name, workers, factory: factory(steps), retry });

const child = of('child', [steady], works('talk'));
const children = triggerableScheduler({ name: 'children', builders: [child] });
const forced = [
  of('talks', [steady], works('talk')),
  of('silent', [steady], works('silent')),
  of('brief_talks', [brief], works('talk')),
  of('brief_silent', [brief], works('silent')),
  of('anywhere', [steady, second], works('talk')),
  of('counting', [steady, second], stamped('counting', 'counting')),
  of('exclusive', [steady, second], stamped('exclusive', 'exclusive')),
  of(
    'parent',
    [steady],
    stamped('before', 'exclusive'),
    trigger({ name: 'children', schedulers: [children], wait: true, properties: { key: prop('key'), rounds: '0' } }),
    stamped('after', 'exclusive'),
  ),
];
const at_once = of('at_once', [steady, second], shell({ name: 'build', command: ['true'] }));
const calm = of('calm', [steady, second], shell({ name: 'build', command: ['true'] }));

export default site({
  title: 'Faults',
  workers: [steady, second, brief],
  builders: [...forced, child, at_once, calm],
  schedulers: [
    children,
    anyBranchScheduler({ name: 'at_once', builders: [at_once] }),
    anyBranchScheduler({ name: 'calm', builders: [calm], treeStableTimer: '300ms' }),
    ...forced.map((target) =>
      forceScheduler({
        name: target.name,
        builders: [target],
        fields: [textField({ name: 'key', default: 'none' }), textField({ name: 'rounds', default: '0' })],
      }),
    ),
  ],
});
