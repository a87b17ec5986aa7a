import { describe, expect, test } from 'vitest';
import { buildOf, stepOf } from '../testing/resources.ts';
import { findStep, parseBuildReference, parseWholeBuild } from './build-reference.ts';

describe('a build as people name it', () => {
  test.each([
    ['412', { id: 412, builder: null, number: null, step: null }],
    ['412.3', { id: 412, builder: null, number: null, step: '3' }],
    ['ubuntu22.04_builder/12', { id: null, builder: 'ubuntu22.04_builder', number: 12, step: null }],
    ['b/#12', { id: null, builder: 'b', number: 12, step: null }],
    ['ubuntu22.04_builder/12.run a/b.sh', { id: null, builder: 'ubuntu22.04_builder', number: 12, step: 'run a/b.sh' }],
  ])('%s', (text, expected) => expect(parseBuildReference(text)).toEqual(expected));

  test.each(['', 'b', 'b/', '/3', '3.', '-1', 'b/x', '1e3'])('%j is none, and says how to name one', (text) => {
    expect(() => parseBuildReference(text)).toThrow(/is not a build; name one by its id \(412\) or as builder\/number/);
  });

  test('may not name a step where the whole build is meant', () => {
    expect(() => parseWholeBuild('12.3')).toThrow(/names a step/);
  });

  test('finds a step by number before one with such a name, and lists those there are', () => {
    const build = buildOf({ steps: [stepOf({ number: 0, name: '1' }), stepOf({ number: 1, name: 'make' })] });
    expect(findStep(build, '1').name).toBe('make');
    expect(findStep(build, 'make').number).toBe(1);
    expect(() => findStep(build, 'test')).toThrow('build b/4 has no step "test"; it has 0 1, 1 make');
  });
});
