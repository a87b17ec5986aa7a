import { describe, expect, test } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { forceScheduler, triggerableScheduler } from '../config/schedulers.ts';
import { worker } from '../config/workers.ts';
import { computed, prop } from '../properties/references.ts';
import { aRun, aStamp, beginning, mistakesIn } from './test-run.ts';
import { type TriggerOptions, trigger } from './trigger.ts';

const linux = builder({
  name: 'linux',
  workers: [worker({ name: 'w1' })],
  factory: factory([]),
  env: { VARIANT: prop('set only in the triggered build') },
});
const [platforms, docs] = ['platforms', 'docs'].map((name) => triggerableScheduler({ name, builders: [linux] }));
if (platforms === undefined || docs === undefined) throw new Error('no schedulers');

function requestOf(options: Parameters<typeof trigger>[0], run = aRun()) {
  const action = beginning(() => trigger(options), run);
  if (action.do !== 'trigger') throw new Error(`it does ${action.do}`);
  return action.trigger;
}

describe('a trigger step', () => {
  test('starts its schedulers without waiting, hands no properties down, and takes all results seriously', () => {
    expect(requestOf({ schedulers: [platforms, 'docs'] })).toEqual({
      schedulers: ['platforms', 'docs'],
      unimportant: [],
      wait: false,
      properties: {},
      sourceStamps: [aStamp()],
    });
  });

  test('waits if told so, with unimportant schedulers and properties, whose types are kept', () => {
    const run = aRun({ properties: { variant: 'base', jobs: 4, last: ['a'] } });
    const properties = { variant: prop('variant'), jobs: prop('jobs', 1), nested: { last: prop('last') }, no: false };
    expect(
      requestOf({ schedulers: [platforms, docs], wait: true, unimportant: [docs], properties }, run),
    ).toMatchObject({
      schedulers: ['platforms', 'docs'],
      unimportant: ['docs'],
      wait: true,
      properties: { variant: 'base', jobs: 4, nested: { last: ['a'] }, no: false },
    });
  });

  test('leaves the references of the builders that it triggers alone', () => {
    expect(requestOf({ schedulers: [platforms] }).schedulers).toEqual(['platforms']);
    expect(requestOf({ schedulers: computed(() => [platforms, docs]) }).schedulers).toEqual(['platforms', 'docs']);
    expect(requestOf({ schedulers: [computed(() => docs)], unimportant: computed(() => ['docs']) })).toMatchObject({
      schedulers: ['docs'],
      unimportant: ['docs'],
    });
  });

  test('tells the checks of the site what it triggers, as far as that is known', () => {
    expect(trigger({ schedulers: [platforms, 'docs', prop('other')] }).triggers).toEqual(['platforms', 'docs']);
    expect(trigger({ schedulers: computed(() => [platforms]) }).triggers).toEqual([]);
  });
});

describe('the source stamps of a trigger', () => {
  const stamps = [aStamp({ revision: null }), aStamp({ codebase: 'data', repository: '/data', revision: 'asked' })];
  const at = (sourceStamps: TriggerOptions['sourceStamps'], got?: object | string) =>
    requestOf(
      { schedulers: [platforms], ...(sourceStamps === undefined ? {} : { sourceStamps }) },
      aRun({
        sourceStamps: stamps,
        properties: got === undefined ? {} : { got_revision: JSON.parse(JSON.stringify(got)) },
      }),
    ).sourceStamps.map(({ codebase, revision }) => `${codebase}:${revision}`);

  test('have the revisions that were checked out; as they are for a code base that was not', () => {
    expect(at(undefined, 'got')).toEqual([':got', 'data:asked']);
    expect(at('same', { data: 'got' })).toEqual([':null', 'data:got']);
    expect(at('same', { '': 'one', data: 'two' })).toEqual([':one', 'data:two']);
    expect(at('same')).toEqual([':null', 'data:asked']);
  });

  test('are as they were asked for, whatever was checked out', () => {
    expect(at('requested', { '': 'one', data: 'two' })).toEqual([':null', 'data:asked']);
  });

  test('are the latest, without a revision', () => {
    expect(at('latest', { '': 'one', data: 'two' })).toEqual([':null', 'data:null']);
  });

  test('are those given, rendered, and nothing of the build', () => {
    const run = aRun({ properties: { branch: 'v3' }, sourceStamps: stamps });
    const given = [
      { repository: '/other.git', branch: prop('branch') },
      { codebase: 'x', repository: '/x', revision: 'r' },
    ];
    expect(requestOf({ schedulers: [platforms], sourceStamps: given }, run).sourceStamps).toEqual([
      { codebase: '', repository: '/other.git', branch: 'v3', revision: null, project: '' },
      { codebase: 'x', repository: '/x', branch: null, revision: 'r', project: '' },
    ]);
  });
});

describe('a trigger step whose options are wrong', () => {
  const force = forceScheduler({ name: 'force', builders: [linux] });
  test.each([
    [{}, /option "schedulers"/],
    [{ schedulers: [] }, /option "schedulers": must name at least one scheduler/],
    [{ schedulers: platforms }, /option "schedulers": .*expected array/],
    [{ schedulers: [platforms, linux] }, /option "schedulers.1": must be a scheduler or its name/],
    [{ schedulers: [''] }, /option "schedulers.0": must be a scheduler or its name/],
    [
      { schedulers: [platforms], unimportant: [docs] },
      /option "unimportant": must be among the schedulers \(found \["scheduler docs"\]\)/,
    ],
    [{ schedulers: [platforms], wait: 'yes' }, /option "wait"/],
    [{ schedulers: [platforms], properties: { 'a b': 1 } }, /option "properties.a b": must begin with a letter/],
    [
      { schedulers: [platforms], properties: { a: () => 1 } },
      /option "properties.a": must be JSON.* \(found a function\)/,
    ],
    [
      { schedulers: [platforms], sourceStamps: 'newest' },
      /option "sourceStamps": .*"same"\|"requested"\|"latest".* \(found "newest"\)/,
    ],
    [{ schedulers: [platforms], sourceStamps: [{ branch: 'b' }] }, /option "sourceStamps.0.repository"/],
    [
      { schedulers: [platforms], sourceStamps: [{ repository: 'r' }, { repository: 's' }] },
      /option "sourceStamps": .*code base twice/,
    ],
    [{ schedulers: [platforms], copyProperties: ['a'] }, /"copyProperties"/],
  ])('tells %#', (options, expected) => {
    expect(mistakesIn(() => trigger(options as TriggerOptions))).toEqual([expect.stringMatching(expected)]);
  });

  test('tells at load of an unimportant scheduler that it does not start, although its properties are references', () => {
    const declare = () => trigger({ schedulers: [platforms], unimportant: [docs], properties: { a: prop('a') } });
    expect(mistakesIn(declare)).toEqual([expect.stringContaining('must be among the schedulers')]);
  });

  test('tells when it starts what its references came to', () => {
    const declared = trigger({ schedulers: [prop('scheduler')], properties: { a: prop('a', 1) } });
    expect(() => declared.prepare(aRun({ properties: { scheduler: 5 } }))).toThrow(
      /trigger\.test\.ts:\d+: step trigger "step": option "schedulers.0": must be a scheduler or its name \(found 5\)/,
    );
    expect(mistakesIn(() => trigger({ schedulers: [force] }))).toEqual([]);
  });
});
