import { makeBuild, makeBuilder, makeChange } from '@icefall/shared/testing/resources';
import { expect, test } from 'vitest';
import { builderPasses, buildPasses, filtersOf, shortName } from './filters.ts';

const filters = (query: string) => filtersOf(new URLSearchParams(query));
const noChange = () => undefined;

test('without filters everything is shown', () => {
  expect(builderPasses(filters(''), makeBuilder())).toBe(true);
  expect(buildPasses(filters(''), makeBuild(), noChange)).toBe(true);
});

test('all words must be in the name, group or tags of a builder, in any case', () => {
  const builder = makeBuilder({ name: 'alma9_builder', group: 'Platforms', tags: ['spack'] });
  expect(builderPasses(filters('name=ALMA spa plat'), builder)).toBe(true);
  expect(builderPasses(filters('name=alma debian'), builder)).toBe(false);
  expect(builderPasses(filters('tag=spac'), builder)).toBe(false);
});

test('builds are told by branch, result, scheduler and person', () => {
  const build = makeBuild({ owner: 'mk', changeIds: [4] });
  const changeOf = () => makeChange();
  for (const query of ['branch=main', 'result=SUCCESS', 'scheduler=push', 'person=mk', 'person=Release team'])
    expect(buildPasses(filters(query), build, changeOf)).toBe(true);
  for (const query of ['branch=dev', 'result=RUNNING', 'scheduler=x', 'person=ds'])
    expect(buildPasses(filters(query), build, changeOf)).toBe(false);
});

test('a running build passes as running', () => {
  expect(buildPasses(filters('result=RUNNING'), makeBuild({ result: null }), noChange)).toBe(true);
});

test('an author without a name keeps the address', () => {
  expect(shortName('Release team <mk@example.org>')).toBe('Release team');
  expect(shortName('<mk@example.org>')).toBe('<mk@example.org>');
});
