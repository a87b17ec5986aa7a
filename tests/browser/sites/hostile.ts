import {
  booleanField,
  builder,
  factory,
  forceScheduler,
  masterLock,
  setProperty,
  shell,
  site,
  textField,
  worker,
} from '@icefall/master/config';
import { HOSTILE } from '../hostile.ts';

const bait = worker({ name: 'bait' });
const trap = masterLock('trap');
const victim = builder({
  name: 'victim',
  group: HOSTILE,
  description: HOSTILE,
  tags: [HOSTILE],
  workers: [bait],
  factory: factory([
    setProperty({ name: HOSTILE, property: 'evil', value: HOSTILE }),
    setProperty({ name: 'script link', property: 'href', value: 'javascript:ran()' }),
    shell({
      name: `${HOSTILE.slice(0, 60)} prints`,
      command: [
        'printf',
        '%b',
        `${HOSTILE}\\n\\033]8;;javascript:ran()\\033\\\\click\\033]8;;\\033\\\\\\n\\033[2J\\033[H\\033]0;title\\007end\\n`,
      ],
      locks: [trap.exclusive()],
    }),
  ]),
});

export default site({
  title: HOSTILE,
  workers: [bait],
  builders: [victim],
  schedulers: [
    forceScheduler({
      name: 'victim',
      builders: [victim],
      label: HOSTILE,
      fields: [
        textField({ name: 'text', label: HOSTILE, tooltip: HOSTILE, default: HOSTILE }),
        booleanField({ name: 'yes', label: HOSTILE }),
      ],
    }),
  ],
});
