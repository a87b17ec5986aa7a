import { describe, expect, test } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { triggerableScheduler } from '../config/schedulers.ts';
import { worker } from '../config/workers.ts';
import { aRun, aStamp } from '../steps/test-run.ts';
import {
  computed,
  holdsReference,
  interpolate,
  isReference,
  prop,
  type RenderContext,
  RenderError,
  render,
  source,
} from './references.ts';

const context: RenderContext = aRun({
  properties: {
    text: 'abc',
    empty: '',
    number: 4,
    zero: 0,
    no: false,
    list: ['a', 1],
    object: { deep: true },
    none: null,
  },
  sourceStamps: [
    aStamp({ branch: 'main', revision: null }),
    aStamp({ codebase: 'data', repository: '/srv/data.git', branch: null, revision: 'abc123', project: 'p' }),
  ],
});
const messageOf = (value: unknown) => {
  try {
    return render(value, context);
  } catch (error) {
    if (error instanceof RenderError) return error.message;
    throw error;
  }
};

describe('prop', () => {
  test.each([
    ['text', 'abc'],
    ['number', 4],
    ['no', false],
    ['list', ['a', 1]],
    ['object', { deep: true }],
    ['none', null],
  ])('keeps the type of %s', (name, value) => {
    expect(render(prop(name), context)).toEqual(value);
  });

  test('takes its default for what is not set, and only then', () => {
    expect(render(prop('other', 'd'), context)).toBe('d');
    expect(render(prop('other', 0), context)).toBe(0);
    expect(render(prop('other', null), context)).toBeNull();
    expect(['empty', 'zero', 'no', 'none'].map((name) => render(prop(name, 'd'), context))).toEqual([
      '',
      0,
      false,
      null,
    ]);
  });

  test('that is not set and has no default is an error with its name and the remedy', () => {
    expect(messageOf(prop('variant'))).toBe(
      'property "variant" is not set; give prop() a default, or set it before this step',
    );
  });

  test.each(['constructor', 'toString', '__proto__'])('does not take %s for a property', (name) => {
    expect(messageOf(prop(name))).toContain(`property "${name}" is not set`);
  });
});

describe('source', () => {
  test('is an attribute of the source stamp of a code base, empty where it is unset', () => {
    expect(render([source('branch'), source('revision'), source('repository')], context)).toEqual([
      'main',
      '',
      '/srv/scripts.git',
    ]);
    expect(render([source('branch', 'data'), source('revision', 'data'), source('project', 'data')], context)).toEqual([
      '',
      'abc123',
      'p',
    ]);
  });

  test('of a code base that the build has not is an error with its name and the remedy', () => {
    expect(messageOf(source('branch', 'docs'))).toMatch(
      /no source stamp for code base "docs"; name it in the scheduler/,
    );
  });
});

describe('interpolate', () => {
  test('puts values and references between its text; what is no text is JSON', () => {
    const dest = interpolate`${'/srv'}/${prop('text')}/`;
    expect(render(interpolate`--dest=${dest} -j${prop('number')} ${prop('object')}${prop('no')}`, context)).toBe(
      '--dest=/srv/abc/ -j4 {"deep":true}false',
    );
  });

  test('takes a computed list for JSON, and says what it is made of', () => {
    const reference = interpolate`a ${computed(() => ['x', 1])} ${prop('text')}`;
    expect(render(reference, context)).toBe('a ["x",1] abc');
    expect(reference.text).toBe(`a \${computed(...)} \${prop("text")}`);
  });
});

describe('computed', () => {
  test('sees the build, and may give references', () => {
    const value = computed((build) => [
      build.builder,
      build.worker,
      build.buildNumber,
      build.resultSoFar,
      prop('text'),
    ]);
    expect(render(value, context)).toEqual(['linux', 'w1', 7, 'SUCCESS', 'abc']);
  });

  test('that throws is an error that says so', () => {
    const failing = computed(() => {
      throw new TypeError('no such thing');
    });
    expect(messageOf(failing)).toBe('computed(...) could not be evaluated: no such thing');
    expect(messageOf(computed(() => prop('variant')))).toContain('property "variant" is not set');
  });
});

describe('render', () => {
  test('replaces references at any depth, in lists and plain objects, and leaves the rest as it is', () => {
    const pattern = /x/;
    const act = () => 1;
    const bare: object = Object.assign(Object.create(null), { at: prop('number') });
    const deep = { a: [{ b: [prop('number'), { c: prop('text') }] }], pattern, act, bare, at: new Date(0) };
    expect(render(deep, context)).toEqual({
      a: [{ b: [4, { c: 'abc' }] }],
      pattern,
      act,
      bare: { at: 4 },
      at: new Date(0),
    });
    expect(holdsReference(deep)).toBe(true);
  });

  test('does not change what it was given', () => {
    const given = Object.freeze({ list: Object.freeze([prop('text')]) });
    expect(render(given, context)).toEqual({ list: ['abc'] });
    expect(isReference(given.list[0])).toBe(true);
  });

  test('finds no reference where there is none', () => {
    expect(
      [1, 'a', null, undefined, [], { a: [{}] }, () => prop('a'), new Map([['a', prop('a')]])].some(holdsReference),
    ).toBe(false);
    expect(isReference({ text: 'a', render: () => 1 })).toBe(false);
  });
});

test('a declaration that an option names is not looked into: its references are its own', () => {
  const linux = builder({
    name: 'linux',
    workers: [worker({ name: 'w1' })],
    factory: factory([]),
    env: { VARIANT: prop('variant') },
  });
  const scheduler = triggerableScheduler({ name: 'all', builders: [linux], properties: { variant: prop('variant') } });
  expect(render([scheduler], context)).toEqual([scheduler]);
  expect(holdsReference({ schedulers: [scheduler] })).toBe(false);
  expect(render({ type: 'a', place: prop('text') }, context)).toEqual({ type: 'a', place: 'abc' });
});
