import {
  builder,
  factory,
  forceScheduler,
  git,
  type StepDeclaration,
  shell,
  site,
  webhook,
  worker,
} from '@icefall/master/config';

const gate = process.env.GATE ?? '/nonexistent';
const steady = worker({ name: 'steady', maxBuilds: 4 });
/** Declared so that it has a token of its own. */
const stranger = worker({ name: 'stranger' });

/** Counts aloud, and in a file beside the gate, until somebody opens the gate. */
const counts = (retryable: boolean) =>
  shell({
    name: 'count',
    command: [
      'sh',
      '-c',
      'i=0; while [ ! -e "$1" ]; do i=$((i + 1)); echo "line $i"; echo $i >"$1.count"; sleep 0.01; done; echo "last $i"',
      'sh',
      gate,
    ],
    retryable,
    haltOnFailure: true,
  });

const of = (name: string, ...steps: StepDeclaration[]) =>
  builder({ name, workers: [steady], factory: factory(steps), retry: { maxAttempts: 3, backOff: '100ms' } });

const builders = [
  of('counts', counts(true)),
  of('counts_once', counts(false), shell({ name: 'clean up', command: ['echo', 'cleaned'], alwaysRun: true })),
  of('quick', shell({ name: 'echo', command: ['echo', 'quick'] })),
  of('no_program', shell({ name: 'run', command: ['no-such-program', '--now'] })),
  of('no_directory', shell({ name: 'run', command: ['true'], workdir: '/dev/null/directory' })),
  of('no_repository', git({ name: 'git', repository: '/nonexistent/repository.git' })),
];

export default site({
  title: 'Faults',
  workers: [steady, stranger],
  builders,
  changeSources: [webhook('github', { secrets: [{ env: 'HOOK_SECRET' }] })],
  schedulers: builders.map((target) => forceScheduler({ name: target.name, builders: [target] })),
});
