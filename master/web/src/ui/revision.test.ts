import type { SourceStamp } from '@icefall/shared';
import { expect, test } from 'vitest';
import { revisionOf, tellingStamp } from './revision.ts';

const stamp = (codebase: string, revision: string | null): SourceStamp => ({
  ...{ codebase, repository: `r-${codebase}`, branch: 'main', project: '' },
  revision,
});
const got = (value: string | Record<string, string>) => ({ got_revision: { value, source: 'git' } });

test('a build is told by the source whose revision is known, which is that of the change that started it', () => {
  const [tools, main] = [stamp('tools', null), stamp('main', 'abc')];
  expect(tellingStamp({ sourceStamps: [tools, main], properties: got({ tools: 'x', main: 'abc' }) })).toBe(main);
  expect(tellingStamp({ sourceStamps: [tools], properties: {} })).toBe(tools);
  expect(tellingStamp({ sourceStamps: [], properties: {} })).toBeNull();
});

test('what was checked out is the revision of a single source for which none was asked', () => {
  const newest = stamp('', null);
  expect(revisionOf({ sourceStamps: [newest], properties: got('def') }, newest)).toBe('def');
  expect(revisionOf({ sourceStamps: [newest], properties: {} }, newest)).toBeNull();
  expect(revisionOf({ sourceStamps: [stamp('', 'abc')], properties: got('def') }, stamp('', 'abc'))).toBe('abc');
});
