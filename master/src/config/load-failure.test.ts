import { describe, expect, test } from 'vitest';
import { isOfSiteAlone } from './load-failure.ts';

const SITE = '    at fail (file:///srv/site/site.ts?generation=3:7:9)';
const OURS = `    at turn (${new URL('../engine/core.ts', import.meta.url).href}:10:3)`;
const LOADER = `    at async evaluate (${new URL('loader.ts', import.meta.url).href}:67:14)`;
const NODE = '    at listOnTimeout (node:internal/timers:685:17)';

function errorWith(...frames: string[]): Error {
  const error = new Error('no');
  error.stack = ['Error: no', ...frames].join('\n');
  return error;
}

describe('an error that nobody caught', () => {
  test.each([
    ['is of the site alone in its own timer', errorWith(SITE, NODE), true],
    ['is of the site alone beside its load', errorWith(SITE, LOADER), true],
    ['is of the master where the master was at work', errorWith(SITE, OURS, NODE), false],
    ['is of the master where the site was not at work', errorWith(NODE), false],
    [
      'may be of the master where its stack may be cut off',
      errorWith(...Array.from({ length: 10 }, () => SITE)),
      false,
    ],
    ['may be of the master where it has no stack', 'no', false],
  ])('%s', (_, error, expected) => expect(isOfSiteAlone(error)).toBe(expected));
});
