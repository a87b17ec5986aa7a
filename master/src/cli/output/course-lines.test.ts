import { describe, expect, test } from 'vitest';
import {
  builder,
  factory,
  forceScheduler,
  masterLock,
  trigger,
  triggerableScheduler,
  worker,
} from '../../config/index.ts';
import { simulate } from '../../simulation/index.ts';
import { run, siteWith } from '../../simulation/test-language.ts';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { courseLines } from './course-lines.ts';

const w = worker({ name: 'w', maxBuilds: 2 });
const other = worker({ name: 'other' });
const tree = masterLock('tree');
const builders = ['a', 'b'].map((name) =>
  builder({ name, workers: [w], factory: factory([run('make', { locks: [tree.exclusive()] })]) }),
);
const away = builder({ name: 'away', workers: [other], factory: factory([run('wait')]) });
const both = triggerableScheduler({ name: 'both', builders });
const all = builder({
  name: 'all',
  workers: [w],
  factory: factory([run('fetch'), trigger({ name: 'go', schedulers: [both], wait: true })]),
});
const site = siteWith({
  workers: [w, other],
  builders: [all, ...builders, away],
  schedulers: [
    both,
    forceScheduler({ name: 'force', builders: [all] }),
    forceScheduler({ name: 'force_away', builders: [away] }),
  ],
});

function shown(columns: number | null, ...schedulers: string[]): string[] {
  using simulation = simulate(site, { away: ['other'], durations: { make: '10m' }, fail: ['b/make'] });
  for (const name of schedulers) simulation.force(name);
  return courseLines(fakeTerminal({ columns }), simulation.finish('3h').course(), 'by hand');
}

describe('the course of a simulation', () => {
  test('is a waterfall on its side, what happened in order, and who waited for what', () => {
    expect(shown(80, 'force')).toEqual([
      'by hand: 2 Jun 2025, 12:00 (UTC)',
      '  +0 ms        force starts all',
      '',
      '           ╵12:00     ╵12:05      ╵12:10      ╵12:15',
      'all #1  w  ██─────────────────────────────────────────────── 21 m 00 s FAILURE',
      'a #1    w    ████████████████████████                        10 m 00 s',
      'b #1    w    ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒███████████████████████ 20 m 00 s FAILURE',
      '· asked for  █ runs  ▒ waits for a lock  ─ waits for builds it triggered',
      '',
      'in order',
      '  +0 ms        starts: all #1 on w',
      '  +1 m 00 s    starts: a #1 on w, b #1 on w',
      '  +1 m 00 s    goes on with tree (exclusive): a #1 (make)',
      '  +11 m 00 s   ends SUCCESS: a #1',
      '  +11 m 00 s   goes on with tree (exclusive): b #1 (make)',
      '  +21 m 00 s   FAILURE: all #1 (go), b #1 (make)',
      '  +21 m 00 s   ends FAILURE: all #1, b #1',
      '',
      'who waited, the longest first',
      '  10 m 00 s   b #1, make waits for lock tree (exclusive), held by a #1 (make)',
      '',
      '3 builds, 2 not green, 21 m 00 s in all',
    ]);
  });

  test('says what never started', () => {
    expect(shown(null, 'force_away').slice(2)).toEqual([
      '',
      'who waited, the longest first',
      '  3 h 00 m    away waits for a worker: other not connected, to the end',
      '',
      '0 builds, 1 request still waiting, 0 ms in all',
    ]);
  });

  test('fits into what the terminal has, from 80 to 120 columns', () => {
    for (const columns of [40, 80, 100, 120, 300]) {
      const widths = shown(columns, 'force')
        .slice(3, 8)
        .map((line) => line.length);
      expect(Math.max(...widths)).toBeLessThanOrEqual(Math.min(120, Math.max(80, columns)));
    }
  });

  test('is told where there is none', () => {
    expect(shown(null)).toEqual(['by hand: 2 Jun 2025, 12:00 (UTC)', 'nothing is started']);
  });
});
