import type { AccessOptions } from '@icefall/master/config';
import { settings } from './settings.ts';

/**
 * Who may do what, by `access` of the settings.
 *
 * | setting   | what it means                                                                                          |
 * | --------- | ------------------------------------------------------------------------------------------------------ |
 * | `people`  | everyone views; the group `developers` starts and stops builds; the group `operators` may do everything  |
 * | `open`    | everyone views, starts and stops builds: for a port that only one machine reaches                        |
 * | `machine` | nothing is said: a master that listens on loopback only                                                  |
 *
 * The groups are those of `icefall user add NAME --group GROUP`.
 */
const BUILDING = ['view', 'force', 'stop', 'rebuild'] as const;
const operators = { allow: ['admin'], members: { groups: ['operators'] } } as const;

const choices: Readonly<Record<typeof settings.access, AccessOptions | null>> = {
  people: {
    roles: {
      reader: { allow: ['view'], members: 'everyone' },
      developer: { allow: [...BUILDING], members: { groups: ['developers'] } },
      operator: operators,
    },
  },
  open: {
    roles: {
      everyone: { allow: [...BUILDING, 'sendChange', 'pauseWorker'], members: 'everyone' },
      operator: operators,
    },
  },
  machine: null,
};

export const access = choices[settings.access];
