import { describe, expect, test } from 'vitest';
import {
  anyBranchScheduler,
  builder,
  choiceField,
  factory,
  forceScheduler,
  gitPoller,
  masterCommand,
  masterLock,
  nightlyScheduler,
  singleBranchScheduler,
  trigger,
  triggerableScheduler,
  worker,
} from '../config/index.ts';
import { simulate } from './index.ts';
import { localTime } from './local-time.ts';
import { run, siteWith } from './test-language.ts';

const MINUTE = 60_000;
const w = worker({ name: 'w', maxBuilds: 2 });
const tree = masterLock('tree');
const pack = builder({ name: 'pack', workers: [w], factory: factory([run('tar', { locks: [tree.exclusive()] })]) });
const entry = triggerableScheduler({ name: 'pack', builders: [pack] });
const main = builder({
  name: 'main',
  workers: [w],
  factory: factory([
    run('build', { haltOnFailure: true }),
    trigger({ name: 'go', schedulers: [entry], wait: true }),
    masterCommand({ name: 'note', command: ['false'], workdir: '/tmp' }),
  ]),
});
const clean = builder({ name: 'clean', workers: [w], factory: factory([run('sweep', { locks: [tree.exclusive()] })]) });
const site = siteWith({
  timeZone: 'Europe/Zurich',
  workers: [w],
  builders: [main, pack, clean],
  schedulers: [
    singleBranchScheduler({
      ...{ name: 'push', builders: [main], changes: { branch: 'main', category: 'code' } },
      isImportant: (change) => change.files.some((file) => !file.endsWith('.md')),
    }),
    anyBranchScheduler({ name: 'later', builders: [clean], changes: { branch: 'stable' }, treeStableTimer: '5m' }),
    forceScheduler({ name: 'byHand', builders: [main], fields: [choiceField({ name: 'kind', choices: ['a', 'b'] })] }),
    nightlyScheduler({ name: 'night', builders: [clean], cron: '0 0 * * *' }),
    entry,
  ],
  changeSources: [gitPoller({ repository: 'https://git.example/scripts.git', category: 'code' })],
});

describe('a simulation of a site', () => {
  test('pushes through the real filters, to the only repository, as its poller would tell of it', () => {
    using simulation = simulate(site, { durations: { build: '2h', 'pack/tar': '10m' } });
    simulation.push({ branch: 'main', files: ['README.md'] }).push({ branch: 'other' });
    expect(simulation.builds()).toEqual([]);
    simulation.push({ branch: 'main', files: ['build.sh'] }).finish();
    const [first, second] = simulation.builds();
    expect(first).toMatchObject({ builder: 'main', worker: 'w', scheduler: 'push', result: 'SUCCESS', waits: [] });
    expect(second).toMatchObject({ builder: 'pack', parentBuildId: first?.id, result: 'SUCCESS' });
    expect((first?.finishedAt ?? 0) - (first?.startedAt ?? 0)).toBe(131 * MINUTE);
    expect(second?.steps[0]?.locks).toMatchObject([{ lock: 'tree', mode: 'exclusive' }]);
    expect(first?.steps[1]?.waits[0]?.why).toBe('waits for triggered builds, 0 of 1 finished');
  });

  test('lets steps fail, and runs nothing on this machine', () => {
    using simulation = simulate(site, { fail: ['main/build'] });
    simulation.push({ branch: 'main', files: ['x'] }).finish();
    expect(simulation.builds().map(({ builder, result }) => [builder, result])).toEqual([['main', 'FAILURE']]);
    using other = simulate(site);
    other.push({ branch: 'main', files: ['x'] }).finish();
    // The program `false` was not asked.
    expect(other.builds('main')[0]?.steps.at(-1)).toMatchObject({ name: 'note', result: 'SUCCESS' });
  });

  test('says who waits for what', () => {
    using simulation = simulate(site, { durations: { tar: '10m', sweep: '10m' } });
    simulation.push({ branch: 'stable' }).push({ branch: 'main', files: ['x'] });
    simulation.run('4m').push({ branch: 'stable' }).finish();
    const [clean] = simulation.builds('clean');
    // Five minutes after the last of the pushes.
    expect((clean?.startedAt ?? 0) - simulation.course().startedAt).toBe(9 * MINUTE);
    const [wait] = clean?.steps[0]?.waits ?? [];
    expect(wait?.why).toBe('waits for lock tree (exclusive), held by pack #1 (tar)');
    expect((wait?.to ?? 0) - (wait?.from ?? 0)).toBe(2 * MINUTE);
  });

  test('starts by the clock in its time zone, what is due at the beginning too; or not, if told so', () => {
    const at = '2025-03-30';
    using simulation = simulate(site, { at });
    simulation.run('1d');
    // That day has 23 hours.
    expect(simulation.builds('clean').map(({ startedAt }) => new Date(startedAt).toISOString())).toEqual([
      '2025-03-29T23:00:00.000Z',
      '2025-03-30T22:00:00.000Z',
    ]);
    using still = simulate(site, { at, clock: false });
    expect(still.run('1d').builds()).toEqual([]);
  });

  test('fills in forms, and tells what is in their way', () => {
    using simulation = simulate(site, { away: ['w'] });
    simulation.force('byHand', { values: { kind: 'b' }, reason: 'to see' }).finish('1h');
    expect(simulation.isFinished).toBe(false);
    expect(simulation.course().notBuilt).toMatchObject([
      { builder: 'main', result: null, waits: [{ to: null, why: 'waits for a worker: w not connected' }] },
    ]);
    expect(() => simulation.force('byHand', { values: { kind: 'c' } })).toThrow('"c" is not one of a, b');
  });

  test('names the choices where a name is wrong', () => {
    expect(() => simulate(site, { fail: ['main/biuld'] })).toThrow(
      'builder main has no step "biuld"; there is build, go, note',
    );
    expect(() => simulate(site, { durations: { biuld: '1h' } })).toThrow(
      'no builder has a step "biuld"; there is build',
    );
    expect(() => simulate(site, { away: ['v'] })).toThrow('no worker "v"; it has w');
    using simulation = simulate(site);
    expect(() => simulation.force('night')).toThrow('no force scheduler "night"; it has byHand');
    expect(() => simulation.builds('mian')).toThrow('no builder "mian"; it has main, pack, clean');
  });
});

describe('a time in a time zone', () => {
  const iso = (text: string, now = 0) => new Date(localTime(text, 'Europe/Zurich', now)).toISOString();

  test('is read with that zone, or with its own', () => {
    expect(iso('2025-07-01T02:30')).toBe('2025-07-01T00:30:00.000Z');
    expect(iso('2025-01-01')).toBe('2024-12-31T23:00:00.000Z');
    expect(iso('2025-07-01T02:30+05:00')).toBe('2025-06-30T21:30:00.000Z');
  });

  test('without a date is the next one', () => {
    const noon = Date.parse('2025-06-02T10:00Z');
    expect([iso('12:00', noon), iso('11:59', noon)]).toEqual(['2025-06-02T10:00:00.000Z', '2025-06-03T09:59:00.000Z']);
  });

  test('that a change of clocks leaves out is moved on; of one that comes twice, the first is meant', () => {
    expect(iso('2025-03-30T02:30')).toBe('2025-03-30T01:30:00.000Z');
    expect(iso('2025-10-26T02:30')).toBe('2025-10-26T00:30:00.000Z');
  });

  test('that is none is refused', () => {
    for (const text of ['soon', '25:99', '24:00', '2025-02-31', '2025-02-31T10:00'])
      expect(() => iso(text)).toThrow(`"${text}" is no time`);
  });
});
